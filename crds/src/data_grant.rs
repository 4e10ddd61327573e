//! `DataGrant`: short-lived, least-privilege access to named topics and buckets.
//!
//! Its status is all that other operators learn of brokers and stores; the Secret is for the kubelet alone.
//! Never put a credential into it.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::common::{Access, LABEL_PATTERN};
use crate::conditions::{Condition, has_conditions, unseen};
use crate::schema;
use crate::status::Drift;

/// Short-lived access of one holder to named topics and buckets, as a Secret renewed in place.
/// Made and deleted by operators.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "millrace.dev",
    version = "v1alpha1",
    kind = "DataGrant",
    plural = "datagrants",
    shortname = "dg",
    category = "millrace-internal",
    namespaced,
    status = "DataGrantStatus",
    derive = "PartialEq",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Holder", type_ = "string", json_path = ".spec.holder.name"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".status.expiresAt"),
    printcolumn(
        name = "Message",
        type_ = "string",
        priority = 1,
        json_path = ".status.conditions[?(@.type==\"Ready\")].message"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct DataGrantSpec {
    /// The DataPlane it lives on; cannot change. Default: `default`.
    #[serde(default = "default_data_plane")]
    #[schemars(length(min = 1, max = 63), extend("x-kubernetes-validations" = [schema::immutable("dataPlane", "make a new object and move the data")]))]
    pub data_plane: String,
    /// Who holds the access: a ProcessingJob, the server of a ModelRegistry, or a ModelVersion whose source is measured.
    /// Cannot change.
    #[schemars(extend("x-kubernetes-validations" = [schema::immutable("holder", "make another grant")]))]
    pub holder: Holder,
    /// What may be accessed. Names are DataBuckets and DataTopics of this namespace, or shared with it. Cannot change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(64), extend("x-kubernetes-validations" = [schema::immutable("access", "make another grant")]))]
    pub access: Vec<AccessRequest>,
    /// True if the grant gives no access and has no Secret: it only protects state from expiry rules while no attempt
    /// runs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect_only: bool,
}

/// The Secret, its expiry, and everything a holder needs to know of the data: processing reads names and addresses only here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataGrantStatus {
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
    /// Name of the Secret of type `millrace.dev/grant`, keys `config` and `credentials.json`. Absent when no bucket is granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub secret_name: Option<String>,
    /// When the present credentials expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// When they are renewed at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew_at: Option<Time>,
    /// The Secret as it was written last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<Issued>,
    /// The last time the Secret was written before its time, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_drift: Option<Drift>,
    /// `host:port` list of the brokers; present when a topic is granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub bootstrap_servers: Option<String>,
    /// The store's URL; present when a bucket is granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub endpoint: Option<String>,
    /// The store's region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub region: Option<String>,
    /// True when buckets are addressed by path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_style: Option<bool>,
    /// The granted buckets, one entry per name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(64).keyed("name"))]
    pub buckets: Vec<GrantedBucket>,
    /// The granted topics, one entry per name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(64).keyed("name"))]
    pub topics: Vec<GrantedTopic>,
    /// Fields of a newer Millrace, kept as they are.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}
has_conditions!(DataGrantStatus);

/// A Secret as it was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Issued {
    /// Its resourceVersion: with another one, somebody else has written it.
    #[schemars(length(max = 64))]
    pub resource_version: String,
    /// When its credentials were issued.
    pub at: Time,
}

/// Whom a grant is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// Kind, for example `ProcessingJob`.
    #[schemars(length(min = 1, max = 63))]
    pub kind: String,
    /// Name of that object.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Uid, so that a grant never outlives its holder under another incarnation.
    #[schemars(length(min = 1, max = 64))]
    pub uid: String,
}

/// One topic, or one prefix of one bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::rule("has(self.bucket) != has(self.topic)", "give exactly one of bucket, topic"),
    schema::rule("!has(self.prefix) || has(self.bucket)", "prefix belongs to a bucket")
]))]
pub struct AccessRequest {
    /// Name of a DataBucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::text(63).pattern(LABEL_PATTERN))]
    pub bucket: Option<String>,
    /// Name of a DataTopic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::text(63).pattern(LABEL_PATTERN))]
    pub topic: Option<String>,
    /// Only keys that start with it; buckets only. Default: the whole bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::text(512).pattern(schema::PRINTED).checked(schema::KEY, schema::KEY_HINT))]
    pub prefix: Option<String>,
    /// What may be done.
    pub mode: Access,
    /// What lies below it is state that must not expire: a bucket's expiry rule that reaches it keeps the grant from
    /// becoming Ready, and is not applied once the grant is. Buckets only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// A key the store must have before the grant becomes Ready, from the root of the bucket; with a slash at its end, some
    /// key that begins with it. A grant that is Ready is not asked again. Buckets only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), transform = schema::text(1_024).pattern(schema::PRINTED).checked(schema::KEY, schema::KEY_HINT))]
    pub requires: Option<String>,
}

/// A granted bucket as the holder sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantedBucket {
    /// Name of the DataBucket; `NAME` of `$(bucket.NAME)` and, upper-cased, of `BUCKET_<NAME>`.
    #[schemars(length(max = 63))]
    pub name: String,
    /// Name on the store.
    #[schemars(length(max = 63))]
    pub bucket_name: String,
}

/// A granted topic as the holder sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantedTopic {
    /// Name of the DataTopic; `NAME` of `$(topic.NAME)` and, upper-cased, of `TOPIC_<NAME>`.
    #[schemars(length(max = 63))]
    pub name: String,
    /// Name on the broker.
    #[schemars(length(max = 249))]
    pub topic_name: String,
}

fn default_data_plane() -> String {
    crate::well_known::DEFAULT_DATA_PLANE.to_owned()
}
