//! How a DataBucket's status speaks: reasons, messages, and the events that follow from a change.

use jiff::Timestamp;
use millrace_crds::DataBucketStatus;
use millrace_kit::{Note, Standing, conditions, events::condition_notes};

/// Reason: another owner's bucket has the name; untouched.
pub(super) const NAME_TAKEN: &str = "NameTaken";
/// Reason: the bucket is being made.
pub(super) const CREATING: &str = "Creating";
/// Reason: the bucket was lost on the store and is being made anew.
pub(super) const RECREATING: &str = "Recreating";
/// Reason: a bucket of an earlier incarnation, or one named by `externalName`, is being taken over.
pub(super) const ADOPTING: &str = "Adopting";
/// Reason: settings are being changed to the spec.
pub(super) const CONFIGURING: &str = "Configuring";
/// Reason: the bucket is as declared.
pub(super) const AVAILABLE: &str = "Available";
/// Reason: the bucket is being deleted.
pub(super) const DELETING: &str = "Deleting";
/// Reason: deletion did not succeed in time; the bucket stays on the store.
pub(super) const ABANDONED: &str = "DeletionAbandoned";
/// Reason: the object goes, the bucket is another incarnation's and stays.
pub(super) const NOT_OURS: &str = "NotOurs";

/// Writes the standing.
pub(super) fn say(status: &mut DataBucketStatus, standing: &Standing, now: Timestamp) {
    conditions::stand(status, standing, now);
}

/// The reason of the Ready condition.
fn reason(status: &DataBucketStatus) -> &str {
    conditions::get(status, "Ready").map_or("", |c| c.reason.as_str())
}

/// Warnings and ends as everywhere, and: adoption, loss, drift, abandoned deletion.
pub(super) fn notes(old: &DataBucketStatus, new: &DataBucketStatus) -> Vec<Note> {
    let mut notes = condition_notes(old, new);
    let now_says = |word: &str| reason(new) == word && reason(old) != word;
    let message = || conditions::get(new, "Ready").map(|c| c.message.clone()).unwrap_or_default();
    for (word, event, warning) in [
        (ADOPTING, "Adopted", false),
        (RECREATING, "BucketVanished", true),
        (ABANDONED, ABANDONED, true),
        (NOT_OURS, NOT_OURS, true),
    ] {
        if now_says(word) {
            notes.push(Note { warning, reason: event.to_owned(), message: message() });
        }
    }
    notes.extend(super::refuse::note(old, new));
    if let Some(drift) = new.last_drift.as_ref().filter(|_| new.last_drift != old.last_drift) {
        notes.push(Note {
            warning: true,
            reason: "DriftCorrected".to_owned(),
            message: format!(
                "bucket {} was changed outside Millrace; putting back: {}",
                new.bucket_name.as_deref().unwrap_or_default(),
                drift.keys.join(", ")
            ),
        });
    }
    notes
}
