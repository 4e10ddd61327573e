//! What to do for a DataBucket that is being deleted.
//!
//! The bucket goes only if the policy says so and its tags name this very incarnation. What cannot be finished in time
//! is left on the store with a warning: a finalizer never hangs a namespace for ever and never forgets silently.

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::{DataBucket, DataBucketStatus, Reason, ReasonText, data_bucket::BucketDeletion};
use millrace_kit::{Action, Decision, Effect as _, Seen, Standing, later};

use super::{
    decide::BucketDecision,
    effect::Intent,
    model::{Model, Whose},
    observe::{Look, Observed},
    status::{self, say},
};

/// After this time without success the object is let go and the bucket stays.
pub(super) const GIVE_UP: Duration = Duration::from_secs(300);
/// How often a store that failed is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(10);

pub(super) fn decide(object: &DataBucket, seen: &Seen<Observed>, now: Timestamp) -> BucketDecision {
    let status = object.status.clone().unwrap_or_default();
    let policy = object.spec.bucket.deletion_policy.unwrap_or_default();
    let touched = status.creating.is_some() || status.bucket_name.is_some();
    if policy == BucketDeletion::Retain || !touched {
        return Decision::of(status);
    }
    let began = object.metadata.deletion_timestamp.as_ref().map_or(now, |t| t.0);
    let end = End { now, deadline: later(began, GIVE_UP) };
    let plane = seen.data.plane.as_ref();
    let Some(model) = plane.and_then(|plane| Model::parse(object, plane).ok()) else {
        let message = format!("DataPlane {} is gone, or the spec cannot be read", object.spec.data_plane);
        return end.stuck(status, Reason::DataPlaneMissing, &message);
    };
    match &seen.data.look {
        Look::Not => end.stuck(status, Reason::NoObjectStore, "the DataPlane has no object store"),
        Look::Failed(error) => end.stuck(status, error.trouble.reason(), &error.message),
        Look::Absent => Decision::of(status),
        Look::There(bucket) => {
            let intended = status.creating.as_ref().is_some_and(|c| c.name == model.bucket && c.saw_absent);
            match model.whose(&bucket.tags) {
                Whose::Ours => end.delete(&model, (status, false), seen),
                Whose::Untagged if intended => end.delete(&model, (status, true), seen),
                _ => {
                    let message = format!(
                        "bucket {} does not carry this object's tags any more; it is left on the store as it is",
                        model.bucket
                    );
                    let mut status = status;
                    say(&mut status, &Standing::progressing(status::NOT_OURS, message), now);
                    Decision::of(status)
                }
            }
        }
    }
}

struct End {
    now: Timestamp,
    deadline: Timestamp,
}

impl End {
    /// Cannot go on: waits until the deadline, then lets go.
    fn stuck(&self, mut status: DataBucketStatus, reason: impl Into<ReasonText>, message: &str) -> BucketDecision {
        if self.now >= self.deadline {
            let bucket = status.bucket_name.clone().unwrap_or_default();
            let message =
                format!("bucket {bucket} was left on the store: {message}; delete it by hand if it is not wanted");
            say(&mut status, &Standing::progressing(status::ABANDONED, message), self.now);
            return Decision::of(status);
        }
        let message = format!("{message}; at {} the finalizer is removed and the bucket is kept", self.deadline);
        say(&mut status, &Standing::progressing(reason, message), self.now);
        Decision::of(status).hold(true).wake_at(self.deadline).wake_after(self.now, ASK_AGAIN)
    }

    fn delete(&self, model: &Model, at: (DataBucketStatus, bool), seen: &Seen<Observed>) -> BucketDecision {
        let (mut status, claim_first) = at;
        let intent = Intent::Delete {
            bucket: model.bucket.clone(),
            tags: model.tags.clone(),
            contents: model.deletion == BucketDeletion::DeleteAll,
        };
        let mut chosen = if let Some(last) = seen.failures.of(&intent.id()) {
            let hint = if last.failure.reason == Reason::NotEmpty {
                "; empty it, or set spec.deletionPolicy to Retain or DeleteAll"
            } else {
                ""
            };
            let stuck = self.stuck(status, &last.failure.reason, &format!("{}{hint}", last.failure.message));
            if !stuck.hold {
                return stuck;
            }
            stuck
        } else {
            let standing = Standing::progressing(status::DELETING, format!("deleting bucket {}", model.bucket));
            say(&mut status, &standing, self.now);
            Decision::of(status).hold(true)
        };
        if claim_first {
            let claim = Intent::Claim { bucket: model.bucket.clone(), tags: model.tags.clone() };
            chosen = chosen.act(Action::Effect(claim));
        }
        chosen.act(Action::Effect(intent))
    }
}
