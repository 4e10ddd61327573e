//! What belongs to one engine alone.

pub(crate) mod flink;
pub(crate) mod spark;
