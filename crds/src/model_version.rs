//! `ModelVersion`: one registered version of a model.
//!
//! Registered once: found again by the tag with our uid, never made twice.
//! Never let it take an alias back from a newer version.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::conditions::{Condition, has_conditions, unseen};
use crate::schema;
use crate::status::Creating;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// MLflow keeps these aliases for itself.
pub(crate) const ALIAS: &str = "!self.matches('^([vV][0-9]+|[lL][aA][tT][eE][sS][tT])$')";
pub(crate) const ALIAS_HINT: &str =
    "latest and v1, v2, … are reserved by MLflow: choose another alias, such as candidate";
/// They separate the parts of `models:/NAME/VERSION`.
pub(crate) const MODEL: &str = "!self.contains('/') && !self.contains(':') && self.trim() == self";
pub(crate) const MODEL_HINT: &str = "MLflow takes no / and no : in the name of a model, and no space around it";

/// One registered version of a model; what a pipeline's `register` step makes.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "millrace.dev",
    version = "v1alpha1",
    kind = "ModelVersion",
    plural = "modelversions",
    shortname = "mv",
    category = "millrace-internal",
    namespaced,
    status = "ModelVersionStatus",
    derive = "PartialEq",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Model", type_ = "string", json_path = ".spec.model"),
    printcolumn(name = "Version", type_ = "integer", json_path = ".status.version"),
    printcolumn(name = "Aliases", type_ = "string", json_path = ".status.aliases"),
    printcolumn(
        name = "Message",
        type_ = "string",
        priority = 1,
        json_path = ".status.conditions[?(@.type==\"Ready\")].message"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct ModelVersionSpec {
    /// Name of the ModelRegistry. Cannot change.
    #[schemars(length(min = 1, max = 63), extend("x-kubernetes-validations" = [schema::immutable("registry", "make another ModelVersion")]))]
    pub registry: String,
    /// Name of the registered model. Cannot change.
    #[schemars(length(min = 1, max = 128), extend("x-kubernetes-validations" = [
        schema::immutable("model", "make another ModelVersion"),
        schema::rule(MODEL, MODEL_HINT)
    ]))]
    pub model: String,
    /// URI of the model's files in a bucket of the namespace. Cannot change.
    #[schemars(length(min = 1, max = 1_024), transform = schema::text(1_024).pattern(schema::PRINTED), extend("x-kubernetes-validations" = [
        schema::immutable("source", "make another ModelVersion"),
        schema::rule(schema::URI, schema::URI_HINT)
    ]))]
    pub source: String,
    /// Aliases the version takes when it is registered; one newly listed is taken then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(10, 64).pattern("^[a-zA-Z0-9_-]+$").checked(ALIAS, ALIAS_HINT).set())]
    pub aliases: Vec<String>,
    /// Tags of the version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = schema::map(32, 512))]
    pub tags: BTreeMap<String, String>,
    /// Description of the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_024))]
    pub description: Option<String>,
    /// The run it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunRef>,
}

/// Where the version stands in the registry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelVersionStatus {
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
    /// The version's number in the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// Source as the registry has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_024))]
    pub source: Option<String>,
    /// The version as MLflow clients name it, `models:/MODEL/VERSION`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub uri: Option<String>,
    /// The attempt to measure the source; its Job is named after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measuring: Option<i64>,
    /// What was found at the source before the version was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// A registration that may be on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creating: Option<Creating>,
    /// Aliases this object has set, each once: a newer version may take one over and is not robbed of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(32, 64))]
    pub aliases: Vec<String>,
    /// Aliases about to be moved to this version, with their previous holder, to detect after a crash whether a newer version has taken them since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(10))]
    pub taking_aliases: Vec<TakingAlias>,
    /// Tag keys under management, also those no longer listed until they are removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(128, 253))]
    pub managed_tag_keys: Vec<String>,
    /// When the version was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_at: Option<Time>,
    /// When the registered version was first seen to be gone from the registry; it is not made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Time>,
    /// Fields of a newer Millrace, kept as they are.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}
has_conditions!(ModelVersionStatus);

/// What lies at a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    /// The place that was measured, `s3://BUCKET/PATH`.
    #[schemars(length(max = 1_024))]
    pub source: String,
    /// How many files there are.
    pub files: i64,
    /// Their size in bytes.
    pub bytes: i64,
}

/// An alias about to be taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TakingAlias {
    /// The alias.
    #[schemars(length(max = 64))]
    pub alias: String,
    /// The version that held it; absent if none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
}

/// The run a version came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunRef {
    /// Name of the MLPipeline.
    #[schemars(length(max = 253))]
    pub pipeline: String,
    /// Name of the MLPipelineRun.
    #[schemars(length(max = 253))]
    pub name: String,
    /// Name of the step.
    #[schemars(length(max = 40))]
    pub step: String,
    /// Uid of the MLPipelineRun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub uid: Option<String>,
}
