//! What to do with a topic: nothing, if it is as declared.
//!
//! [`reconcile`] decides for living objects, [`delete`] for dying ones.

mod delete;
mod reconcile;
mod say;

use jiff::Timestamp;
use millrace_crds::{DataTopic, data_topic::TopicDeletion};
use millrace_kit::Seen;

use super::{Observed, model};
use say::TopicDecision;

pub(crate) fn decide(object: &DataTopic, seen: &Seen<Observed>, now: Timestamp) -> TopicDecision {
    if object.metadata.deletion_timestamp.is_some() {
        return delete::decide(object, seen, now);
    }
    let hold = model::policy(object) == TopicDeletion::Delete;
    reconcile::decide(object, seen, now).hold(hold)
}
