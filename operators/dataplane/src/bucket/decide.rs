//! What to do for a DataBucket that is wanted. Deletion is in [`super::end`].
//!
//! The order of claims: absent -> the intent is stored, then it is created and tagged; tagged ours -> kept as declared;
//! an earlier incarnation's, or allowed by `externalName` -> adopted; anything else is left alone.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    DataBucket, DataBucketStatus, Reason,
    data_bucket::BucketDeletion,
    status::{Creating, Drift},
};
use millrace_kit::{Action, Decision, Effect as _, LastFailure, Seen, Standing, conditions, later};

use super::{
    effect::Intent,
    model::{Model, Whose},
    observe::{Look, Observed},
    refuse,
    status::{self, say},
};
use crate::{
    store::{Bucket, Expiry, Facts, Trouble, Versioning},
    waits,
};

/// How often a bucket that is as declared is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(45);
/// How often a store that failed is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(10);
/// A drift found again within this time is the same one, not yet put back.
const SAME_DRIFT: Duration = Duration::from_secs(60);
/// What a difference of an expiry rule begins with.
const EXPIRE: &str = "expire ";

pub(super) type BucketDecision = Decision<DataBucketStatus, Intent>;

pub(super) fn decide(object: &DataBucket, seen: &Seen<Observed>, now: Timestamp) -> BucketDecision {
    let mut status = object.status.clone().unwrap_or_default();
    let deletion = object.spec.bucket.deletion_policy.unwrap_or_default();
    // Nothing outside the cluster has to be undone before the first intent is stored.
    let touched = status.creating.is_some() || status.bucket_name.is_some();
    let pass = Pass { object, now, hold: deletion != BucketDeletion::Retain, touched };
    let (plane, mut model) = match parsed(&pass, seen) {
        Ok(both) => both,
        Err(standing) => return pass.only(status, &standing).wake_after(now, LOOK_AGAIN),
    };
    refuse::refuse((object, &seen.data.kept), &mut model, &mut status, now);
    match &seen.data.look {
        Look::Not => {
            pass.only(status, &Standing::progressing(Reason::NotLooked, "the object store has not been asked yet"))
        }
        Look::Failed(error) => {
            let passing = matches!(error.trouble, Trouble::StoreUnreachable | Trouble::StoreBusy);
            if passing && pass.ready(&status) {
                // An outage says nothing of this bucket; the DataPlane tells of it.
                return Decision::of(status).hold(pass.hold).wake_after(now, ASK_AGAIN);
            }
            let hint = format!("{}; see DataPlane {}", error.message, object.spec.data_plane);
            pass.only(status, &Standing::progressing(error.trouble.reason(), hint)).wake_after(now, ASK_AGAIN)
        }
        Look::Absent => pass.absent(&model, status, seen),
        Look::There(bucket) => pass.there((&model, plane), (status, bucket), seen),
    }
}

fn parsed<'a>(pass: &Pass<'_>, seen: &'a Seen<Observed>) -> Result<(&'a Facts, Model), Standing> {
    let name = &pass.object.spec.data_plane;
    let Some(plane) = &seen.data.plane else {
        return Err(Standing::progressing(
            Reason::DataPlaneMissing,
            format!("DataPlane {name} (spec.dataPlane) does not exist; create it or name another"),
        ));
    };
    if !plane.allowed {
        return Err(Standing::stalled(
            Reason::NamespaceNotAllowed,
            format!("DataPlane {name} does not admit this namespace; its spec.namespaces says which labels are needed"),
        ));
    }
    if plane.store.is_none() {
        return Err(Standing::stalled(Reason::NoObjectStore, format!("DataPlane {name} has no spec.objectStore")));
    }
    let model =
        Model::parse(pass.object, plane).map_err(|all| Standing::stalled(Reason::InvalidSpec, all.join("; ")))?;
    if model.external && !plane.external {
        return Err(Standing::stalled(
            Reason::ExternalNameNotAllowed,
            format!(
                "spec.externalName is not allowed to this namespace by DataPlane {name}; leave it out, or have its \
                 spec.externalNames admit the namespace"
            ),
        ));
    }
    Ok((plane, model))
}

/// What stays the same throughout one decide.
struct Pass<'a> {
    object: &'a DataBucket,
    now: Timestamp,
    hold: bool,
    touched: bool,
}

