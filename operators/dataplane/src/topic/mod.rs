//! The DataTopic controller: one Kafka topic as declared, found again by its derived name, deleted only by its id.
//!
//! Owns the names of topics on the broker. Never touches a configuration key that neither the spec lists nor listed
//! before, never shrinks, never deletes what it cannot prove to be the incarnation in status.

mod decide;
pub mod model;
mod observe;
mod rivals;
mod status;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use millrace_crds::{DataPlane, DataTopic, DataTopicStatus};
use millrace_kit::{
    Class, DecisionOf, Failure, Hands, Key, Note, Operator, Reader, Seen, Watch, access::Access,
};

pub use observe::{Observed, PlaneSeen};

use crate::{
    connect::Connections,
    kafka::{Change, UNREACHABLE},
};

/// Name of this controller; the broker's view wakes DataTopics by it.
pub const NAME: &str = "datatopic";

/// The rights of this controller.
pub const ACCESS: &[Access] = &[
    Access::cluster(
        "millrace.dev",
        "datatopics",
        &["get", "list", "watch", "patch"],
        "the objects this controller keeps; patch puts the finalizer up where a topic has to be deleted",
    ),
    Access::cluster("millrace.dev", "datatopics/status", &["update"], "topic ids, intents and conditions"),
];

/// The operator of DataTopics.
pub struct Topics {
    connections: Arc<Connections>,
}

impl Topics {
    /// On these connections.
    #[must_use]
    pub const fn new(connections: Arc<Connections>) -> Self {
        Self { connections }
    }
}

#[async_trait]
impl Operator for Topics {
    type Object = DataTopic;
    type Observed = Observed;
    type Effect = Change;
    const NAME: &'static str = NAME;

    fn watches(&self) -> Vec<Watch> {
        let of_plane = |plane: &DataPlane, cache: &millrace_kit::cache::Cache| {
            let name = plane.metadata.name.clone().unwrap_or_default();
            keys(&cache.indexed::<DataTopic>(&rivals::on_plane(&name)))
        };
        let of_namespace = |namespace: &Namespace, cache: &millrace_kit::cache::Cache| {
            let name = namespace.metadata.name.clone().unwrap_or_default();
            keys(&cache.indexed::<DataTopic>(&rivals::in_namespace(&name)))
        };
        vec![
            Watch::related::<DataTopic>("two objects may want one topic: the one that waits is woken", rivals::of)
                .keep(|_: &mut DataTopic| {}, rivals::words),
            Watch::related::<DataPlane>("addresses, prefix and who may use them", of_plane),
            Watch::related::<Namespace>("labels decide whether a namespace may use a DataPlane", of_namespace).keep(
                |n: &mut Namespace| {
                    n.spec = None;
                    n.status = None;
                    n.metadata.annotations = None;
                },
                |_| Vec::new(),
            ),
        ]
    }

    async fn observe(&self, object: &DataTopic, reader: &Reader) -> Result<Observed, Failure> {
        observe::observe(object, &self.connections, reader).await
    }

    fn decide(object: &DataTopic, seen: &Seen<Observed>, now: Timestamp) -> DecisionOf<Self> {
        decide::decide(object, seen, now)
    }

    async fn effect(&self, object: &DataTopic, change: &Change, hands: &Hands) -> Result<(), Failure> {
        let _ = hands;
        match self.connections.known(&object.spec.data_plane) {
            Some(broker) => broker.perform(change).await,
            // The DataPlane lost its Kafka between observe and act.
            None => Err(Failure::new(Class::Transient, UNREACHABLE, "the DataPlane has no Kafka any more")),
        }
    }

    fn notes(old: &DataTopicStatus, new: &DataTopicStatus) -> Vec<Note> {
        status::notes(old, new)
    }
}

fn keys(topics: &[Arc<DataTopic>]) -> Vec<Key> {
    topics.iter().map(|t| Key::of(t.as_ref())).collect()
}
