//! What a view needs from the process around it, and what it says when it has none.

use jiff::Timestamp;
use millrace_kit::{Class, Failure, Key};

use super::{Sight, UNREACHABLE};

/// What a view needs from the process around it.
pub trait Surroundings: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> Timestamp;
    /// Whether the DataPlane is still there.
    fn wanted(&self) -> bool;
    /// Whether this DataTopic is still there.
    fn alive(&self, topic: &Key) -> bool;
    /// Wakes this DataTopic.
    fn wake(&self, topic: Key);
    /// Wakes the DataPlane.
    fn wake_plane(&self);
}

/// What is seen through a view that has ended.
pub(super) fn ended() -> Sight {
    Sight::Unreachable { since: Timestamp::UNIX_EPOCH, message: "the broker's view has ended".to_owned() }
}

/// The failure of a broker that does not answer.
pub(super) fn unreachable(message: &str) -> Failure {
    Failure::new(Class::Transient, UNREACHABLE, message)
}
