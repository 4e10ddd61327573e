//! What happens to topics: each plot is a workload with its actors and its end.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::{core::v1::Namespace, events::v1::Event};
use millrace_crds::{DataPlane, DataTopic, DataTopicStatus};
use millrace_dataplane::{plane::Planes, topic::Topics};
use millrace_kit::{
    Controller, Env, Kernel, conditions,
    sim::{Actor, Scenario, World},
};
use serde_json::{Value, json};
use strum::IntoEnumIterator;

use crate::kafka_support::{Cluster, DEFAULT_PARTITIONS, connections, data_plane, data_topic};

/// Orders tried for each cut; order 0 is the strict one.
pub(crate) const ORDERS: u64 = 3;

/// The topic of `ml/t` on the broker.
pub(crate) const NAME: &str = "mr.ml.t";

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter, strum::IntoStaticStr)]
pub(crate) enum Plot {
    #[strum(serialize = "a topic is made")]
    Create,
    #[strum(serialize = "the broker refuses the configuration; the user mends it")]
    Refused,
    #[strum(serialize = "made, then deleted with the policy Delete")]
    Delete,
    #[strum(serialize = "deleted as soon as the topic exists, seen or not")]
    DeleteEarly,
    #[strum(serialize = "deleted with Retain and applied again: the same topic")]
    Retain,
    #[strum(serialize = "the topic exists")]
    Adopt,
    #[strum(serialize = "grown, one key changed, one dropped, one added")]
    Change,
    #[strum(serialize = "the spec asks for fewer partitions than there are")]
    Shrink,
    #[strum(serialize = "a listed key and an unlisted one are changed on the broker")]
    Drift,
    #[strum(serialize = "the topic is deleted on the broker")]
    Lost,
    #[strum(serialize = "replaced on the broker, under Retain")]
    ReplacedRetain,
    #[strum(serialize = "replaced on the broker, under Delete: the stranger's topic stays")]
    ReplacedDelete,
    #[strum(serialize = "the brokers are away when the topic is wanted")]
    OutageAtBirth,
    #[strum(serialize = "the brokers are away for a while and nothing is asked of them")]
    OutageWhenReady,
    #[strum(serialize = "the spec changes while the brokers are away")]
    OutageAtChange,
    #[strum(serialize = "the object is deleted while the brokers are away, and they come back")]
    OutageAtDelete,
    #[strum(serialize = "the brokers stay away: the object is let go")]
    OutageForEver,
    #[strum(serialize = "two objects want one topic; the one that has it goes")]
    Rivals,
    #[strum(serialize = "the namespace may not use the DataPlane, then it may")]
    Closed,
    #[strum(serialize = "the DataPlane comes later")]
    PlaneLater,
    #[strum(serialize = "the DataPlane comes after the topic has given up waiting for it")]
    PlaneVeryLate,
    #[strum(serialize = "the brokers come back after the topic has given up waiting for them")]
    OutageLong,
    #[strum(serialize = "no number of partitions is asked for, and the topic exists")]
    Unset,
    #[strum(serialize = "no number of partitions is asked for, and there is no topic")]
    UnsetNew,
    #[strum(serialize = "somebody else writes into the status")]
    Edit,
}

fn spec(plot: Plot) -> Value {
    match plot {
        Plot::Delete | Plot::DeleteEarly | Plot::ReplacedDelete | Plot::OutageAtDelete | Plot::OutageForEver => {
            json!({"partitions": 2, "deletionPolicy": "Delete"})
        }
        Plot::Refused => json!({"partitions": 2, "config": {"retention.ms": "nonsense"}}),
        Plot::Rivals => json!({"partitions": 2, "externalName": "old.topic"}),
        Plot::Unset | Plot::UnsetNew => json!({}),
        Plot::Edit => {
            let config = json!({"retention.ms": "1000", "cleanup.policy": "delete"});
            json!({"partitions": 2, "config": config, "deletionPolicy": "Delete"})
        }
        _ => json!({"partitions": 2, "config": {"retention.ms": "1000", "cleanup.policy": "delete"}}),
    }
}

