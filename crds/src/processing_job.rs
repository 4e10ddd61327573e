//! `ProcessingJob`: one application with attempts, retries and deadlines.
//!
//! The spec is [`JobSpec`], flattened; the status is the log of attempts.
//! Never record here what can be read from a pod, its uid apart.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::conditions::{Condition, has_conditions, unseen};
pub use crate::flink_state::{FlinkAttempt, JobState, PointKind, Purpose, RestorePoint, Trigger};
use crate::job::{ENGINES, JobSpec};
use crate::scalar::Quantity;
use crate::schema;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// One Spark, Flink or container application with attempts, retries and deadlines.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "millrace.dev",
    version = "v1alpha1",
    kind = "ProcessingJob",
    plural = "processingjobs",
    shortname = "pj",
    category = "millrace",
    namespaced,
    status = "ProcessingJobStatus",
    derive = "PartialEq",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Attempt", type_ = "integer", json_path = ".status.attempt.number"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(
        name = "Succeeded",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Succeeded\")].reason"
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
#[schemars(extend("x-kubernetes-validations" = [schema::exactly_one(&ENGINES)]))]
pub struct ProcessingJobSpec {
    /// The application and how it is to be run.
    #[serde(flatten)]
    pub job: JobSpec,
}

/// Where the job stands. Conditions: Succeeded, DataReady; Healthy and Degraded of a streaming job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessingJobStatus {
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
    pub phase: Option<JobPhase>,
    /// Number of the run, from 1; a changed spec or a request starts the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_number: Option<i64>,
    /// Hash of the user's spec this run executes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub spec_hash: Option<String>,
    /// The last value of the annotation `millrace.dev/run-requested` that started a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_run_request: Option<String>,
    /// A value of the annotation whose run could not begin yet; it counts although the annotation may be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub pending_run_request: Option<String>,
    /// True once the first pod of this run was seen: what Ready waits for when `readyWhen` is Submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted: Option<bool>,
    /// The present attempt, or the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
    /// The newest finished attempts, newest first, at most 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(5))]
    pub last_attempts: Vec<AttemptRecord>,
    /// Failures of this run that count against `retry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<FailureCounts>,
    /// When the next attempt starts, while it is waiting for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Time>,
    /// What the successful attempt wrote to its termination log: one flat JSON object of scalars.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = schema::any_map(1_024))]
    pub results: BTreeMap<String, Value>,
    /// Numbers among the results that do not read back as the program wrote them, as it did: `1.0`, or more digits than 64
    /// bits hold. What `$(steps.NAME.results.KEY)` becomes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = schema::map(1_024, 3_072))]
    pub result_texts: BTreeMap<String, String>,
    /// When this run started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When this run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// The engine's own page inside the cluster, while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub url: Option<String>,
    /// The state of a Flink job: what it can be restored from, and from where it will be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<JobState>,
    /// Fields of a newer Millrace, kept as they are.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}
has_conditions!(ProcessingJobStatus);

