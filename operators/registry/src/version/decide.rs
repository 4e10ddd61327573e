//! One pass over a ModelVersion: source verified, registered once, then kept as declared.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{ModelVersion, ModelVersionStatus, Reason, status::Creating};
use millrace_kit::{Decision, Seen, Standing, Wait, conditions};

use super::{
    aliases,
    effect::{Call, REGISTER},
    giveup, measure,
    pass::{VersionDecision, call, not_ready, stand, waits},
    seen::Observed,
    spec::{self, Plan},
};
use crate::mlflow::{Change, Version, What, view};

/// How long the bucket of a source may be unknown: declared beside the version, it may be seen after it.
const DECLARED: Duration = Duration::from_secs(30);

pub(super) fn decide(version: &ModelVersion, seen: &Seen<Observed>, now: Timestamp) -> VersionDecision {
    if version.metadata.deletion_timestamp.is_some() {
        return giveup::decide(version, seen, now);
    }
    let mut decision = alive(version, seen, now);
    if decision.status.measured.is_some() {
        decision.actions.extend(measure::leftovers(&seen.data));
    }
    // Whoever deletes it while a registration may be on its way gets one truth; see `giveup`.
    let hold = giveup::undecided(&decision.status);
    decision.hold(hold)
}

fn alive(version: &ModelVersion, seen: &Seen<Observed>, now: Timestamp) -> VersionDecision {
    let status = version.status.clone().unwrap_or_default();
    let plan = match spec::parse(version) {
        Ok(plan) => plan,
        Err(findings) => {
            return stand(status, &Standing::stalled(Reason::InvalidSpec, findings.join("; ")), now);
        }
    };
    if status.deleted_at.is_some() {
        return deleted(status, now);
    }
    if let Some(decision) = unready(version, seen, &plan, now) {
        return decision;
    }
    match (&seen.data.version, status.version) {
        (Some(found), _) => keep(version, seen, &plan, found, now),
        (None, Some(_)) => {
            let mut status = status;
            status.deleted_at = Some(Time(now));
            status.taking_aliases.clear();
            deleted(status, now)
        }
        (None, None) => match measure::measure(version, seen, &plan, now) {
            Ok(status) => register(status, seen, &plan, now),
            Err(decision) => *decision,
        },
    }
}

fn deleted(status: ModelVersionStatus, now: Timestamp) -> VersionDecision {
    let number = status.version.unwrap_or(0);
    let message =
        format!("version {number} was deleted in MLflow and is not made again; delete this object, or make another");
    stand(status, &Standing::stalled(Reason::VersionDeleted, message), now)
}

/// What is missing before MLflow can be asked; `None` if nothing is.
fn unready(version: &ModelVersion, seen: &Seen<Observed>, plan: &Plan, now: Timestamp) -> Option<VersionDecision> {
    let data = &seen.data;
    let status = version.status.clone().unwrap_or_default();
    let spec = &version.spec;
    let registered = status.version.is_some();
    let (reason, message) = match (&data.source, &data.registry, &data.error) {
        (None, ..) if !registered => {
            let message = format!(
                "spec.source: the bucket {} is not one of this namespace; write the files below a declared bucket, $(bucket.NAME)/PATH",
                plan.source.bucket
            );
            let wait = Wait { limit: DECLARED, ..not_ready(&status, Reason::SourceNotVerified, message, now) };
            return Some(waits(status, &wait, now));
        }
        (Some(bucket), ..) if !registered && !bucket.ready => {
            (Reason::BucketNotReady, format!("spec.source: the DataBucket {} is not Ready", bucket.name))
        }
        (_, None, _) => (
            Reason::RegistryMissing,
            format!("spec.registry: ModelRegistry {} does not exist in this namespace", spec.registry),
        ),
        (_, Some(registry), None) if !registry.available => (
            Reason::RegistryNotReady,
            format!("the server of ModelRegistry {} is not available; see its conditions", spec.registry),
        ),
        (_, _, Some(error)) => (Reason::ServerUnreachable, format!("ModelRegistry {}: {error}", spec.registry)),
        _ => return None,
    };
    // A server that is away says nothing of a version that is registered and as declared.
    let settled = conditions::is_ready(&status, version.metadata.generation.unwrap_or(0));
    let wait = not_ready(&status, reason, message, now);
    let decision = if settled { Decision::of(status) } else { waits(status, &wait, now) };
    Some(if data.error.is_some() { decision.wake_after(now, view::RETRY) } else { decision })
}

