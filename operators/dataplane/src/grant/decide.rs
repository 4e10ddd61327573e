//! What to do for a DataGrant: wait for its data, issue, publish, renew.
//!
//! The status is written after the Secret, so that a holder that sees Ready can mount it. A grant that is Ready is left
//! alone until it is time to renew, whatever happens to its data meanwhile: credentials cannot be called back. Before that
//! time they are issued again only if they do not serve any more: their Secret was deleted or changed, or the store does not
//! know them.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    Access, DataGrant, DataGrantStatus, Reason,
    data_grant::{GrantedBucket, GrantedTopic, Issued as Written},
    status::Drift,
};
use millrace_kit::{Action, Decision, Effect as _, Seen, Standing, conditions, later};

use super::{
    effect::Issue,
    issued::{Early, Issued},
    model::Model,
    observe::Observed,
    policy,
    resolve::{Names, lasting, present, resolved},
};
use crate::{store::Facts, waits};

/// Credentials are renewed with this much left, or half their life if that is shorter.
const MARGIN: Duration = Duration::from_secs(15 * 60);
/// How often data that is not there is looked for besides the watches.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How often the Secret is looked at.
const LOOK_SECRET: Duration = Duration::from_secs(30);
/// The time over which the grants of a DataPlane are renewed whose credentials count for nothing any more.
const SPREAD_MS: u64 = 15_000;
/// How long a grant may wait. Its holder has a deadline of its own, which comes first as a rule.
const LIMIT: Duration = Duration::from_secs(3_600);
/// How often a renewal that has to wait is tried while the old credentials still serve.
const RENEW_AGAIN: Duration = Duration::from_secs(15);

pub(super) type GrantDecision = Decision<DataGrantStatus, Issue>;

/// When credentials that live for `seconds` and end at `expires_at` are renewed.
#[must_use]
pub fn renew_at(expires_at: Timestamp, seconds: u64) -> Timestamp {
    let margin = MARGIN.min(Duration::from_secs(seconds / 2));
    expires_at.saturating_sub(margin).unwrap_or(Timestamp::MIN)
}

pub(super) fn decide(object: &DataGrant, seen: &Seen<Observed>, now: Timestamp) -> GrantDecision {
    let status = object.status.clone().unwrap_or_default();
    if object.metadata.deletion_timestamp.is_some() {
        return Decision::of(status);
    }
    let ready = conditions::is_ready(&status, object.metadata.generation.unwrap_or(0));
    let renew = status.renew_at.as_ref().map(|t| t.0);
    let in_time = ready && renew.is_none_or(|at| now < at);
    let (early, later) = if in_time { early(object, &seen.data, now) } else { (None, None) };
    if in_time && early.is_none() && !unpublished(&status, &seen.data) {
        return later.into_iter().fold(at_renewal(Decision::of(status), now), Decision::wake_at);
    }
    let serving = ready && early.is_none() && status.expires_at.as_ref().is_some_and(|t| now < t.0);
    let wanted = match wanted(object, &seen.data) {
        Ok(wanted) => wanted,
        // The old credentials still serve: the holder need not hear of it yet.
        Err(_) if serving => return Decision::of(status).wake_after(now, RENEW_AGAIN),
        Err(standing) => return said(status, &standing, now).wake_after(now, LOOK_AGAIN),
    };
    let Some(issue) = wanted.issue.clone() else { return publish(status, (&wanted, None), now) };
    let issue = Issue { because: early, ..issue };
    let void = |i: &Issued| seen.data.altered || voided(&seen.data, Some(i.at));
    let fresh = |i: &&Issued| i.intent == issue.digest() && now < renew_at(i.expires_at, issue.seconds) && !void(i);
    if let Some(issued) = seen.data.issued.as_ref().filter(fresh) {
        return publish(status, (&wanted, Some(issued)), now);
    }
    let failed = seen.failures.of(&issue.id()).filter(|_| !serving).map(|last| Standing::failed(&last.failure));
    // Without a failure the status stays as it is: the one write comes after the Secret.
    let decision = failed.map_or_else(|| Decision::of(status.clone()), |standing| said(status.clone(), &standing, now));
    decision.act(Action::Effect(issue))
}

