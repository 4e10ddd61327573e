//! `DataBucket`: one S3 bucket.
//!
//! The name on the store is derived; tags prove whose it is.
//! Never let a spec field delete data by default.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::common::Share;
use crate::conditions::{Condition, has_conditions, unseen};
use crate::schema;
use crate::status::{Creating, Drift};

/// An S3 bucket, named `<bucketPrefix><namespace>-<name>-<hash>` on the store.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "millrace.dev",
    version = "v1alpha1",
    kind = "DataBucket",
    plural = "databuckets",
    shortname = "db",
    category = "millrace",
    namespaced,
    status = "DataBucketStatus",
    derive = "PartialEq",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Bucket", type_ = "string", json_path = ".status.bucketName"),
    printcolumn(
        name = "Message",
        type_ = "string",
        priority = 1,
        json_path = ".status.conditions[?(@.type==\"Ready\")].message"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = bucket_rules()))]
pub struct DataBucketSpec {
    /// The DataPlane it lives on; cannot change. Default: `default`.
    #[serde(default = "default_data_plane")]
    #[schemars(length(min = 1, max = 63), extend("x-kubernetes-validations" = [schema::immutable("dataPlane", "make a new object and move the data")]))]
    pub data_plane: String,
    /// What the bucket should be; the same words as in an MLPipeline's `buckets`.
    #[serde(flatten)]
    pub bucket: BucketSettings,
}

/// What the operator knows of the bucket and cannot derive.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataBucketStatus {
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
    /// Name on the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub bucket_name: Option<String>,
    /// The bucket as `s3://NAME`; jobs see it in their engine's scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub uri: Option<String>,
    /// A creation that may be on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creating: Option<Creating>,
    /// Prefixes whose expiry rules are under management, also those no longer listed until they are removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(32, 512))]
    pub managed_expire_prefixes: Vec<String>,
    /// True once versioning was switched on by us: only then is it suspended when the spec no longer asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_versioning: Option<bool>,
    /// The last drift put back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_drift: Option<Drift>,
    /// Fields of a newer Millrace, kept as they are.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}
has_conditions!(DataBucketStatus);

/// What a bucket should be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BucketSettings {
    /// Keep old versions of objects. Default: unmanaged, as the store makes buckets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versioning: Option<bool>,
    /// Objects to expire, by prefix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(32).keyed("prefix"))]
    pub expire: Vec<Expire>,
    /// What happens to the bucket when the object is deleted. Default: Retain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<BucketDeletion>,
    /// Adopt this bucket instead of the derived name; the DataPlane must allow it to the namespace. Cannot change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::text(63).pattern("^[a-z0-9][a-z0-9.-]+[a-z0-9]$"))]
    pub external_name: Option<String>,
    /// Namespaces that may use the bucket by its bare name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(16))]
    pub share: Vec<Share>,
}

/// Objects under a prefix are deleted some days after they were written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Expire {
    /// Prefix of the keys; empty means the whole bucket.
    #[schemars(transform = schema::text(512).pattern(schema::PRINTED).checked(schema::KEY, schema::KEY_HINT))]
    pub prefix: String,
    /// Days after which an object is deleted.
    #[schemars(range(min = 1, max = 36_500))]
    pub days: i32,
}

/// What becomes of a bucket when its object is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum BucketDeletion {
    /// The bucket and its objects stay; applying the object again adopts it.
    #[default]
    Retain,
    /// The bucket is deleted if it is empty, else deletion waits and says so.
    DeleteIfEmpty,
    /// The bucket is deleted with every object and version in it.
    DeleteAll,
}

fn default_data_plane() -> String {
    crate::well_known::DEFAULT_DATA_PLANE.to_owned()
}

/// What may not change of a bucket, declared alone or in a pipeline.
pub(crate) fn bucket_rules() -> Value {
    json!([schema::settled("externalName", "make a new object")])
}
