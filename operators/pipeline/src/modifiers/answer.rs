//! What a modifier can say.

use crate::verbs::child_state::Cause;

/// What a modifier says of a step whose needs have succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// It starts.
    Start,
    /// It is skipped, and so is what needs it.
    Skip(Cause),
    /// It has failed.
    Fail(Cause),
}
