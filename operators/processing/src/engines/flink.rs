//! Apache Flink.

pub(crate) mod client;
pub(crate) mod layout;
pub(crate) mod name;
