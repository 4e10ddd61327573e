//! The words of a DataTopic's status, and the events that follow from its changes.

use millrace_crds::{DataTopicStatus, HasConditions};
use millrace_kit::{Note, conditions, events::condition_notes};

/// Ready: the topic is as declared.
pub(super) const READY: &str = "TopicReady";
/// A topic that was there is being taken over.
pub(super) const ADOPTING: &str = "Adopting";
/// Ready still: somebody changed the topic, and it is being put back.
pub(super) const DRIFT: &str = "DriftFound";
/// Deletion waits for the broker.
pub(super) const WAITS: &str = "DeletionWaits";
/// Deletion has ended without deleting the topic.
pub(super) const LEFT: &str = "TopicLeft";

/// The reason of the condition Ready.
pub(super) fn reason(status: &DataTopicStatus) -> &str {
    conditions::get(status, "Ready").map_or("", |c| c.reason.as_str())
}

/// Whether the topic has been as declared since the spec was last changed.
pub(super) fn settled(status: &DataTopicStatus, generation: i64) -> bool {
    status.observed_generation() == generation && [READY, DRIFT].contains(&reason(status))
}

pub(super) fn notes(old: &DataTopicStatus, new: &DataTopicStatus) -> Vec<Note> {
    let mut notes = condition_notes(old, new);
    let name = new.topic_name.clone().unwrap_or_default();
    let mut tell = |warning, reason: &str, message| notes.push(Note { warning, reason: reason.to_owned(), message });
    match (&old.topic_id, &new.topic_id) {
        (None, Some(id)) if reason(new) == ADOPTING => {
            tell(false, "TopicAdopted", format!("topic {name} existed and is kept from now on; its id is {id}"));
        }
        (Some(before), Some(after)) if before != after => {
            tell(
                true,
                "TopicReplaced",
                format!(
                    "topic {name} was deleted and made anew by somebody else: id {before} became {after}, the old records are lost"
                ),
            );
        }
        (Some(before), None) if new.creating.is_some() => {
            tell(
                true,
                "TopicLost",
                format!("topic {name} with id {before} was deleted by somebody else; it is created again, empty"),
            );
        }
        _ => {}
    }
    if reason(old) == DRIFT && reason(new) == READY {
        let keys = new.last_drift.as_ref().map(|d| d.keys.join(", ")).unwrap_or_default();
        tell(false, "DriftCorrected", format!("drift corrected on topic {name}: {keys} put back as declared"));
    }
    if reason(old) != LEFT && reason(new) == LEFT {
        let message = conditions::get(new, "Ready").map(|c| c.message.clone()).unwrap_or_default();
        tell(true, LEFT, message);
    }
    notes
}
