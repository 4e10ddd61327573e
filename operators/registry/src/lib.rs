//! MLflow servers and the model versions in them.