/// Whether this process has written a Secret that the status does not speak of yet.
fn unpublished(status: &DataGrantStatus, data: &Observed) -> bool {
    let told = status.issued.as_ref().map_or("", |issued| issued.resource_version.as_str());
    data.issued.as_ref().is_some_and(|issued| !issued.version.is_empty() && issued.version != told)
}

/// Whether credentials issued then count for nothing any more. Those of an older Millrace, which did not say when they were
/// issued, are older than any finding.
fn voided(data: &Observed, at: Option<Timestamp>) -> bool {
    let since = data.plane.as_ref().and_then(|plane| plane.issuer_since);
    since.is_some_and(|since| at.is_none_or(|at| at < since))
}

/// Why credentials that are not old yet are issued again; or when that is to be done, so that not all grants of a DataPlane
/// come at once.
fn early(object: &DataGrant, data: &Observed, now: Timestamp) -> (Option<Early>, Option<Timestamp>) {
    let Some(status) = object.status.as_ref().filter(|status| status.secret_name.is_some()) else {
        return (None, None);
    };
    let issued = status.issued.as_ref().map(|issued| issued.at.0);
    // A status without that time is of an older Millrace: its expiry tells.
    let lifetime = data.plane.as_ref().map_or(Duration::ZERO, |plane| Duration::from_secs(plane.lifetime_seconds));
    let derived = status.expires_at.as_ref().and_then(|t| t.0.saturating_sub(lifetime).ok());
    if voided(data, issued.or(derived)) {
        let since = data.plane.as_ref().and_then(|plane| plane.issuer_since).unwrap_or(now);
        let turn = later(since, turn(object));
        return if now < turn { (None, Some(turn)) } else { (Some(Early::Issuer), None) };
    }
    (data.altered.then_some(Early::Secret), None)
}

/// A grant's turn among all that are renewed for the same reason.
fn turn(object: &DataGrant) -> Duration {
    let uid = object.metadata.uid.as_deref().unwrap_or_default();
    let sum: u64 = uid.bytes().fold(0, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    Duration::from_millis(sum % SPREAD_MS)
}

fn said(mut status: DataGrantStatus, standing: &Standing, now: Timestamp) -> GrantDecision {
    let deadline = waits::stand(&mut status, standing, LIMIT, now);
    deadline.into_iter().fold(Decision::of(status), Decision::wake_at)
}

/// A grant whose every name is resolved.
struct Wanted<'a> {
    plane: &'a Facts,
    buckets: BTreeMap<String, String>,
    topics: BTreeMap<String, String>,
    issue: Option<Issue>,
}

fn wanted<'a>(object: &DataGrant, data: &'a Observed) -> Result<Wanted<'a>, Standing> {
    let name = &object.spec.data_plane;
    let model = Model::parse(object).map_err(|all| Standing::stalled(Reason::InvalidSpec, all.join("; ")))?;
    let Some(plane) = &data.plane else {
        let message = format!("DataPlane {name} (spec.dataPlane) does not exist; create it or name another");
        return Err(Standing::progressing(Reason::DataPlaneMissing, message));
    };
    if !plane.allowed {
        let message =
            format!("DataPlane {name} does not admit this namespace; its spec.namespaces says which labels are needed");
        return Err(Standing::stalled(Reason::NamespaceNotAllowed, message));
    }
    let (buckets, topics) = resolved(&model, data, object.status.as_ref())?;
    lasting(object, &model, data)?;
    present(object, data)?;
    let gives = !buckets.is_empty() && !object.spec.protect_only;
    let issue = if gives { Some(issue(object, (&model, plane), &buckets)?) } else { None };
    Ok(Wanted { plane, buckets, topics, issue })
}

