//! The port: what controllers see of a broker, and what they ask of it.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use millrace_crds::{Reason, data_plane::KafkaSpec};
use millrace_kit::{Effect, Failure, Key};
use serde::{Deserialize, Serialize};

/// Reason of failures and conditions while no broker answers.
pub const UNREACHABLE: Reason = Reason::KafkaUnreachable;

/// How the broker of a DataPlane is, without asking it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Health {
    /// Not asked yet.
    Connecting,
    /// It answered the last question.
    Up {
        /// Id of the Kafka cluster.
        cluster_id: String,
        /// Brokers in its metadata.
        brokers: i32,
    },
    /// It did not answer the last question.
    Down {
        /// When that began.
        since: Timestamp,
        /// What the client says.
        message: String,
    },
}

/// A topic as the broker shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Topic {
    /// The broker's id of this incarnation.
    pub id: String,
    /// Number of partitions.
    pub partitions: i32,
    /// Copies of the first partition.
    pub replication_factor: i32,
    /// Configuration set on the topic itself, defaults left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, String>,
}

/// What the view knows of one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sight {
    /// The broker said that there is no such topic.
    Absent,
    /// There is one.
    Present(Topic),
    /// The broker answered, but not about this topic: a missing right, as a rule.
    Refused(Failure),
    /// Nothing is known: no broker answers.
    Unreachable {
        /// When that began.
        since: Timestamp,
        /// What the client says.
        message: String,
    },
}

/// How new a sight must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The snapshot will do, if no change of ours is newer.
    Snapshot,
    /// Asked of the broker after this call.
    Live,
}

/// A change of one topic; also the effect type of the DataTopic controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Create it. Exists already: done.
    Create {
        /// Name on the broker.
        name: String,
        /// Number of partitions; the broker's default if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partitions: Option<i32>,
        /// Copies; the broker's default if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replication_factor: Option<i32>,
        /// Its configuration from the start.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        config: BTreeMap<String, String>,
    },
    /// Add partitions, up to this number.
    Grow {
        /// Name on the broker.
        name: String,
        /// The new number.
        partitions: i32,
    },
    /// Set and reset single configuration keys; all others stay as they are.
    Configure {
        /// Name on the broker.
        name: String,
        /// Keys to set.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        set: BTreeMap<String, String>,
        /// Keys to give back to the broker's default.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reset: Vec<String>,
    },
    /// Delete it if it still has this id. Gone, or another id: done.
    Delete {
        /// Name on the broker.
        name: String,
        /// The id it must have.
        id: String,
    },
}

impl Change {
    /// The topic's name on the broker.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Create { name, .. }
            | Self::Grow { name, .. }
            | Self::Configure { name, .. }
            | Self::Delete { name, .. } => name,
        }
    }
}

impl Effect for Change {
    fn id(&self) -> String {
        let verb = match self {
            Self::Create { .. } => "create",
            Self::Grow { .. } => "grow",
            Self::Configure { .. } => "configure",
            Self::Delete { .. } => "delete",
        };
        format!("{verb} topic {}", self.name())
    }
}

/// The broker of one DataPlane.
#[async_trait]
pub trait Broker: Send + Sync {
    /// How it is; never blocks.
    fn health(&self) -> Health;

    /// Whether the view has ended, because its DataPlane is gone: open another one.
    fn closed(&self) -> bool;

    /// The topic of this name, never older than the last change through this view. From now on the topic is watched,
    /// and `who` is woken when it looks different from what was told last.
    async fn look(&self, name: &str, who: &Key, freshness: Freshness) -> Sight;

    /// Performs one change; many at the same time share a request.
    ///
    /// # Errors
    /// The broker's refusal, or no answer: then nobody knows whether it was applied, and the next look will tell.
    async fn perform(&self, change: &Change) -> Result<(), Failure>;
}

/// Opens broker views.
pub trait OpenKafka: Send + Sync {
    /// A view of this cluster for the DataPlane of this name; starts its task.
    fn open(&self, plane: &str, spec: &KafkaSpec) -> Arc<dyn Broker>;
}
