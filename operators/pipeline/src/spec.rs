//! The spec of a pipeline parsed into a plan that cannot be wrong.
//!
//! Every finding names its field path and what to write instead, and all findings come at once. What depends on other
//! objects of the namespace (a bucket that is used but not declared) is observed, never judged here.

pub mod condition;
pub(crate) mod fill;
pub mod finding;
mod graph;
pub mod plan;
pub mod references;
pub mod returns;
pub mod scope;
pub mod step;
mod symbols;
#[cfg(test)]
mod tests;