fn setup(plot: Plot, world: &World) {
    let cluster = Cluster::of(world);
    let chosen = json!({"matchLabels": {"data": "yes"}});
    match plot {
        Plot::Closed => world.apply(&data_plane(json!({"namespaces": chosen}))),
        Plot::Rivals => world.apply(&data_plane(json!({"externalNames": {}}))),
        Plot::PlaneLater | Plot::PlaneVeryLate => {}
        _ => world.apply(&data_plane(json!({}))),
    }
    world.apply(&namespace(json!({})));
    match plot {
        Plot::Adopt => {
            _ = cluster.make(NAME, 2, &[("retention.ms", "1000"), ("cleanup.policy", "delete"), ("segment.ms", "9")])
        }
        Plot::Shrink | Plot::Unset => _ = cluster.make(NAME, 7, &[]),
        Plot::Rivals => {
            cluster.make("old.topic", 2, &[]);
            world.apply(&data_topic("a", spec(plot)));
        }
        Plot::OutageAtBirth | Plot::OutageLong => cluster.away(true),
        _ => {}
    }
    if plot != Plot::Rivals {
        world.apply(&data_topic("t", spec(plot)));
    }
}

fn namespace(labels: Value) -> Namespace {
    serde_json::from_value(json!({"metadata": {"name": "ml", "labels": labels}})).unwrap()
}

fn status(world: &World, name: &str) -> Option<DataTopicStatus> {
    Some(world.get::<DataTopic>("ml", name)?.status.unwrap_or_default())
}

fn reason(world: &World, name: &str) -> String {
    let status = status(world, name).unwrap_or_default();
    conditions::get(&status, "Ready").map(|c| c.reason.clone()).unwrap_or_default()
}

fn stalled(world: &World) -> bool {
    conditions::is_true(&status(world, "t").unwrap_or_default(), "Stalled")
}

fn ready(world: &World) -> bool {
    world.get::<DataTopic>("ml", "t").is_some_and(|t| {
        conditions::is_ready(&t.status.clone().unwrap_or_default(), t.metadata.generation.unwrap_or(0))
            && reason(world, "t") == "TopicReady"
    })
}

/// Topic and DataPlane have come to rest.
fn calm(world: &World) -> bool {
    let answers = |p: DataPlane| conditions::is_true(&p.status.unwrap_or_default(), "Ready");
    ready(world) && world.get::<DataPlane>("", "default").is_some_and(answers)
}

/// The view's poll.
fn poller() -> Actor {
    Box::new(|world| Cluster::of(world).view().is_some_and(|view| view.poll()))
}

/// When to act, and what to do.
type Step = (fn(&World) -> bool, fn(&World));

/// Does one thing after another, each as soon as its condition holds.
fn script(steps: Vec<Step>) -> Actor {
    let mut left = steps.into_iter();
    let mut next = left.next();
    Box::new(move |world| match &next {
        Some((ripe, act)) if ripe(world) => {
            act(world);
            next = left.next();
            true
        }
        _ => false,
    })
}

fn delete(world: &World) {
    world.delete::<DataTopic>("ml", "t");
}

fn gone(world: &World) -> bool {
    world.get::<DataTopic>("ml", "t").is_none()
}

/// A while after the object was last touched, so that what must not happen has had its chance.
fn later(world: &World) -> bool {
    world.pass_time(Duration::from_secs(40));
    true
}