fn issue(object: &DataGrant, of: (&Model, &Facts), buckets: &Names) -> Result<Issue, Standing> {
    let (model, plane) = of;
    let Some(store) = plane.store.clone() else {
        let message = format!("DataPlane {} has no spec.objectStore", object.spec.data_plane);
        return Err(Standing::stalled(Reason::NoObjectStore, message));
    };
    // Two names may mean one bucket (own by `externalName`): their prefixes are merged.
    let mut rights: BTreeMap<String, BTreeMap<String, Access>> = BTreeMap::new();
    for (name, external) in buckets {
        let into = rights.entry(external.clone()).or_default();
        for (prefix, mode) in model.buckets.get(name).into_iter().flatten() {
            let slot = into.entry(prefix.clone()).or_default();
            *slot = (*slot).max(*mode);
        }
    }
    let policy = policy::policy(&rights).map_err(|no| Standing::stalled(Reason::PolicyTooLong, no.to_string()))?;
    let secret = object.metadata.name.clone().unwrap_or_default();
    Ok(Issue { secret, policy, seconds: plane.lifetime_seconds, store, because: None })
}

fn publish(mut status: DataGrantStatus, of: (&Wanted<'_>, Option<&Issued>), now: Timestamp) -> GrantDecision {
    let (wanted, issued) = of;
    let plane = wanted.plane;
    let issue = wanted.issue.as_ref();
    let store = issue.map(|i| &i.store);
    status.secret_name = issue.map(|i| i.secret.clone());
    status.endpoint = store.map(|s| s.endpoint.clone());
    status.region = store.map(|s| s.region.clone());
    status.path_style = store.map(|s| s.path_style);
    status.expires_at = issued.map(|i| Time(i.expires_at));
    status.renew_at = issued.zip(issue).map(|(i, ask)| Time(renew_at(i.expires_at, ask.seconds)));
    let bucket = |(name, real): (&String, &String)| GrantedBucket { name: name.clone(), bucket_name: real.clone() };
    let written = issued.filter(|i| !i.version.is_empty());
    status.issued = written.map(|i| Written { resource_version: i.version.clone(), at: Time(i.at) });
    if let Some(why) = issued.and_then(|i| i.because) {
        status.last_drift = Some(Drift { at: Some(Time(now)), keys: vec![why.words().to_owned()] });
    }
    status.buckets = wanted.buckets.iter().map(bucket).collect();
    let topic = |(name, real): (&String, &String)| GrantedTopic { name: name.clone(), topic_name: real.clone() };
    status.topics = wanted.topics.iter().map(topic).collect();
    let granted = !status.topics.is_empty();
    status.bootstrap_servers = plane.bootstrap_servers.clone().filter(|_| granted);
    if granted {
        let message = "Kafka has no per-job principals yet: anyone who can reach the brokers can use every topic";
        conditions::set(&mut status, "Isolated", ("False", Reason::KafkaWithoutAcls, message), now);
    } else {
        conditions::unset(&mut status, "Isolated");
    }
    let standing = if issue.is_none() && !status.buckets.is_empty() {
        let names: Vec<&str> = status.buckets.iter().map(|b| b.name.as_str()).collect();
        Standing::ready(Reason::Kept, format!("kept, and no access given: bucket {}", names.join(", bucket ")))
    } else {
        Standing::ready(Reason::Granted, granted_words(&status))
    };
    at_renewal(said(status, &standing, now), now)
}

/// Wakes when the credentials are to be renewed, if there are any, and to look at the Secret.
fn at_renewal(decision: GrantDecision, now: Timestamp) -> GrantDecision {
    match decision.status.renew_at.as_ref().map(|t| t.0) {
        Some(at) => decision.wake_at(at).wake_after(now, LOOK_SECRET),
        None => decision,
    }
}

fn granted_words(status: &DataGrantStatus) -> String {
    let buckets = status.buckets.iter().map(|b| format!("bucket {}", b.name));
    let topics = status.topics.iter().map(|t| format!("topic {}", t.name));
    let all: Vec<String> = buckets.chain(topics).collect();
    if all.is_empty() { "nothing was asked for".to_owned() } else { format!("granted: {}", all.join(", ")) }
}
