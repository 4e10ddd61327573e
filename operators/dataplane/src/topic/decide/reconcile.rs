//! A living object: create, adopt, grow, configure, put back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    DataTopic, DataTopicStatus, Reason,
    data_topic::TopicDeletion,
    status::{Creating, Drift},
};
use millrace_kit::{Action, Class, Decision, Effect, Seen, Standing};

use super::say::{TopicDecision, say};
use crate::{
    kafka::{Change, Sight, Topic, UNREACHABLE},
    topic::{
        Observed, PlaneSeen,
        model::{self, Wanted, same_value},
        status::{ADOPTING, DRIFT, READY, settled},
    },
};

pub(super) fn decide(object: &DataTopic, seen: &Seen<Observed>, now: Timestamp) -> TopicDecision {
    let old = object.status.clone().unwrap_or_default();
    let wanted = match wanted(object, &seen.data) {
        Ok(wanted) => wanted,
        Err(standing) => return say(old, &standing, now, Vec::new()),
    };
    let mut status = old.clone();
    status.topic_name = Some(wanted.name.clone());
    let known = settled(&old, object.metadata.generation.unwrap_or(0));
    match &seen.data.topic {
        // An outage changes nothing that was settled: the DataPlane tells of it, once.
        None | Some(Sight::Unreachable { .. }) if known => Decision::of(old),
        Some(Sight::Refused(failure)) if known && failure.class != Class::Forbidden => Decision::of(old),
        None => say(status, &Standing::progressing(UNREACHABLE, "the topic has not been looked at"), now, Vec::new()),
        Some(Sight::Unreachable { message, .. }) => {
            say(status, &Standing::progressing(UNREACHABLE, message), now, Vec::new())
        }
        Some(Sight::Refused(failure)) => say(status, &Standing::failed(failure), now, Vec::new()),
        Some(Sight::Absent) => create(object, (status, &wanted), seen, now),
        Some(Sight::Present(topic)) => present(object, (status, &wanted, topic), seen, now),
    }
}

/// What to keep, or why nothing can be kept.
fn wanted(object: &DataTopic, seen: &Observed) -> Result<Wanted, Standing> {
    let plane = &object.spec.data_plane;
    let (prefix, allowed, external_names) = match &seen.plane {
        PlaneSeen::Kafka { prefix, allowed, external_names } => (prefix, *allowed, *external_names),
        PlaneSeen::Missing => {
            let message = format!("spec.dataPlane: DataPlane {plane} does not exist; create it, or name another");
            return Err(Standing::progressing(Reason::DataPlaneMissing, message));
        }
        PlaneSeen::NoKafka => {
            let message = format!("spec.dataPlane: DataPlane {plane} has no Kafka; name another");
            return Err(Standing::stalled(Reason::NoKafka, message));
        }
    };
    if !allowed {
        let message = format!("spec.dataPlane: DataPlane {plane} is not open to this namespace; ask the administrator");
        return Err(Standing::stalled(Reason::NamespaceNotAllowed, message));
    }
    let wanted = model::parse(object, prefix).map_err(|all| Standing::stalled(Reason::InvalidSpec, all.join("; ")))?;
    if wanted.external && !external_names {
        let message = format!(
            "spec.externalName: DataPlane {plane} does not allow this namespace to name topics; leave it out, or ask the administrator"
        );
        return Err(Standing::stalled(Reason::ExternalNameNotAllowed, message));
    }
    if seen.beaten {
        let message = format!(
            "another DataTopic has topic {} already (Kafka takes . and _ for the same); rename this object",
            wanted.name
        );
        return Err(Standing::stalled(Reason::NameTaken, message));
    }
    Ok(wanted)
}

fn create(
    object: &DataTopic,
    what: (DataTopicStatus, &Wanted),
    seen: &Seen<Observed>,
    now: Timestamp,
) -> TopicDecision {
    let (mut status, wanted) = what;
    if wanted.external {
        let message =
            format!("spec.externalName: there is no topic {} to adopt; create it, or remove externalName", wanted.name);
        return say(status, &Standing::progressing(Reason::ExternalTopicMissing, message), now, Vec::new());
    }
    let change = Change::Create {
        name: wanted.name.clone(),
        partitions: wanted.partitions,
        replication_factor: wanted.replication_factor,
        config: wanted.config.clone(),
    };
    let failed = seen.failures.of(&change.id());
    // A topic that is never deleted needs no proof of who made it: its name is derived, so whoever finds it adopts it. The
    // one write comes when it is there.
    let first = status.topic_id.is_none() && status.creating.is_none() && failed.is_none() && !seen.data.made;
    if first && model::policy(object) == TopicDeletion::Retain {
        return Decision::of(object.status.clone().unwrap_or_default()).act(Action::Effect(change));
    }
    status.topic_id = None;
    status.partitions = None;
    status.creating = Some(Creating { name: wanted.name.clone(), saw_absent: true });
    manage(&mut status, wanted, &BTreeMap::new());
    let standing = match failed {
        Some(last) => Standing::failed(&last.failure),
        None => Standing::progressing(Reason::Creating, format!("topic {} is being created", wanted.name)),
    };
    say(status, &standing, now, vec![change])
}

