//! What to do with a topic: nothing, if it is as declared.
//!
//! [`keep`] decides for living objects, [`delete`] for dying ones.

mod delete;
mod keep;

use jiff::Timestamp;
use millrace_crds::{DataTopic, DataTopicStatus, data_topic::TopicDeletion};
use millrace_kit::{Action, Decision, Seen, Standing};

use super::{Observed, model};
use crate::{kafka::Change, waits};

pub(super) type Verdict = Decision<DataTopicStatus, Change>;

pub(super) fn decide(object: &DataTopic, seen: &Seen<Observed>, now: Timestamp) -> Verdict {
    if object.metadata.deletion_timestamp.is_some() {
        return delete::decide(object, seen, now);
    }
    let hold = model::policy(object) == TopicDeletion::Delete;
    keep::decide(object, seen, now).hold(hold)
}

/// A decision that says how a living object stands and does these changes.
fn say(mut status: DataTopicStatus, standing: &Standing, now: Timestamp, changes: Vec<Change>) -> Verdict {
    let deadline = waits::stand(&mut status, standing, waits::LIMIT, now);
    let said = deadline.into_iter().fold(Decision::of(status), Decision::wake_at);
    changes.into_iter().fold(said, |d, change| d.act(Action::Effect(change)))
}
