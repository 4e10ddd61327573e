//! What the status says in the place of a restore point.

/// There is none: the attempt starts without state.
pub(crate) const EMPTY: &str = "Empty";
/// The newest one could not be learnt.
pub(crate) const UNKNOWN: &str = "Unknown";
