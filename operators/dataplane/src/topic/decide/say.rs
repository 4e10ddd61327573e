//! What is decided of a topic.

use jiff::Timestamp;
use millrace_crds::DataTopicStatus;
use millrace_kit::{Action, Decision, Standing};

use crate::{kafka::Change, waits};

pub(crate) type TopicDecision = Decision<DataTopicStatus, Change>;

/// A decision that says how a living object stands and does these changes.
pub(super) fn say(
    mut status: DataTopicStatus,
    standing: &Standing,
    now: Timestamp,
    changes: Vec<Change>,
) -> TopicDecision {
    let deadline = waits::stand(&mut status, standing, waits::LIMIT, now);
    let said = deadline.into_iter().fold(Decision::of(status), Decision::wake_at);
    changes.into_iter().fold(said, |d, change| d.act(Action::Effect(change)))
}
