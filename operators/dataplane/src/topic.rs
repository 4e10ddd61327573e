//! The DataTopic controller: one Kafka topic as declared, found again by its derived name, deleted only by its id.
//!
//! Owns the names of topics on the broker. Never touches a configuration key that neither the spec lists nor listed
//! before, never shrinks, never deletes what it cannot prove to be the incarnation in status.

mod conflicts;
mod decide;
pub mod model;
mod observe;
mod status;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;
use millrace_crds::{DataPlane, DataTopic, DataTopicStatus};
use millrace_kit::{Class, DecisionOf, Failure, Key, Note, Operator, Reader, Seen, Watch, Writer, access::Access};

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
    reader: Reader,
    /// Uids of objects whose topic was created and is not in their status yet.
    made: Mutex<BTreeSet<String>>,
}

impl Topics {
    /// On these connections.
    #[must_use]
    pub fn new(connections: Arc<Connections>, reader: Reader) -> Self {
        Self { connections, reader, made: Mutex::default() }
    }

    fn making(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn made(&self, object: &DataTopic) -> bool {
        let uid = object.metadata.uid.as_deref().unwrap_or_default();
        if object.status.as_ref().is_some_and(|status| status.topic_id.is_some()) {
            self.making().remove(uid);
            return false;
        }
        self.making().contains(uid)
    }
}

#[async_trait]
impl Operator for Topics {
    type Object = DataTopic;
    type Observed = Observed;
    type Effect = Change;
    const NAME: &'static str = NAME;

    fn watches(&self) -> Vec<Watch> {
        let conflicts =
            Watch::related::<DataTopic>("two objects may want one topic: the one that waits is woken", conflicts::of)
                .stored_as(|_: &mut DataTopic| {}, conflicts::index_keys);
        std::iter::once(conflicts).chain(plane_watches::<DataTopic>()).collect()
    }

    async fn observe(&self, object: &DataTopic, reader: &Reader) -> Result<Observed, Failure> {
        let mut seen = observe::observe(&self.connections, object, reader).await?;
        seen.made = matches!(seen.plane, PlaneSeen::Kafka { .. }) && self.made(object);
        Ok(seen)
    }

    fn decide(object: &DataTopic, seen: &Seen<Observed>, now: Timestamp) -> DecisionOf<Self> {
        decide::decide(object, seen, now)
    }

    async fn effect(&self, object: &DataTopic, change: &Change, writer: &Writer) -> Result<(), Failure> {
        let _ = writer;
        let plane = self.reader.cached::<DataPlane>(&Key::new("", &object.spec.data_plane));
        let Some(broker) = plane.and_then(|plane| self.connections.broker(&plane)) else {
            // The DataPlane lost its Kafka between observe and act.
            return Err(Failure::new(Class::Transient, UNREACHABLE, "the DataPlane has no Kafka any more"));
        };
        let done = broker.perform(change).await;
        // Without an answer it may have been applied all the same.
        let perhaps = done.as_ref().map_or_else(|failure| failure.class == Class::Transient, |()| true);
        if perhaps && matches!(change, Change::Create { .. }) {
            self.making().insert(object.metadata.uid.clone().unwrap_or_default());
        }
        done
    }

    fn notes(old: &DataTopicStatus, new: &DataTopicStatus) -> Vec<Note> {
        status::notes(old, new)
    }
}
