//! `MLPipelineRun`: one execution of a pipeline.
//!
//! Its spec never changes; edits of the pipeline do not touch a run in flight.
//! Of what a step returned it keeps the keys that others name; the rest stays in the job, and specs in the revision.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::conditions::{Condition, has_conditions, unseen};
use crate::schema;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// One execution of an MLPipeline; small, made by the operator or by hand.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "millrace.dev",
    version = "v1alpha1",
    kind = "MLPipelineRun",
    plural = "mlpipelineruns",
    shortname = "mlr",
    category = "millrace",
    namespaced,
    status = "MLPipelineRunStatus",
    derive = "PartialEq",
    selectable = ".spec.pipeline",
    printcolumn(name = "Pipeline", type_ = "string", json_path = ".spec.pipeline"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Progress", type_ = "string", json_path = ".status.progress"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Succeeded\")].reason"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        priority = 1,
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        priority = 1,
        json_path = ".status.conditions[?(@.type==\"Succeeded\")].message"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::settled("revision", "create another run"),
    schema::settled("params", "create another run"),
    schema::settled("trigger", "create another run")
]))]
pub struct MLPipelineRunSpec {
    /// Name of the MLPipeline in this namespace. Cannot change.
    #[schemars(length(min = 1, max = 63), extend("x-kubernetes-validations" = [schema::immutable("pipeline", "create another run")]))]
    pub pipeline: String,
    /// ControllerRevision to run; cannot change. Default: the pipeline's spec at the time the run is first seen, recorded in status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub revision: Option<String>,
    /// Parameters other than the pipeline's defaults; every name must be one of the pipeline's. Cannot change.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = schema::map(64, 1_024).templated())]
    pub params: BTreeMap<String, String>,
    /// What started the run, for people; cannot change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
}

/// Where the run stands. Conditions: Succeeded (Unknown while it runs).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MLPipelineRunStatus {
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
    /// Its state, in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<RunPhase>,
    /// ControllerRevision that holds the frozen spec; stored before the first step starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub revision: Option<String>,
    /// Progress in one line, for example `2/3 train running (attempt 2)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub progress: Option<String>,
    /// When the run was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// Since when it waits for what the condition Ready names, before its first step; its deadline counts from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Time>,
    /// The steps in the order of the pipeline.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(100).keyed("name"))]
    pub steps: Vec<StepStatus>,
    /// Fields of a newer Millrace, kept as they are.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}
has_conditions!(MLPipelineRunStatus);

/// What started a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    /// `Manual`, `Annotation`, or the name of a trigger.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Identity of the event, for example the annotation's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub id: Option<String>,
}

/// Where a step stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepStatus {
    /// Name of the step.
    #[schemars(length(max = 40))]
    pub name: String,
    /// Its state, in one word.
    pub phase: StepPhase,
    /// Number of the job's present or last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<i64>,
    /// What it made, once it has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<ChildRef>,
    /// When its child was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// Why it is in that phase, for example `WhenFalse`, `UpstreamFailed`, `OutOfMemory`; while it runs, what its child
    /// waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub reason: Option<String>,
    /// What happened and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_024))]
    pub message: Option<String>,
    /// Since when what it started is being taken back; the step has failed when that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopping_at: Option<Time>,
    /// What it returned, as far as other steps or conditions name it; stored with the write that makes it Succeeded, and
    /// never asked for again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::any_map(1_024))]
    pub results: Option<BTreeMap<String, Value>>,
    /// Numbers among the results that do not read back as the program wrote them, as it did.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = schema::map(1_024, 3_072))]
    pub result_texts: BTreeMap<String, String>,
}

/// The child of a step, in the namespace of its run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChildRef {
    /// Its kind: ProcessingJob, or ModelVersion for a `register` step.
    #[schemars(length(max = 63))]
    pub kind: String,
    /// Its name.
    #[schemars(length(max = 253))]
    pub name: String,
}

/// Where a run stands, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RunPhase {
    /// Not started: waiting for its pipeline or its data.
    #[default]
    Pending,
    /// At least one step runs or may start.
    Running,
    /// Every step succeeded or was skipped.
    Succeeded,
    /// A step failed, or the run cannot start.
    Failed,
    /// A word of a newer Millrace.
    #[serde(other)]
    Unknown,
}
crate::schema::plain_text!(RunPhase);

/// Where a step stands, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StepPhase {
    /// Waiting for the steps it needs.
    #[default]
    Pending,
    /// Its child exists.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended, and will not be tried again.
    Failed,
    /// Not run: its condition was false, or a step it needs did not succeed.
    Skipped,
    /// A word of a newer Millrace.
    #[serde(other)]
    Unknown,
}
crate::schema::plain_text!(StepPhase);
