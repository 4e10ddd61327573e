//! Where an operator counts what happens to its objects, for metrics of its domain.
//!
//! The kernel tells what is stored, not what was decided: a status is told when a pass reads it back, so a write that
//! was lost is never counted, and one whose answer was lost is counted once. Differences are theirs to find;
//! the first status it is told of an object is where it begins, so that a restart counts nothing again.

use jiff::Timestamp;

use crate::{decision::Child, kind::Key, operator::Operator};

/// Counts for one operator. Calls are short and never fail; they happen on the path of every pass.
pub trait DomainMetrics<O: Operator>: Send + Sync {
    /// The object as it is stored, before each pass over it; never older than what was told before.
    fn stored(&self, object: &O::Object, now: Timestamp);

    /// The API server took this child of `object`, or had it already.
    fn created(&self, object: &O::Object, child: &Child, now: Timestamp);

    /// There is no object of this name any more.
    fn gone(&self, key: &Key);
}