fn actors(plot: Plot) -> Vec<Actor> {
    let always: fn(&World) -> bool = |_| true;
    let away: fn(&World) = |w| Cluster::of(w).away(true);
    let back: fn(&World) = |w| Cluster::of(w).away(false);
    let steps: Vec<Step> = match plot {
        Plot::Create | Plot::Adopt | Plot::Shrink | Plot::Unset | Plot::UnsetNew => vec![],
        Plot::Refused => vec![(
            |w| reason(w, "t") == "KafkaRefused",
            |w| w.apply(&data_topic("t", json!({"partitions": 2, "config": {"retention.ms": "5"}}))),
        )],
        Plot::Delete => vec![(ready, delete)],
        Plot::DeleteEarly => vec![(|w| Cluster::of(w).get(NAME).is_some(), delete)],
        Plot::Retain => vec![(ready, delete), (gone, |w| w.apply(&data_topic("t", spec(Plot::Retain))))],
        Plot::Change => vec![(ready, |w| {
            let config = json!({"retention.ms": "2000", "max.message.bytes": "100"});
            w.apply(&data_topic("t", json!({"partitions": 5, "config": config})));
        })],
        Plot::Drift => vec![(ready, |w| {
            Cluster::of(w).edit(NAME, |t| {
                t.config.insert("retention.ms".into(), "7".into());
                t.config.insert("segment.ms".into(), "8".into());
            });
        })],
        Plot::Lost => vec![(ready, |w| Cluster::of(w).remove(NAME))],
        Plot::ReplacedRetain => vec![(ready, |w| {
            Cluster::of(w).make(NAME, 2, &[("retention.ms", "1000"), ("cleanup.policy", "delete")]);
        })],
        Plot::ReplacedDelete => {
            vec![(ready, |w| _ = Cluster::of(w).make(NAME, 2, &[])), (|w| reason(w, "t") == "TopicReplaced", delete)]
        }
        Plot::OutageAtBirth => vec![(|w| reason(w, "t") == "KafkaUnreachable", back)],
        Plot::OutageWhenReady => vec![(calm, away), (later, back)],
        Plot::OutageAtChange => vec![
            (calm, away),
            (always, |w| w.apply(&data_topic("t", json!({"partitions": 3})))),
            (|w| reason(w, "t") == "KafkaUnreachable", back),
        ],
        Plot::OutageAtDelete => vec![(calm, away), (always, delete), (|w| reason(w, "t") == "DeletionWaits", back)],
        Plot::OutageForEver => vec![(calm, away), (always, delete)],
        Plot::Rivals => vec![
            (|w| reason(w, "a") == "TopicReady", |w| w.apply(&data_topic("t", spec(Plot::Rivals)))),
            (|w| reason(w, "t") == "NameTaken", |w| w.delete::<DataTopic>("ml", "a")),
        ],
        Plot::Closed => {
            vec![(|w| reason(w, "t") == "NamespaceNotAllowed", |w| w.apply(&namespace(json!({"data": "yes"}))))]
        }
        Plot::OutageLong => vec![(stalled, back)],
        Plot::PlaneVeryLate => vec![(stalled, |w| w.apply(&data_plane(json!({}))))],
        Plot::PlaneLater => vec![(|w| reason(w, "t") == "DataPlaneMissing", |w| w.apply(&data_plane(json!({}))))],
        Plot::Edit => return vec![poller(), editor()],
    };
    vec![poller(), script(steps)]
}

/// Writes into the status beside the operator, so that the operator decides upon an object that has just changed.
fn editor() -> Actor {
    let mut left = 3;
    Box::new(move |world| {
        if left == 0 {
            return false;
        }
        left -= 1;
        world.change::<DataTopic>("ml", "t", |t| {
            let other = &mut t.status.get_or_insert_default().other;
            other.insert("edited".into(), json!(left));
        });
        true
    })
}

/// Holds at every step: what we made is on record, what we deleted was ours, what was not listed was not missed.
fn invariant(plot: Plot, world: &World) -> Result<(), String> {
    let cluster = Cluster::of(world);
    let inside = cluster.0.lock().unwrap();
    for (name, topic) in inside.topics.iter().filter(|(_, t)| inside.by_us.contains(&t.id)) {
        let Some(status) = status(world, "t") else { continue };
        let intended = status.creating.as_ref().is_some_and(|c| c.name == *name && c.saw_absent);
        let held = world.get::<DataTopic>("ml", "t").is_some_and(|t| t.metadata.finalizers.is_some());
        let policy = spec(plot).get("deletionPolicy").is_some();
        // What is never deleted needs no proof.
        if policy && !intended && status.topic_id.is_none() {
            return Err(format!("{name} was made before the intent was stored"));
        }
        if policy && !held {
            return Err(format!("{} exists without the finalizer", topic.id));
        }
    }
    if let Some(id) = inside.deleted.iter().find(|id| !inside.by_us.contains(*id)) {
        return Err(format!("{id} was deleted and is not ours"));
    }
    if !matches!(plot, Plot::PlaneLater | Plot::PlaneVeryLate) && reason(world, "t") == "DataPlaneMissing" {
        return Err("what was only not listed yet was called missing".into());
    }
    if plot == Plot::OutageWhenReady && inside.away && !ready(world) {
        return Err("an outage rewrote a settled topic".into());
    }
    Ok(())
}

