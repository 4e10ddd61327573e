//! A Kafka cluster in memory behind the broker port, with an outage switch and a snapshot that lags like the real one.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use jiff::Timestamp;
use millrace_crds::{DataPlane, DataTopic, Reason, data_plane::KafkaSpec};
use millrace_dataplane::{
    connect::Connections,
    kafka::{Broker, Change, Freshness, Health, OpenKafka, Sight, Topic, UNREACHABLE},
    plane, store, topic,
};
use millrace_kit::{Class, Env, Failure, Key, run::Waker, sim::World};
use serde_json::{Value, json};

/// What the broker gives a topic that asks for no number.
pub(crate) const DEFAULT_PARTITIONS: i32 = 3;

/// The cluster; one per world, on its shelf.
#[derive(Default)]
pub(crate) struct Cluster(pub(crate) Mutex<Inside>);

#[derive(Default)]
pub(crate) struct Inside {
    pub(crate) topics: BTreeMap<String, Topic>,
    pub(crate) away: bool,
    made: BTreeMap<String, u32>,
    /// Ids of topics the operator made or deleted.
    pub(crate) by_us: BTreeSet<String>,
    pub(crate) deleted: Vec<String>,
    view: Option<Arc<SimView>>,
}

impl Cluster {
    pub(crate) fn of(world: &World) -> Arc<Self> {
        world.shelf::<Self>()
    }

    /// Somebody else makes a topic.
    pub(crate) fn make(&self, name: &str, partitions: i32, config: &[(&str, &str)]) -> String {
        let mut inside = self.0.lock().unwrap();
        inside.make(name, partitions, &config.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect())
    }

    /// Somebody else changes a topic.
    pub(crate) fn edit(&self, name: &str, edit: impl FnOnce(&mut Topic)) {
        edit(self.0.lock().unwrap().topics.get_mut(name).expect("the topic is there"));
    }

    /// Somebody else deletes a topic.
    pub(crate) fn remove(&self, name: &str) {
        self.0.lock().unwrap().topics.remove(name);
    }

    pub(crate) fn get(&self, name: &str) -> Option<Topic> {
        self.0.lock().unwrap().topics.get(name).cloned()
    }

    pub(crate) fn view(&self) -> Option<Arc<SimView>> {
        self.0.lock().unwrap().view.clone()
    }

    /// The outage switch.
    pub(crate) fn away(&self, away: bool) {
        self.0.lock().unwrap().away = away;
        if let Some(view) = self.view() {
            view.waker.wake(plane::NAME, Key::new("", "default"));
        }
    }
}

impl Inside {
    fn make(&mut self, name: &str, partitions: i32, config: &BTreeMap<String, String>) -> String {
        let n = self.made.entry(name.into()).and_modify(|n| *n += 1).or_insert(1);
        let id = format!("id-{name}-{n}");
        let topic = Topic { id: id.clone(), partitions, replication_factor: 1, config: config.clone() };
        self.topics.insert(name.into(), topic);
        id
    }

    fn sight(&self, name: &str) -> Sight {
        if self.away {
            return Sight::Unreachable { since: Timestamp::UNIX_EPOCH, message: "the brokers are away".into() };
        }
        self.topics.get(name).cloned().map_or(Sight::Absent, Sight::Present)
    }

    fn apply(&mut self, change: &Change) -> Result<bool, Failure> {
        let refuse = |message: String| Err(Failure::new(Class::Invalid, Reason::KafkaRefused, message));
        let name = change.name().to_owned();
        let gone = Failure::new(Class::Waiting, Reason::TopicNotSettled, format!("{name} is unknown"));
        match change {
            Change::Create { config, partitions, .. } => {
                if self.topics.contains_key(&name) {
                    return Ok(false);
                }
                if config.values().any(|v| v == "nonsense") {
                    return refuse(format!("topic {name} cannot be created: Invalid value nonsense"));
                }
                let id = self.make(&name, partitions.unwrap_or(DEFAULT_PARTITIONS), config);
                self.by_us.insert(id);
                Ok(true)
            }
            Change::Grow { partitions, .. } => {
                let topic = self.topics.get_mut(&name).ok_or(gone)?;
                if topic.partitions >= *partitions {
                    return refuse(format!("topic {name} has {} partitions", topic.partitions));
                }
                topic.partitions = *partitions;
                Ok(true)
            }
            Change::Configure { set, reset, .. } => {
                let topic = self.topics.get_mut(&name).ok_or(gone)?;
                let before = topic.config.clone();
                topic.config.extend(set.clone());
                topic.config.retain(|k, _| !reset.contains(k));
                Ok(topic.config != before)
            }
            Change::Delete { id, .. } => {
                if self.topics.get(&name).is_none_or(|t| t.id != *id) {
                    return Ok(false);
                }
                self.topics.remove(&name);
                self.deleted.push(id.clone());
                Ok(true)
            }
        }
    }
}

