//! `ModelRegistry`: an MLflow server with its database and its bucket.
//!
//! The schema is migrated by a Job before the server; a server is never open.
//! Never put a password or a database address into it.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::common::{LABEL_PATTERN, SecretRef, Share};
use crate::conditions::{Condition, has_conditions, unseen};
use crate::engines::PullPolicy;
use crate::scalar::{self, Quantity};
use crate::schema;

/// An MLflow server with its database and its bucket.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "millrace.dev",
    version = "v1alpha1",
    kind = "ModelRegistry",
    plural = "modelregistries",
    shortname = "mreg",
    category = "millrace",
    namespaced,
    status = "ModelRegistryStatus",
    derive = "PartialEq",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(
        name = "Server",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"ServerAvailable\")].status"
    ),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.url"),
    printcolumn(
        name = "Message",
        type_ = "string",
        priority = 1,
        json_path = ".status.conditions[?(@.type==\"Ready\")].message"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct ModelRegistrySpec {
    /// MLflow image. Default: the chart's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// When to pull it. Default: IfNotPresent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<PullPolicy>,
    /// The PostgreSQL database.
    pub database: Database,
    /// Where models are kept.
    pub artifacts: Artifacts,
    /// Who may log in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// Server pods. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 20))]
    pub replicas: Option<i32>,
    /// Size of each server pod. Default: 100m, 768Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ServerResources>,
    /// Most that uploads under way may take together on the disk of a server pod: each one lies there whole before it goes
    /// to the bucket. More than that evicts the pod. Default: 10Gi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scratch: Option<Quantity>,
    /// Namespaces that may register versions here by the bare name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(16))]
    pub share: Vec<Share>,
}

/// Where the registry stands. Conditions: DataReady, DatabaseMigrated, ServerAvailable (whatever serves, also while it is
/// about to be replaced), UpToDate (the server runs what is declared).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelRegistryStatus {
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
    /// The server inside the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub url: Option<String>,
    /// Secret of this namespace with the generated admin login, keys `username` and `password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub admin_secret_name: Option<String>,
    /// What the running server says its version is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub server_version: Option<String>,
    /// Image whose schema the database has: the last migration that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub migrated_image: Option<String>,
    /// What the last migration that succeeded was for; the server runs on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrated: Option<Migrated>,
    /// The migration under way, or the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration: Option<Migration>,
    /// Fields of a newer Millrace, kept as they are.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}
has_conditions!(ModelRegistryStatus);

/// A PostgreSQL database.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Database {
    /// Key of a Secret of this namespace that holds the SQLAlchemy URI.
    pub secret_ref: DatabaseSecret,
}

/// The Secret with the database's URI.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseSecret {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in it. Default: `uri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub key: Option<String>,
}

/// Where models are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artifacts {
    /// Name of a DataBucket of this namespace.
    #[schemars(length(min = 1, max = 63), transform = schema::text(63).pattern(LABEL_PATTERN), extend("x-kubernetes-validations" = [schema::immutable("bucket", "registered models point into it")]))]
    pub bucket: String,
    /// Make the DataBucket if there is none. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<bool>,
    /// The DataPlane of a bucket it makes. Default: `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub data_plane: Option<String>,
}

/// Who may log in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Auth {
    /// Secret of this namespace with `username` and `password` of one more admin. The generated login is there in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_secret_ref: Option<SecretRef>,
}

/// Size of a server pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerResources {
    /// CPU request. Default: 100m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = scalar::cores())]
    pub cpu: Option<Quantity>,
    /// Memory request and limit. Default: 768Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = scalar::bytes())]
    pub memory: Option<Quantity>,
}

/// The inputs of a migration that succeeded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Migrated {
    /// Image whose schema the database has.
    #[schemars(length(max = 512))]
    pub image: String,
    /// Secret and key the database's URI came from, `NAME/KEY`.
    #[schemars(length(max = 512))]
    pub secret: String,
    /// Keyed fingerprint of the URI: another one means that the Secret has changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub uri: Option<String>,
    /// Keyed fingerprint of the database's host, port and name: the same one means the same database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub place: Option<String>,
}

/// A schema migration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Migration {
    /// Image whose schema it brings.
    #[schemars(length(max = 512))]
    pub image: String,
    /// Name of its Job.
    #[schemars(length(max = 63))]
    pub job: String,
    /// Secret and key the database's URI comes from, `NAME/KEY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub secret: Option<String>,
    /// Which of all migrations of this registry it is; its Job is named after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// True while the server is stopped for it, since the schema changes under it. False if that failed: the server before
    /// it is back, and it is not tried again by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stops_server: Option<bool>,
    /// Attempt, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<i64>,
    /// `Succeeded`, or the reason why the last attempt failed; absent while the first one runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub result: Option<String>,
    /// What happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2_048))]
    pub message: Option<String>,
}
