//! `DataPlane`: where Kafka and the object store are, and who may use them.
//!
//! Cluster-scoped; the only kind that holds addresses and names Secrets with admin credentials.
//! Never put a credential itself into its spec or status.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::common::{LABEL_PATTERN, NamespaceSelector, SecretRef};
use crate::conditions::{Condition, has_conditions, unseen};
use crate::schema;

/// Where Kafka and the object store are, how to reach them, and who may use them.
/// Tenants name a DataPlane, never an address.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "millrace.dev",
    version = "v1alpha1",
    kind = "DataPlane",
    plural = "dataplanes",
    shortname = "dp",
    category = "millrace",
    status = "DataPlaneStatus",
    derive = "PartialEq",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(
        name = "Kafka",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"KafkaReachable\")].status"
    ),
    printcolumn(
        name = "Store",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"ObjectStoreReachable\")].status"
    ),
    printcolumn(
        name = "Isolated",
        type_ = "string",
        priority = 1,
        json_path = ".status.conditions[?(@.type==\"Isolated\")].status"
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        priority = 1,
        json_path = ".status.conditions[?(@.type==\"Ready\")].message"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::rule("has(self.kafka) || has(self.objectStore)", "give kafka, objectStore or both"),
    schema::rule("!has(self.objectStore) || has(self.adminSecretRef)", "objectStore needs adminSecretRef: a Secret in the operator's namespace with accessKey and secretKey")
]))]
pub struct DataPlaneSpec {
    /// The owner of everything that is created outside Kubernetes: part of every bucket's tags. Cannot change, because it proves ownership;
    /// a cluster rebuilt from Git with the same owner adopts its data again.
    #[schemars(length(min = 1, max = 63), transform = schema::text(63).pattern(LABEL_PATTERN), extend("x-kubernetes-validations" = [schema::immutable("owner", "it proves which data is ours; make another DataPlane")]))]
    pub owner: String,
    /// The Kafka cluster. Absent: this DataPlane has no topics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kafka: Option<KafkaSpec>,
    /// The S3 store. Absent: this DataPlane has no buckets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_store: Option<ObjectStoreSpec>,
    /// Secret in the operator's namespace with the store's admin credentials, keys `accessKey` and `secretKey`:
    /// creates, tags and deletes buckets. Needed with `objectStore`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_secret_ref: Option<SecretRef>,
    /// Secret in the operator's namespace with the credentials that AssumeRole is called with, keys `accessKey` and `secretKey`;
    /// its own rights should end at the bucket prefix. Default: without it no job gets access to buckets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sts_secret_ref: Option<SecretRef>,
    /// Namespaces that may use this DataPlane. Default: every namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<NamespaceSelector>,
    /// Namespaces whose topics and buckets may set `externalName` to adopt what exists. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_names: Option<NamespaceSelector>,
    /// Namespaces whose jobs may name a PriorityClass that begins with `system-`: their pods can preempt any other pod of
    /// the cluster. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_priority: Option<NamespaceSelector>,
}

/// What the operator last saw of the broker and the store. Conditions: KafkaReachable, ObjectStoreReachable, Isolated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataPlaneStatus {
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
    /// Id of the Kafka cluster, as its brokers report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub kafka_cluster_id: Option<String>,
    /// Number of brokers seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kafka_brokers: Option<i32>,
    /// What the store's short-lived credentials were issued with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Issuer>,
    /// Fields of a newer Millrace, kept as they are.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}
has_conditions!(DataPlaneStatus);

/// The origin of short-lived credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Issuer {
    /// resourceVersion of the Secret that `stsSecretRef` names.
    #[schemars(length(max = 64))]
    pub resource_version: String,
    /// Credentials issued before this time are issued again: the Secret was changed, or the store had forgotten them.
    pub since: Time,
}

/// A Kafka cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [schema::settled("topicPrefix", "topics are found by it, make another DataPlane")]))]
pub struct KafkaSpec {
    /// `host:port` of the brokers to start from, separated by commas.
    #[schemars(length(min = 3, max = 1024))]
    pub bootstrap_servers: String,
    /// Put before every topic's derived name `<namespace>.<name>`. Cannot change. Default: empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::text(64).pattern("^[a-zA-Z0-9._-]*$"))]
    pub topic_prefix: Option<String>,
}

/// An S3 store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [schema::settled("bucketPrefix", "buckets are found by it, make another DataPlane")]))]
pub struct ObjectStoreSpec {
    /// URL of the store as pods reach it, for example `http://minio.sandbox.svc:9000`.
    #[schemars(transform = schema::text(512).pattern("^https?://[^ ]+$"))]
    pub endpoint: String,
    /// Region to sign for. Default: `us-east-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub region: Option<String>,
    /// Address buckets by path rather than by host name; MinIO needs it. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_style: Option<bool>,
    /// Put before every bucket's derived name. Cannot change. Default: empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::text(16).pattern("^[a-z0-9][a-z0-9-]*$"))]
    pub bucket_prefix: Option<String>,
    /// URL of the STS API. Default: `endpoint`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::text(512).pattern("^https?://[^ ]+$"))]
    pub sts_endpoint: Option<String>,
    /// Role to assume; MinIO needs none. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub role_arn: Option<String>,
    /// How long the credentials of a job live before they are renewed in place, from `15m` to `12h`. Default: `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = [schema::rule("self.matches('^[0-9]{1,4}[mh]$') && duration(self) >= duration('15m') && duration(self) <= duration('12h')", "write a whole number of minutes or hours from 15m to 12h")]))]
    pub credential_lifetime: Option<crate::Duration>,
}