#[derive(Default)]
struct Entry {
    sight: Option<Sight>,
    told: Option<Sight>,
    who: BTreeSet<Key>,
}

/// One process's view: tells what it saw last, until [`Self::poll`] or a change of its own.
pub(crate) struct SimView {
    world: World,
    waker: Waker,
    entries: Mutex<BTreeMap<String, Entry>>,
}

impl SimView {
    /// The 30 s poll; wakes whoever was told something else. Returns whether anybody was.
    pub(crate) fn poll(&self) -> bool {
        let cluster = Cluster::of(&self.world);
        let inside = cluster.0.lock().unwrap();
        if inside.away {
            return false;
        }
        let mut news = false;
        for (name, entry) in self.entries.lock().unwrap().iter_mut() {
            let sight = inside.sight(name);
            if entry.told.as_ref().is_some_and(|told| *told != sight) {
                news = true;
                entry.told = Some(sight.clone());
                entry.who.iter().for_each(|key| self.waker.wake(topic::NAME, key.clone()));
            }
            entry.sight = Some(sight);
        }
        news
    }
}

#[async_trait]
impl Broker for SimView {
    fn health(&self) -> Health {
        if Cluster::of(&self.world).0.lock().unwrap().away {
            Health::Down { since: Timestamp::UNIX_EPOCH, message: "the brokers are away".into() }
        } else {
            Health::Up { cluster_id: "sim".into(), brokers: 1 }
        }
    }

    fn closed(&self) -> bool {
        false
    }

    async fn look(&self, name: &str, who: &Key, freshness: Freshness) -> Sight {
        let cluster = Cluster::of(&self.world);
        let inside = cluster.0.lock().unwrap();
        let mut entries = self.entries.lock().unwrap();
        let entry = entries.entry(name.into()).or_default();
        entry.who.insert(who.clone());
        let live = inside.sight(name);
        let sight = match &entry.sight {
            Some(seen) if freshness == Freshness::Snapshot && !inside.away => seen.clone(),
            _ => live,
        };
        if !inside.away {
            entry.sight = Some(sight.clone());
        }
        entry.told = Some(sight.clone());
        sight
    }

    async fn perform(&self, change: &Change) -> Result<(), Failure> {
        use millrace_kit::Effect as _;
        if let Some(entry) = self.entries.lock().unwrap().get_mut(change.name()) {
            entry.sight = None;
        }
        let cluster = Cluster::of(&self.world);
        if cluster.0.lock().unwrap().away {
            return Err(Failure::new(Class::Transient, UNREACHABLE, "the brokers are away"));
        }
        self.world.gate(&change.id(), || {
            let changed = cluster.0.lock().unwrap().apply(change)?;
            if changed {
                self.world.effect(serde_json::to_string(change).unwrap());
            }
            Ok(())
        })
    }
}

/// Opens views of the world's cluster.
pub(crate) struct SimKafka {
    pub(crate) world: World,
    pub(crate) waker: Waker,
}

impl OpenKafka for SimKafka {
    fn open(&self, _: &str, _: &KafkaSpec) -> Arc<dyn Broker> {
        let view =
            Arc::new(SimView { world: self.world.clone(), waker: self.waker.clone(), entries: Mutex::default() });
        Cluster::of(&self.world).0.lock().unwrap().view = Some(Arc::clone(&view));
        view
    }
}

/// A DataPlane of these tests has no store.
struct NoStore;

impl store::OpenStore for NoStore {
    fn open(&self, _: &store::Settings, _: &store::StoreKeys) -> Arc<dyn store::Store> {
        unreachable!("no DataPlane of these tests has a store")
    }
}

pub(crate) fn connections(env: &Env, world: &World) -> Arc<Connections> {
    let kafka = SimKafka { world: world.clone(), waker: env.waker.clone() };
    Connections::new(&env.namespace, Arc::new(kafka), Arc::new(NoStore))
}

fn object<K: serde::de::DeserializeOwned>(kind: &str, meta: Value, spec: Value) -> K {
    let body = json!({"apiVersion": "millrace.dev/v1alpha1", "kind": kind, "metadata": meta, "spec": spec});
    serde_json::from_value(body).unwrap()
}

/// The DataPlane `default`, with what `more` adds to its spec.
pub(crate) fn data_plane(more: Value) -> DataPlane {
    let mut spec = json!({"owner": "test", "kafka": {"bootstrapServers": "kafka:9092", "topicPrefix": "mr."}});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object("DataPlane", json!({"name": "default"}), spec)
}

/// The DataTopic `ml/<name>`.
pub(crate) fn data_topic(name: &str, spec: Value) -> DataTopic {
    object("DataTopic", json!({"name": name, "namespace": "ml"}), spec)
}
