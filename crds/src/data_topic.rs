//! `DataTopic`: one Kafka topic.
//!
//! The name on the broker is derived; users never type it, `externalName` apart.
//! Never add a key here that Kafka itself takes in `config`.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::common::Share;
use crate::conditions::{Condition, has_conditions, unseen};
use crate::schema;
use crate::status::{Creating, Drift};

/// A Kafka topic, named `<topicPrefix><namespace>.<name>` on the broker.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "millrace.dev",
    version = "v1alpha1",
    kind = "DataTopic",
    plural = "datatopics",
    shortname = "dt",
    category = "millrace",
    namespaced,
    status = "DataTopicStatus",
    derive = "PartialEq",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Topic", type_ = "string", json_path = ".status.topicName"),
    printcolumn(name = "Partitions", type_ = "integer", json_path = ".status.partitions"),
    printcolumn(
        name = "Message",
        type_ = "string",
        priority = 1,
        json_path = ".status.conditions[?(@.type==\"Ready\")].message"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = topic_rules()))]
pub struct DataTopicSpec {
    /// The DataPlane it lives on; cannot change. Default: `default`.
    #[serde(default = "default_data_plane")]
    #[schemars(length(min = 1, max = 63), extend("x-kubernetes-validations" = [schema::immutable("dataPlane", "make a new object and move the data")]))]
    pub data_plane: String,
    /// What the topic should be; the same words as in an MLPipeline's `topics`.
    #[serde(flatten)]
    pub topic: TopicSettings,
}

/// What the operator knows of the topic and cannot derive.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataTopicStatus {
    /// The generation the last pass saw, written on failing passes too; -1 until an operator has seen the object.
    #[serde(default = "unseen")]
    pub observed_generation: i64,
    /// Ready, Reconciling and Stalled as kstatus reads them, and the conditions of this kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::conditions())]
    pub conditions: Vec<Condition>,
    /// The last value of the annotation `reconcile.fluxcd.io/requestedAt` a pass has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_reconcile_at: Option<String>,
    /// Name on the broker; what `$(topic.NAME)` becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 249))]
    pub topic_name: Option<String>,
    /// The broker's id of the topic: what proves, before a delete, that it is the one we made or adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub topic_id: Option<String>,
    /// Partitions last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<i32>,
    /// Config keys under management, also those no longer listed until they are reset.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(256, 253))]
    pub managed_config_keys: Vec<String>,
    /// A creation that may be on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creating: Option<Creating>,
    /// The last drift put back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_drift: Option<Drift>,
    /// Fields of a newer Millrace, kept as they are.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}
has_conditions!(DataTopicStatus);

/// What a topic should be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicSettings {
    /// Number of partitions; may only grow. Default: those of a topic that exists, the broker's for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000), extend("x-kubernetes-validations" = [schema::rule("self >= oldSelf", "partitions only grow: Kafka cannot remove one; keep the old count or make a new topic")]))]
    pub partitions: Option<i32>,
    /// Copies of each partition. Cannot change. Default: the broker's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 15))]
    pub replication_factor: Option<i32>,
    /// Topic configuration. Only the keys listed here (and those listed before) are managed; others are left alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = schema::map(64, 1_024))]
    pub config: BTreeMap<String, String>,
    /// What happens to the topic when the object is deleted. Default: Retain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<TopicDeletion>,
    /// Adopt this topic instead of the derived name; the DataPlane must allow it to the namespace. Cannot change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::text(249).pattern("^[a-zA-Z0-9._-]+$"))]
    pub external_name: Option<String>,
    /// Namespaces that may use the topic by its bare name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(16))]
    pub share: Vec<Share>,
}

/// What becomes of a topic when its object is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum TopicDeletion {
    /// The topic and its records stay; applying the object again adopts it.
    #[default]
    Retain,
    /// The topic is deleted, if its id is the one in status.
    Delete,
}

fn default_data_plane() -> String {
    crate::well_known::DEFAULT_DATA_PLANE.to_owned()
}

/// What may not change of a topic, declared alone or in a pipeline.
pub(crate) fn topic_rules() -> Value {
    json!([
        schema::settled("replicationFactor", "make a new topic"),
        schema::settled("externalName", "make a new object"),
    ])
}