impl Pass<'_> {
    fn ready(&self, status: &DataBucketStatus) -> bool {
        conditions::is_ready(status, self.object.metadata.generation.unwrap_or(0))
    }

    /// A status and nothing to do.
    fn only(&self, mut status: DataBucketStatus, standing: &Standing) -> BucketDecision {
        let deadline = waits::stand(&mut status, standing, waits::LIMIT, self.now);
        let said = Decision::of(status).hold(self.hold && self.touched);
        deadline.into_iter().fold(said, Decision::wake_at)
    }

    /// The intents, and a status that says what is under way, or what last went wrong with one of them.
    fn doing(&self, at: (DataBucketStatus, Standing), intents: Vec<Intent>, seen: &Seen<Observed>) -> BucketDecision {
        let (status, standing) = at;
        let standing = failed(&intents, seen).map_or(standing, |last| Standing::failed(&last.failure));
        let chosen = self.only(status, &standing).hold(self.hold);
        intents.into_iter().fold(chosen, |chosen, intent| chosen.act(Action::Effect(intent)))
    }

    fn absent(&self, model: &Model, mut status: DataBucketStatus, seen: &Seen<Observed>) -> BucketDecision {
        let bucket = &model.bucket;
        if model.external {
            let message =
                format!("bucket {bucket} (spec.externalName) does not exist; externalName adopts, it never creates");
            return self
                .only(status, &Standing::progressing(Reason::ExternalBucketMissing, message))
                .wake_after(self.now, LOOK_AGAIN);
        }
        let lost = status.bucket_name.take().is_some();
        let recreating = conditions::get(&status, "Ready").is_some_and(|c| c.reason == status::RECREATING);
        status.uri = None;
        status.creating = Some(Creating { name: bucket.clone(), saw_absent: true });
        let standing = if lost || recreating {
            let message = format!(
                "bucket {bucket} was deleted on the store and its objects are lost; an empty one is being created"
            );
            Standing::progressing(status::RECREATING, message)
        } else {
            Standing::progressing(status::CREATING, format!("creating bucket {bucket}"))
        };
        manage(model, &Bucket::default(), &mut status);
        let mut intents = vec![
            Intent::Create { bucket: bucket.clone() },
            Intent::Claim { bucket: bucket.clone(), tags: model.tags.clone() },
        ];
        intents.extend(settings(model, &Bucket::default(), (status.managed_versioning, &[])));
        self.doing((status, standing), intents, seen)
    }

    fn there(&self, of: (&Model, &Facts), at: (DataBucketStatus, &Bucket), seen: &Seen<Observed>) -> BucketDecision {
        let (model, plane) = of;
        let (status, bucket) = at;
        let name = &model.bucket;
        let intended = status.creating.as_ref().is_some_and(|c| c.name == *name && c.saw_absent);
        let held = status.bucket_name.as_deref() == Some(name);
        match model.whose(&bucket.tags) {
            Whose::Ours => self.ours(model, (status, bucket), seen),
            Whose::Untagged if intended => {
                let standing = Standing::progressing(status::CREATING, format!("tagging bucket {name}"));
                self.claim(model, (status, standing), seen)
            }
            Whose::Untagged if held => {
                let message = format!(
                    "bucket {name} has lost the tags that prove it ours and is left alone; put them back: {}",
                    listed(&model.tags)
                );
                self.only(status, &Standing::stalled(Reason::TagsLost, message)).wake_after(self.now, LOOK_AGAIN)
            }
            Whose::Untagged if model.external => {
                let message = format!("adopting bucket {name}, which spec.externalName names");
                self.claim(model, (status, Standing::progressing(status::ADOPTING, message)), seen)
            }
            Whose::Earlier if held => {
                let message = format!(
                    "bucket {name} was claimed by another object of the same name, on another cluster with the same \
                     DataPlane owner {}; delete one of the two (deletionPolicy Retain)",
                    plane.owner
                );
                self.only(status, &Standing::stalled(Reason::ClaimedElsewhere, message))
                    .wake_after(self.now, LOOK_AGAIN)
            }
            Whose::Earlier => {
                let message =
                    format!("adopting bucket {name}, made for an earlier object of this name; its objects are kept");
                self.claim(model, (status, Standing::progressing(status::ADOPTING, message)), seen)
            }
            Whose::Untagged | Whose::Other => {
                let message = format!(
                    "bucket {name} exists and is not this object's; it is left alone: rename this object, or remove the bucket"
                );
                self.only(status, &Standing::stalled(Reason::NameTaken, message)).wake_after(self.now, LOOK_AGAIN)
            }
        }
    }

    fn claim(&self, model: &Model, say: (DataBucketStatus, Standing), seen: &Seen<Observed>) -> BucketDecision {
        let claim = Intent::Claim { bucket: model.bucket.clone(), tags: model.tags.clone() };
        self.doing(say, vec![claim], seen)
    }

    fn ours(&self, model: &Model, at: (DataBucketStatus, &Bucket), seen: &Seen<Observed>) -> BucketDecision {
        let (mut status, bucket) = at;
        let was_ready = self.ready(&status);
        manage(model, bucket, &mut status);
        let managed = (status.managed_versioning, status.managed_expire_prefixes.as_slice());
        let intents = settings(model, bucket, managed);
        let name = &model.bucket;
        if intents.is_empty() {
            refuse::settled(&mut status);
            status.creating = None;
            status.bucket_name = Some(name.clone());
            status.uri = Some(format!("s3://{name}"));
            let but = if refuse::settling(&status) { ", but for what ExpiryRefused says" } else { "" };
            let message = format!("bucket {name} is as declared{but}");
            say(&mut status, &Standing::ready(status::AVAILABLE, message), self.now);
            return Decision::of(status).hold(self.hold).wake_after(self.now, LOOK_AGAIN);
        }
        let keys = differing(&intents);
        let ours = |key: &String| refuse::settling(&status) && key.starts_with(EXPIRE);
        let drifted: Vec<String> = keys.iter().filter(|key| !ours(key)).cloned().collect();
        let last = status.last_drift.as_ref();
        let known = !drifted.is_empty() && last.is_some_and(|drift| same_drift(drift, &drifted, self.now));
        if was_ready && !(known && failed(&intents, seen).is_some()) {
            // Someone changed it behind our back: say so once, and stay Ready while it is put back. A failure from before
            // the drift was seen says nothing of it. What a refusal changes is no drift.
            if drifted.is_empty() {
                if let Some(last) = failed(&intents, seen) {
                    refuse::stuck(&mut status, &last.failure, self.now);
                }
            } else if !known {
                status.last_drift = Some(Drift { at: Some(Time(self.now)), keys: drifted });
            }
            let chosen = Decision::of(status).hold(self.hold);
            return intents.into_iter().fold(chosen, |chosen, intent| chosen.act(Action::Effect(intent)));
        }
        let standing =
            Standing::progressing(status::CONFIGURING, format!("setting {} of bucket {name}", keys.join(", ")));
        self.doing((status, standing), intents, seen)
    }
}

