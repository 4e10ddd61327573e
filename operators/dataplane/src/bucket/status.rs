//! How a DataBucket's status speaks: reasons, messages, and the events that follow from a change.

use jiff::Timestamp;
use millrace_crds::{DataBucketStatus, Reason};
use millrace_kit::{Note, Standing, conditions, events::condition_notes};

/// Reason: the bucket is being made.
pub(super) const CREATING: Reason = Reason::Creating;
/// Reason: the bucket was lost on the store and is being made anew.
pub(super) const RECREATING: Reason = Reason::Recreating;
/// Reason: a bucket of an earlier incarnation, or one named by `externalName`, is being taken over.
pub(super) const ADOPTING: Reason = Reason::Adopting;
/// Reason: settings are being changed to the spec.
pub(super) const CONFIGURING: Reason = Reason::Configuring;
/// Reason: the bucket is as declared.
pub(super) const AVAILABLE: Reason = Reason::Available;
/// Reason: the bucket is being deleted.
pub(super) const DELETING: Reason = Reason::Deleting;
/// Reason: deletion did not succeed in time; the bucket stays on the store.
pub(super) const ABANDONED: Reason = Reason::DeletionAbandoned;
/// Reason: the object goes, the bucket is another incarnation's and stays.
pub(super) const NOT_OURS: Reason = Reason::NotOurs;

/// Writes the standing.
pub(super) fn say(status: &mut DataBucketStatus, standing: &Standing, now: Timestamp) {
    conditions::stand(status, standing, now);
}

/// The reason of the Ready condition.
fn reason(status: &DataBucketStatus) -> Option<Reason> {
    conditions::reason(status, "Ready")
}

/// Warnings and ends as everywhere, and: adoption, loss, drift, abandoned deletion.
pub(super) fn notes(old: &DataBucketStatus, new: &DataBucketStatus) -> Vec<Note> {
    let mut notes = condition_notes(old, new);
    let now_says = |is: Reason| reason(new) == Some(is) && reason(old) != Some(is);
    let message = || conditions::get(new, "Ready").map(|c| c.message.clone()).unwrap_or_default();
    for (reason, event, warning) in [
        (ADOPTING, Reason::Adopted, false),
        (RECREATING, Reason::BucketVanished, true),
        (ABANDONED, ABANDONED, true),
        (NOT_OURS, NOT_OURS, true),
    ] {
        if now_says(reason) {
            notes.push(Note { warning, reason: event.into(), message: message() });
        }
    }
    notes.extend(super::refuse::note(old, new));
    if let Some(drift) = new.last_drift.as_ref().filter(|_| new.last_drift != old.last_drift) {
        notes.push(Note {
            warning: true,
            reason: Reason::DriftCorrected.into(),
            message: format!(
                "bucket {} was changed outside Millrace; putting back: {}",
                new.bucket_name.as_deref().unwrap_or_default(),
                drift.keys.join(", ")
            ),
        });
    }
    notes
}
