//! What to do for a DataGrant: wait for its data, issue, publish, renew.
//!
//! The status is written after the Secret, so that a holder that sees Ready can mount it. A grant that is Ready is left
//! alone until it is time to renew, whatever happens to its data meanwhile: credentials cannot be called back.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    Access, DataGrant, DataGrantStatus,
    data_grant::{GrantedBucket, GrantedTopic},
};
use millrace_kit::{Action, Decision, Effect as _, Seen, Standing, conditions};

use super::{
    effect::Issue,
    model::Model,
    observe::{Issued, Observed},
    policy,
    resolve::{Names, lasting, present, resolved},
};
use crate::store::Facts;

/// Credentials are renewed with this much left, or half their life if that is shorter.
const MARGIN: Duration = Duration::from_secs(15 * 60);
/// How often data that is not there is looked for besides the watches.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How often a renewal that has to wait is tried while the old credentials still serve.
const RENEW_AGAIN: Duration = Duration::from_secs(15);

pub(super) type Chosen = Decision<DataGrantStatus, Issue>;

/// When credentials that live for `seconds` and end at `expires_at` are renewed.
#[must_use]
pub fn renew_at(expires_at: Timestamp, seconds: u64) -> Timestamp {
    let margin = MARGIN.min(Duration::from_secs(seconds / 2));
    expires_at.saturating_sub(margin).unwrap_or(Timestamp::MIN)
}

pub(super) fn decide(object: &DataGrant, seen: &Seen<Observed>, now: Timestamp) -> Chosen {
    let status = object.status.clone().unwrap_or_default();
    if object.metadata.deletion_timestamp.is_some() {
        return Decision::of(status);
    }
    let ready = conditions::is_ready(&status, object.metadata.generation.unwrap_or(0));
    let renew = status.renew_at.as_ref().map(|t| t.0);
    if ready && renew.is_none_or(|at| now < at) {
        return at_renewal(Decision::of(status));
    }
    let serving = ready && status.expires_at.as_ref().is_some_and(|t| now < t.0);
    let wanted = match wanted(object, &seen.data) {
        Ok(wanted) => wanted,
        // The old credentials still serve: the holder need not hear of it yet.
        Err(_) if serving => return Decision::of(status).wake_after(now, RENEW_AGAIN),
        Err(standing) => return said(status, &standing, now).wake_after(now, LOOK_AGAIN),
    };
    let Some(issue) = wanted.issue.clone() else { return publish(status, (&wanted, None), now) };
    let fresh = |i: &&Issued| i.intent == issue.digest() && now < renew_at(i.expires_at, issue.seconds);
    if let Some(issued) = seen.data.issued.as_ref().filter(fresh) {
        return publish(status, (&wanted, Some(issued)), now);
    }
    let failed = seen.failures.of(&issue.id()).filter(|_| !serving).map(|last| Standing::failed(&last.failure));
    // Without a failure the status stays as it is: the one write comes after the Secret.
    let decision = failed.map_or_else(|| Decision::of(status.clone()), |standing| said(status.clone(), &standing, now));
    decision.act(Action::Effect(issue))
}

fn said(mut status: DataGrantStatus, standing: &Standing, now: Timestamp) -> Chosen {
    conditions::stand(&mut status, standing, now);
    Decision::of(status)
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
    let model = Model::parse(object).map_err(|all| Standing::stalled("InvalidSpec", all.join("; ")))?;
    let Some(plane) = &data.plane else {
        let message = format!("DataPlane {name} (spec.dataPlane) does not exist; create it or name another");
        return Err(Standing::progressing("DataPlaneMissing", message));
    };
    if !plane.allowed {
        let message =
            format!("DataPlane {name} does not admit this namespace; its spec.namespaces says which labels are needed");
        return Err(Standing::stalled("NamespaceNotAllowed", message));
    }
    let (buckets, topics) = resolved(&model, data, object.status.as_ref())?;
    lasting(object, &model, data)?;
    present(object, data)?;
    let gives = !buckets.is_empty() && !object.spec.keep_only;
    let issue = if gives { Some(issue(object, (&model, plane), &buckets)?) } else { None };
    Ok(Wanted { plane, buckets, topics, issue })
}

fn issue(object: &DataGrant, of: (&Model, &Facts), buckets: &Names) -> Result<Issue, Standing> {
    let (model, plane) = of;
    let Some(store) = plane.store.clone() else {
        let message = format!("DataPlane {} has no spec.objectStore", object.spec.data_plane);
        return Err(Standing::stalled("NoObjectStore", message));
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
    let policy = policy::policy(&rights).map_err(|no| Standing::stalled("PolicyTooLong", no.to_string()))?;
    let secret = object.metadata.name.clone().unwrap_or_default();
    Ok(Issue { secret, policy, seconds: plane.lifetime_seconds, store })
}

fn publish(mut status: DataGrantStatus, of: (&Wanted<'_>, Option<&Issued>), now: Timestamp) -> Chosen {
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
    status.buckets = wanted.buckets.iter().map(bucket).collect();
    let topic = |(name, real): (&String, &String)| GrantedTopic { name: name.clone(), topic_name: real.clone() };
    status.topics = wanted.topics.iter().map(topic).collect();
    let granted = !status.topics.is_empty();
    status.bootstrap_servers = plane.bootstrap_servers.clone().filter(|_| granted);
    if granted {
        let message = "Kafka has no per-job principals yet: whoever reaches the brokers can use every topic";
        conditions::set(&mut status, "Isolated", ("False", "KafkaWithoutAcls", message), now);
    } else {
        conditions::unset(&mut status, "Isolated");
    }
    let standing = if issue.is_none() && !status.buckets.is_empty() {
        let names: Vec<&str> = status.buckets.iter().map(|b| b.name.as_str()).collect();
        Standing::ready("Kept", format!("kept, and no access given: bucket {}", names.join(", bucket ")))
    } else {
        Standing::ready("Granted", granted_words(&status))
    };
    at_renewal(said(status, &standing, now))
}

/// Wakes when the credentials are to be renewed, if there are any.
fn at_renewal(decision: Chosen) -> Chosen {
    match decision.status.renew_at.as_ref().map(|t| t.0) {
        Some(at) => decision.wake_at(at),
        None => decision,
    }
}

fn granted_words(status: &DataGrantStatus) -> String {
    let buckets = status.buckets.iter().map(|b| format!("bucket {}", b.name));
    let topics = status.topics.iter().map(|t| format!("topic {}", t.name));
    let all: Vec<String> = buckets.chain(topics).collect();
    if all.is_empty() { "nothing was asked for".to_owned() } else { format!("granted: {}", all.join(", ")) }
}
