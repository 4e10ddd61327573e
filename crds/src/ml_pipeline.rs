//! `MLPipeline`: a DAG of steps and the data it declares.
//!
//! Cycles, unknown references and CEL syntax are decided by the operator, all findings at once.
//! Never make its Ready depend on the result of a run.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::common::LABEL_PATTERN;
use crate::conditions::{Condition, has_conditions, unseen};
use crate::data_bucket::BucketSettings;
use crate::data_topic::TopicSettings;
use crate::schema;
use crate::step::StepSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// A DAG of steps, and the data it declares.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "millrace.dev",
    version = "v1alpha1",
    kind = "MLPipeline",
    plural = "mlpipelines",
    shortname = "mlp",
    category = "millrace",
    namespaced,
    status = "MLPipelineStatus",
    derive = "PartialEq",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Suspended", type_ = "boolean", priority = 1, json_path = ".spec.suspend"),
    printcolumn(
        name = "Message",
        type_ = "string",
        priority = 1,
        json_path = ".status.conditions[?(@.type==\"Ready\")].message"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [schema::rule(
    "(has(self.dataPlane) ? self.dataPlane : 'default') == (has(oldSelf.dataPlane) ? oldSelf.dataPlane : 'default')",
    "dataPlane cannot change; make a new pipeline and move the data"
)]))]
pub struct MLPipelineSpec {
    /// Parameters and their defaults; a run may set others. `$(params.NAME)`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = schema::map(64, 1_024).templated())]
    pub params: BTreeMap<String, String>,
    /// The DataPlane of its buckets, topics and steps; cannot change. Default: `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub data_plane: Option<String>,
    /// Buckets it declares; each becomes the DataBucket of that name. Others just use them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(50).keyed("name"))]
    pub buckets: Vec<BucketDecl>,
    /// Topics it declares; each becomes the DataTopic of that name. Others just use them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(50).keyed("name"))]
    pub topics: Vec<TopicDecl>,
    /// The steps, at least one.
    #[schemars(length(min = 1), transform = schema::list(100).keyed("name"))]
    pub steps: Vec<StepSpec>,
    /// Start no new runs; running ones continue, and those created in the meantime wait for up to a day. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// How many finished runs are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
}

/// Where the pipeline stands. How its runs went is theirs to tell: `kubectl get mlr --field-selector spec.pipeline=NAME`.
/// Condition: DataReady.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MLPipelineStatus {
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
    /// ControllerRevision that holds the spec of this generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub revision: Option<String>,
    /// The last value of the annotation `millrace.dev/run-requested` that started a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_run_request: Option<String>,
    /// A value of the annotation whose run could not be made yet; it counts although the annotation may be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub pending_run_request: Option<String>,
    /// Since when it waits for what the condition Ready names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Time>,
    /// Fields of a newer Millrace, kept as they are.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}
has_conditions!(MLPipelineStatus);

/// A bucket the pipeline declares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = crate::data_bucket::bucket_rules()))]
pub struct BucketDecl {
    /// Name of the DataBucket; `$(bucket.NAME)`.
    #[schemars(length(min = 1, max = 63), transform = schema::text(63).pattern(LABEL_PATTERN))]
    pub name: String,
    /// What it should be.
    #[serde(flatten)]
    pub bucket: BucketSettings,
}

/// A topic the pipeline declares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = crate::data_topic::topic_rules()))]
pub struct TopicDecl {
    /// Name of the DataTopic; `$(topic.NAME)`.
    #[schemars(length(min = 1, max = 63), transform = schema::text(63).pattern(LABEL_PATTERN))]
    pub name: String,
    /// What it should be.
    #[serde(flatten)]
    pub topic: TopicSettings,
}

/// How many finished runs are kept, oldest deleted first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// Runs that succeeded. Default: 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub succeeded: Option<i32>,
    /// Runs that failed. Default: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub failed: Option<i32>,
}