/// The failure of one of these intents. A failure of an intent that is not wanted any more says nothing.
fn failed<'a>(intents: &[Intent], seen: &'a Seen<Observed>) -> Option<&'a LastFailure> {
    intents.iter().find_map(|intent| seen.failures.of(&intent.id()))
}

/// Brings the record of what is under management up to date, before anything is changed by it.
fn manage(model: &Model, bucket: &Bucket, status: &mut DataBucketStatus) {
    let dropped = status.managed_expire_prefixes.iter().filter(|p| bucket.expire.contains_key(*p)).cloned();
    let mut prefixes: Vec<String> = model.expire.keys().cloned().chain(dropped).collect();
    prefixes.sort();
    prefixes.dedup();
    status.managed_expire_prefixes = prefixes;
    status.managed_versioning = match (model.versioning, status.managed_versioning) {
        (Some(true), _) => Some(true),
        (None, Some(true)) if bucket.versioning == Versioning::Enabled => Some(true),
        _ => None,
    };
}

/// The intents that make the bucket's settings what the spec says.
fn settings(model: &Model, bucket: &Bucket, managed: (Option<bool>, &[String])) -> Vec<Intent> {
    let (versioned_by_us, prefixes) = managed;
    let name = model.bucket.clone();
    let enabled = bucket.versioning == Versioning::Enabled;
    let mut intents = Vec::new();
    match model.versioning {
        Some(true) if !enabled => intents.push(Intent::Versioning { bucket: name.clone(), on: true }),
        Some(false) if enabled => intents.push(Intent::Versioning { bucket: name.clone(), on: false }),
        None if enabled && versioned_by_us == Some(true) => {
            intents.push(Intent::Versioning { bucket: name.clone(), on: false });
        }
        _ => {}
    }
    let differs = |(prefix, days): &(&String, &i32)| bucket.expire.get(*prefix) != Some(*days);
    let set: BTreeMap<String, i32> =
        model.expire.iter().filter(differs).map(|(prefix, days)| (prefix.clone(), *days)).collect();
    let drop: Vec<String> =
        prefixes.iter().filter(|p| !model.expire.contains_key(*p) && bucket.expire.contains_key(*p)).cloned().collect();
    if !set.is_empty() || !drop.is_empty() {
        intents.push(Intent::Expire { bucket: name, change: Expiry { set, drop } });
    }
    intents
}

fn differing(intents: &[Intent]) -> Vec<String> {
    let words = intents.iter().flat_map(|intent| match intent {
        Intent::Versioning { .. } => vec!["versioning".to_owned()],
        Intent::Expire { change, .. } => {
            change.set.keys().chain(&change.drop).map(|prefix| format!("{EXPIRE}{prefix:?}")).collect()
        }
        _ => Vec::new(),
    });
    words.collect()
}

/// Whether `keys` are (what is left of) the drift that was noted last.
fn same_drift(drift: &Drift, keys: &[String], now: Timestamp) -> bool {
    let recent = drift.at.as_ref().is_some_and(|at| now < later(at.0, SAME_DRIFT));
    recent && keys.iter().all(|key| drift.keys.contains(key))
}

fn listed(tags: &BTreeMap<String, String>) -> String {
    tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}
