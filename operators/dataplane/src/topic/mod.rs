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
use millrace_crds::{DataTopic, DataTopicStatus};
use millrace_kit::{Class, DecisionOf, Failure, Hands, Note, Operator, Reader, Seen, Watch, access::Access};

pub use observe::{Observed, PlaneSeen};

use crate::{
    connect::Connections,
    kafka::{Change, UNREACHABLE},
    store::facts::plane_watches,
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
        let rivals =
            Watch::related::<DataTopic>("two objects may want one topic: the one that waits is woken", rivals::of)
                .keep(|_: &mut DataTopic| {}, rivals::words);
        std::iter::once(rivals).chain(plane_watches::<DataTopic>()).collect()
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
