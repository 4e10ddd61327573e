//! Pipelines of steps and their runs.