/// The intent first, then the registration.
fn register(mut status: ModelVersionStatus, seen: &Seen<Observed>, plan: &Plan, now: Timestamp) -> VersionDecision {
    status.creating = Some(Creating { name: plan.new.model.clone(), saw_absent: true });
    status.managed_tag_keys = plan.new.tags.keys().cloned().collect();
    status.taking_aliases = aliases::first(&plan.aliases, &seen.data.aliases);
    let failure = seen.failures.of(REGISTER);
    let decision = match failure {
        Some(last) => stand(status, &Standing::failed(&last.failure), now),
        None => {
            let wait = not_ready(&status, Reason::Registering, format!("registering in {}", plan.new.model), now);
            waits(status, &wait, now)
        }
    };
    if let Some(until) = seen.data.on_its_way.filter(|until| now < *until) {
        return decision.wake_at(until).wake_after(now, view::RETRY);
    }
    decision.act(call(&seen.data, Call::Register { new: plan.new.clone(), aliases: plan.aliases.clone() }))
}

/// Registered: number and aliases into the status, what drifted back.
fn keep(
    version: &ModelVersion,
    seen: &Seen<Observed>,
    plan: &Plan,
    found: &Version,
    now: Timestamp,
) -> VersionDecision {
    let mut status = version.status.clone().unwrap_or_default();
    let number = found.version;
    if status.version.is_none() {
        status.registered_at = Some(Time(now));
    }
    status.version = Some(number);
    status.source = Some(found.source.clone());
    status.uri = Some(format!("models:/{}/{number}", found.model));
    status.creating = None;
    let mut changes = tags(&mut status, plan, found);
    if version.spec.description.as_ref().is_some_and(|d| *d != found.description) {
        changes.push(What::Describe(plan.new.description.clone()));
    }
    let told = aliases::settle(&mut status, (number, &plan.aliases), &seen.data.aliases);
    changes.extend(told.changes);
    let settling = !status.taking_aliases.is_empty();
    let change = |what| call(&seen.data, Call::Change(Change { model: found.model.clone(), version: number, what }));
    let actions: Vec<_> = changes.into_iter().map(change).collect();
    let standing = match seen.failure_of(&actions) {
        Some(last) => Standing::failed(&last.failure),
        None if settling => Standing::progressing(Reason::TakingAliases, "giving the version its aliases"),
        None => Standing::ready(Reason::Registered, format!("version {number} of {}{}", found.model, told.note)),
    };
    let mut decision = stand(status, &standing, now);
    decision.actions = actions;
    decision
}

/// Tags that differ, and those once ours that are no longer wanted. Other people's tags are not touched.
fn tags(status: &mut ModelVersionStatus, plan: &Plan, found: &Version) -> Vec<What> {
    let wanted = &plan.new.tags;
    let wrong = wanted.iter().filter(|(key, value)| found.tags.get(*key) != Some(value));
    let mut changes: Vec<What> = wrong.map(|(key, value)| What::SetTag(key.clone(), value.clone())).collect();
    let managed = std::mem::take(&mut status.managed_tag_keys);
    let leftover: Vec<String> =
        managed.into_iter().filter(|k| !wanted.contains_key(k) && found.tags.contains_key(k)).collect();
    changes.extend(leftover.iter().cloned().map(What::DropTag));
    status.managed_tag_keys = wanted.keys().cloned().chain(leftover).collect();
    status.managed_tag_keys.sort();
    changes
}
