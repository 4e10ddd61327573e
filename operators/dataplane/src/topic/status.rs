//! The words of a DataTopic's status, and the events that follow from its changes.

use millrace_crds::{DataTopicStatus, HasConditions, Reason};
use millrace_kit::{Note, conditions, events::condition_notes};

/// Ready: the topic is as declared.
pub(super) const READY: Reason = Reason::TopicReady;
/// A topic that was there is being taken over.
pub(super) const ADOPTING: Reason = Reason::Adopting;
/// Ready still: somebody changed the topic, and it is being put back.
pub(super) const DRIFT: Reason = Reason::DriftFound;
/// Deletion waits for the broker.
pub(super) const WAITS: Reason = Reason::DeletionWaits;
/// Deletion has ended without deleting the topic.
pub(super) const LEFT: Reason = Reason::TopicLeft;

/// The reason of the condition Ready.
pub(super) fn reason(status: &DataTopicStatus) -> Option<Reason> {
    conditions::reason(status, "Ready")
}

/// Whether the topic has been as declared since the spec was last changed.
pub(super) fn settled(status: &DataTopicStatus, generation: i64) -> bool {
    status.observed_generation() == generation && reason(status).is_some_and(|reason| [READY, DRIFT].contains(&reason))
}

pub(super) fn notes(old: &DataTopicStatus, new: &DataTopicStatus) -> Vec<Note> {
    let mut notes = condition_notes(old, new);
    let name = new.topic_name.clone().unwrap_or_default();
    let mut tell = |warning, reason: Reason, message| notes.push(Note { warning, reason: reason.into(), message });
    match (&old.topic_id, &new.topic_id) {
        (None, Some(id)) if reason(new) == Some(ADOPTING) => {
            tell(
                false,
                Reason::TopicAdopted,
                format!("topic {name} existed and is managed from now on; its id is {id}"),
            );
        }
        (Some(before), Some(after)) if before != after => {
            tell(
                true,
                Reason::TopicReplaced,
                format!(
                    "topic {name} was deleted and re-created by someone else (id {before} became {after}); its records are lost"
                ),
            );
        }
        (Some(before), None) if new.creating.is_some() => {
            tell(
                true,
                Reason::TopicLost,
                format!("topic {name} with id {before} was deleted by someone else; an empty one is being created"),
            );
        }
        _ => {}
    }
    if reason(old) == Some(DRIFT) && reason(new) == Some(READY) {
        let keys = new.last_drift.as_ref().map(|d| d.keys.join(", ")).unwrap_or_default();
        tell(false, Reason::DriftCorrected, format!("drift corrected on topic {name}: {keys} put back as declared"));
    }
    if reason(old) != Some(LEFT) && reason(new) == Some(LEFT) {
        let message = conditions::get(new, "Ready").map(|c| c.message.clone()).unwrap_or_default();
        tell(true, LEFT, message);
    }
    notes
}