/// An attempt. Written before its objects are created, so that a crash repeats the same names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Number within the run, from 1.
    pub number: i64,
    /// Name its objects are derived from.
    #[schemars(length(max = 63))]
    pub name: String,
    /// The engine it began with, which it keeps when the spec turns to another: the name of the field of the spec.
    /// Absent in attempts that an older operator began; the names of their objects tell it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub engine: Option<String>,
    /// Name of its driver or main pod, for `kubectl logs`; what it is stays true when the spec turns to another engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub pod: Option<String>,
    /// Hash of the spec it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub spec_hash: Option<String>,
    /// When it was decided; the start deadline counts from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,
    /// Uid of its driver or main pod, stored with the write that first saw it.
    /// Stored and gone = lost; not stored = create the same name again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub pod_uid: Option<String>,
    /// How many pods it has; absent means one. The first is `pod`, the others end in `-rank1`, `-rank2` and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// As `podUid`, of the pods from rank 1 on: the first eight characters of each uid, empty while not seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(63, 8))]
    pub ranks: Vec<String>,
    /// What ended it, while its other pods are still being stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Memory it asks for, when earlier attempts have shown that the spec's is too little (`retry.onOutOfMemory`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Quantity>,
    /// As `memory`, for each of Spark's executors, each of Flink's TaskManagers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_memory: Option<Quantity>,
    /// When its first container ran; the run deadline counts from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// Since when it runs without any of its executors or TaskManagers; the workers deadline counts from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers_missing_since: Option<Time>,
    /// Why it is being stopped: Suspended, SpecChanged, RunDeadline, Failed, Deleted; for Flink also NotHealthy,
    /// Unreachable, JobGone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<StopReason>,
    /// When stopping began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopping_at: Option<Time>,
    /// Name of its DataGrant, when it reads or writes data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub grant: Option<String>,
    /// What only a Flink attempt has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flink: Option<FlinkAttempt>,
    /// Fields of a newer Millrace, kept as they are.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// Why a live attempt is asked to stop: stored before anything of it is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopReason {
    /// `spec.suspend` is true.
    Suspended,
    /// The spec makes another application of it.
    SpecChanged,
    /// It has run longer than `deadlines.run`.
    RunDeadline,
    /// One of its pods has failed; its verdict is stored.
    Failed,
    /// The job is being deleted.
    Deleted,
    /// Its spec did not become healthy in time.
    NotHealthy,
    /// The application does not answer.
    Unreachable,
    /// The engine does not know the application any more.
    JobGone,
    /// A word of a newer Millrace.
    #[serde(other)]
    Unknown,
}
crate::schema::plain_text!(StopReason);

/// What ended an attempt of which something still runs; its record is written when nothing does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<FailureClass>,
    /// What happened, with the last log lines.
    #[schemars(length(max = 4_096))]
    pub message: String,
    /// Exit code of the container that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
}

/// A finished attempt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptRecord {
    /// Number of the run it belongs to.
    pub run: i64,
    /// Number within the run.
    pub number: i64,
    /// Its name.
    #[schemars(length(max = 63))]
    pub name: String,
    /// How it ended.
    pub result: AttemptResult,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<FailureClass>,
    /// What happened, with the last log lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4_096))]
    pub message: Option<String>,
    /// The field of the spec whose memory was too little, when it ran out of it, for example `spark.executors.memory`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub out_of_memory_field: Option<String>,
    /// Exit code of the main container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// When its first container ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// Fields of a newer Millrace, kept as they are.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// Failures that count against `retry`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureCounts {
    /// Of the application.
    #[serde(default)]
    pub application: i32,
    /// Of everything around it.
    #[serde(default)]
    pub infrastructure: i32,
    /// Fields of a newer Millrace, kept as they are.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// Where a job stands, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum JobPhase {
    /// Not started; waiting for its data or for admission.
    #[default]
    Pending,
    /// Its pod exists and does not run yet.
    Starting,
    /// It runs.
    Running,
    /// Waiting for the next attempt.
    Retrying,
    /// Being stopped.
    Stopping,
    /// Stopped on request.
    Suspended,
    /// Ended well.
    Succeeded,
    /// Ended, and will not be tried again.
    Failed,
    /// A word of a newer Millrace.
    #[serde(other)]
    Unknown,
}
crate::schema::plain_text!(JobPhase);

/// How an attempt ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AttemptResult {
    /// Exit code 0 and valid results.
    #[default]
    Succeeded,
    /// Anything else, see the class.
    Failed,
    /// Stopped on request: suspended, or replaced by a new run.
    Stopped,
    /// A word of a newer Millrace.
    #[serde(other)]
    Unknown,
}
crate::schema::plain_text!(AttemptResult);

/// Why an attempt failed; decides whether it is repeated and on whose account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FailureClass {
    /// Cannot work as written: a missing Secret or key, a refused pod, invalid results. Not repeated.
    Configuration,
    /// The image cannot be pulled.
    Image,
    /// No room within the start deadline.
    Capacity,
    /// Kafka, the store or the registry is away.
    Dependency,
    /// The program failed.
    #[default]
    Application,
    /// The kernel or the JVM ran out of memory.
    OutOfMemory,
    /// Eviction, preemption, a lost node.
    Infrastructure,
    /// The driver or main pod is gone.
    DriverLost,
    /// The run deadline passed.
    Deadline,
    /// Stopped on request.
    Cancelled,
    /// A word of a newer Millrace.
    #[serde(other)]
    Unknown,
}
crate::schema::plain_text!(FailureClass);