fn told(world: &World, reason: &str) -> usize {
    world.list::<Event>().iter().filter(|e| e.reason.as_deref() == Some(reason)).count()
}

/// Holds at the end, beside equality with the undisturbed run.
fn end(plot: Plot, world: &World) -> Result<(), String> {
    let topic = Cluster::of(world).get(NAME);
    let config = |key: &str| topic.as_ref().and_then(|t| t.config.get(key)).map_or("", String::as_str);
    let id = topic.as_ref().map(|t| t.id.as_str());
    let at_most_once = |reason| told(world, reason) <= 1;
    let fine = match plot {
        Plot::Delete | Plot::DeleteEarly | Plot::OutageAtDelete => topic.is_none() && gone(world),
        // A creation whose outcome died with the process is told as a find.
        Plot::Retain => ready(world) && id == Some("id-mr.ml.t-1") && told(world, "TopicAdopted") <= 2,
        Plot::Adopt => ready(world) && config("segment.ms") == "9",
        Plot::Change => {
            ready(world)
                && topic.as_ref().is_some_and(|t| t.partitions == 5 && t.config.len() == 2)
                && config("retention.ms") == "2000"
        }
        Plot::Shrink => reason(world, "t") == "PartitionsCannotShrink",
        Plot::Drift => {
            let drift = status(world, "t").and_then(|s| s.last_drift).unwrap_or_default();
            ready(world)
                && config("retention.ms") == "1000"
                && config("segment.ms") == "8"
                && drift.keys == ["retention.ms"]
                && at_most_once("DriftCorrected")
        }
        Plot::Lost | Plot::ReplacedRetain => ready(world) && id == Some("id-mr.ml.t-2"),
        Plot::ReplacedDelete => gone(world) && id == Some("id-mr.ml.t-2"),
        Plot::OutageForEver => gone(world) && topic.is_some() && at_most_once("TopicLeft"),
        Plot::Rivals => reason(world, "t") == "TopicReady" && world.get::<DataTopic>("ml", "a").is_none(),
        Plot::OutageAtChange => {
            ready(world) && topic.as_ref().is_some_and(|t| t.partitions == 3 && t.config.is_empty())
        }
        Plot::Unset => ready(world) && topic.as_ref().is_some_and(|t| t.partitions == 7 && t.config.is_empty()),
        Plot::UnsetNew => ready(world) && topic.as_ref().is_some_and(|t| t.partitions == DEFAULT_PARTITIONS),
        Plot::Refused => ready(world) && config("retention.ms") == "5",
        Plot::Create
        | Plot::OutageAtBirth
        | Plot::OutageLong
        | Plot::OutageWhenReady
        | Plot::Closed
        | Plot::PlaneLater
        | Plot::PlaneVeryLate
        | Plot::Edit => ready(world) && topic.as_ref().is_some_and(|t| t.partitions == 2 && t.config.len() == 2),
    };
    if fine { Ok(()) } else { Err(format!("{plot:?} ended with {topic:?}, {:?}", status(world, "t"))) }
}

/// The scenario of a plot.
pub(crate) fn scenario(plot: Plot) -> Scenario {
    let horizon = match plot {
        Plot::OutageForEver | Plot::OutageLong | Plot::PlaneVeryLate => 900,
        _ => 300,
    };
    Scenario::new(<&str>::from(plot))
        .within(Duration::from_secs(horizon))
        .given(move |world| setup(plot, world))
        .actors(move || actors(plot))
        .invariant(move |world| invariant(plot, world))
        .then(move |world| end(plot, world))
}

pub(crate) fn scenarios() -> Vec<Scenario> {
    Plot::iter().map(scenario).collect()
}

/// The operator's controllers, with that of topics as `topics` makes it.
pub(crate) fn with(
    topics: impl Fn(Topics, &Env, &World) -> Box<dyn Controller>,
) -> impl Fn(&Env, &World) -> Vec<Box<dyn Controller>> {
    move |env, world| {
        let at = connections(env, world);
        let own = Topics::new(Arc::clone(&at), env.reader.clone());
        vec![Box::new(Kernel::new(Planes::new(at, env.reader.clone()), env.reader.clone())), topics(own, env, world)]
    }
}

/// The operator as it is.
pub(crate) fn sound(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    with(|topics, env, _| Box::new(Kernel::new(topics, env.reader.clone())))(env, world)
}