fn present(
    object: &DataTopic,
    what: (DataTopicStatus, &Wanted, &Topic),
    seen: &Seen<Observed>,
    now: Timestamp,
) -> TopicDecision {
    let (mut status, wanted, topic) = what;
    let replaced = status.topic_id.as_ref().is_some_and(|id| *id != topic.id);
    if replaced && model::policy(object) == TopicDeletion::Delete {
        // Taking the new one over would let us delete what somebody else made.
        let message = format!(
            "topic {} has the id {} now, not the one in status: somebody deleted it and made it anew; \
             set deletionPolicy to Retain to adopt it, or delete and apply this object again",
            wanted.name, topic.id
        );
        return say(status, &Standing::stalled(Reason::TopicReplaced, message), now, Vec::new());
    }
    let found = status.topic_id.is_none() && status.creating.is_none() && !seen.data.made;
    let before = status.managed_config_keys.clone();
    status.topic_id = Some(topic.id.clone());
    status.partitions = Some(topic.partitions);
    status.creating = None;
    manage(&mut status, wanted, &topic.config);
    if found {
        // Said before anything is changed, and by itself: from now on it is kept.
        let message = format!("topic {} exists and is kept from now on", wanted.name);
        return say(status, &Standing::progressing(ADOPTING, message), now, Vec::new()).wake_at(now);
    }
    if let Some(standing) = impossible(wanted, topic) {
        return say(status, &standing, now, Vec::new());
    }
    let changes = changes(wanted, topic, &before);
    let failed = changes.iter().find_map(|change| seen.failures.of(&change.id()));
    let drift = settled(&status, object.metadata.generation.unwrap_or(0)) && !replaced;
    let standing = match (changes.is_empty(), failed, drift) {
        (true, ..) => Standing::ready(READY, "the topic is as declared"),
        (false, Some(last), false) => Standing::failed(&last.failure),
        (false, Some(last), true) if last.failure.class == Class::Invalid => Standing::failed(&last.failure),
        (false, Some(last), true) => Standing::progressing(DRIFT, &last.failure.message),
        (false, None, false) => {
            Standing::progressing(Reason::Updating, format!("topic {} is being brought up to the spec", wanted.name))
        }
        (false, None, true) => {
            let keys = drifted(&changes);
            let message = format!("changed on the broker and being put back: {}", keys.join(", "));
            if crate::topic::status::reason(&status) != Some(DRIFT) {
                status.last_drift = Some(Drift { at: Some(Time(now)), keys });
            }
            Standing::ready(DRIFT, message)
        }
    };
    say(status, &standing, now, changes)
}

/// Keys under management: those listed, and those listed before until the broker shows them reset.
fn manage(status: &mut DataTopicStatus, wanted: &Wanted, there: &BTreeMap<String, String>) {
    let mut keys: Vec<String> = wanted.config.keys().cloned().collect();
    keys.extend(status.managed_config_keys.iter().filter(|k| there.contains_key(*k)).cloned());
    keys.sort();
    keys.dedup();
    status.managed_config_keys = keys;
}

/// What Kafka cannot do to a topic that exists.
fn impossible(wanted: &Wanted, topic: &Topic) -> Option<Standing> {
    let have = topic.partitions;
    if let Some(want) = wanted.partitions.filter(|want| have > *want) {
        let message = format!(
            "spec.partitions: the topic has {have} and Kafka cannot remove any; write {have} or more, not {want}, or leave it out"
        );
        return Some(Standing::stalled(Reason::PartitionsCannotShrink, message));
    }
    match wanted.replication_factor {
        Some(want) if want != topic.replication_factor => {
            let have = topic.replication_factor;
            let message = format!(
                "spec.replicationFactor: the topic has {have}, not {want}; write {have}, leave it out, or have the administrator reassign the partitions"
            );
            Some(Standing::stalled(Reason::ReplicationFactorDiffers, message))
        }
        _ => None,
    }
}

fn changes(wanted: &Wanted, topic: &Topic, before: &[String]) -> Vec<Change> {
    let name = wanted.name.clone();
    let mut changes = Vec::new();
    if let Some(partitions) = wanted.partitions.filter(|want| topic.partitions < *want) {
        changes.push(Change::Grow { name: name.clone(), partitions });
    }
    let differs =
        |(key, value): &(&String, &String)| !topic.config.get(*key).is_some_and(|there| same_value(value, there));
    let set: BTreeMap<String, String> =
        wanted.config.iter().filter(differs).map(|(k, v)| (k.clone(), v.clone())).collect();
    let dropped = |key: &&String| !wanted.config.contains_key(*key) && topic.config.contains_key(*key);
    let reset: Vec<String> = before.iter().filter(dropped).cloned().collect();
    if !set.is_empty() || !reset.is_empty() {
        changes.push(Change::Configure { name, set, reset });
    }
    changes
}

/// What was changed behind our back, in words for people.
fn drifted(changes: &[Change]) -> Vec<String> {
    let mut keys = Vec::new();
    for change in changes {
        match change {
            Change::Configure { set, reset, .. } => keys.extend(set.keys().chain(reset).cloned()),
            Change::Grow { .. } => keys.push("partitions".to_owned()),
            Change::Create { .. } | Change::Delete { .. } => {}
        }
    }
    keys
}
