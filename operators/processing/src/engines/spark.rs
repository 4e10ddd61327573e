//! Apache Spark.

pub(crate) mod layout;
