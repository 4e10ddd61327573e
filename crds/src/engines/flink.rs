//! The section `flink`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PullPolicy;
use crate::scalar::{self, Duration, Quantity};
use crate::schema;

const CONF: &str = "!has(self.conf) || !self.conf.exists(k, ['kubernetes.', 'high-availability', '$internal.', 'internal.', 's3.'].exists(p, k.startsWith(p)))";
const CONF_HINT: &str = "conf may not set kubernetes.*, high-availability*, internal.*, $internal.* or s3.*: Millrace sets them; use jobManager, taskManagers, state, reads and writes";

/// A Flink application of its own: a JobManager pod that asks for its TaskManagers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::rule("has(self.main) != has(self.sql)", "give exactly one of main, sql"),
    schema::rule("has(self.main) || !(has(self.class) || has(self.args))", "class and args belong to main; a sql script has neither"),
    schema::rule(CONF, CONF_HINT),
    schema::rule("!has(self.state) || !has(self.mode) || self.mode != 'Batch'", "state belongs to mode Streaming; a batch job keeps none")
]))]
pub struct FlinkSpec {
    /// Image of JobManager and TaskManagers, with Flink under /opt/flink and its own entrypoint.
    #[schemars(length(min = 1, max = 512), transform = schema::text(512).templated())]
    pub image: String,
    /// When to pull it. Default: IfNotPresent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<PullPolicy>,
    /// Version of Flink in the image. Default: 2.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<FlinkVersion>,
    /// Whether the job ends by itself. Default: Streaming.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<FlinkMode>,
    /// The application's jar: `local:///path` in the image, or `$(bucket.NAME)/…` under `reads`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::text(512).pattern("^((local|s3|https?)://|[$][(]bucket[.][^)]+[)]/).+$").templated())]
    pub main: Option<String>,
    /// A script for Flink's SQL driver instead of a jar. More than one INSERT must stand in a statement set: of several that
    /// stream, Flink would start only the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::text(32_768).templated())]
    pub sql: Option<String>,
    /// Main class of the jar. Default: the one its manifest names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub class: Option<String>,
    /// Arguments of the application.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(64, 1_024).templated())]
    pub args: Vec<String>,
    /// Flink's own options. Millrace sets those for Kubernetes, high availability, the store and the location of state.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = schema::map(64, 1_024).templated())]
    pub conf: BTreeMap<String, String>,
    /// Tasks of each operator side by side. Default: all slots of all TaskManagers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub parallelism: Option<i32>,
    /// Size of the JobManager. Default: 500m, 1600Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_manager: Option<JobManagerSpec>,
    /// Number and size of the TaskManagers. Default: 1 of 500m, 1728Mi, with 1 slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_managers: Option<TaskManagersSpec>,
    /// Where a streaming job keeps its state, and what becomes of it. Without it nothing survives an attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StateSpec>,
}

/// A version of Flink that Millrace knows how to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum FlinkVersion {
    /// Flink 2.1.
    #[default]
    #[serde(rename = "2.1")]
    V2_1,
    /// Flink 1.20.
    #[serde(rename = "1.20")]
    V1_20,
}

/// Whether a Flink job ends by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum FlinkMode {
    /// It runs until it is stopped.
    #[default]
    Streaming,
    /// It ends when its input does.
    Batch,
}

/// The JobManager.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobManagerSpec {
    /// CPU request. Default: 500m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = scalar::cores())]
    pub cpu: Option<Quantity>,
    /// Memory request and limit, all of it: heap and overhead are taken from it. Default: 1600Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = scalar::bytes())]
    pub memory: Option<Quantity>,
}

/// The TaskManagers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::rule("!has(self.count) || !(has(self.min) || has(self.max))", "give count, or min and max"),
    schema::rule("has(self.min) == has(self.max) && (!has(self.min) || self.min <= self.max)", "give min and max together, min not above max")
]))]
pub struct TaskManagersSpec {
    /// How many. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000))]
    pub count: Option<i32>,
    /// The fewest a streaming job runs with while more are not to be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000))]
    pub min: Option<i32>,
    /// The most; the job uses what it gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000))]
    pub max: Option<i32>,
    /// What an edit of `count`, `min`, `max` or `flink.parallelism` does to a running streaming job. Default: Restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rescale: Option<Rescale>,
    /// Task slots of each. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 256))]
    pub slots: Option<i32>,
    /// CPU request of each. Default: 500m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = scalar::cores())]
    pub cpu: Option<Quantity>,
    /// Memory request and limit of each, all of it: heap and overhead are taken from it. Default: 1728Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = scalar::bytes())]
    pub memory: Option<Quantity>,
}

/// How a running job comes to another number of tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Rescale {
    /// As another run, from a savepoint where it has state: whatever the program does, it does it anew.
    #[default]
    Restart,
    /// By Flink's adaptive scheduler, in the same attempt, from its newest checkpoint. Operators to which the program gave a
    /// parallelism of their own keep it, unless it is the one the attempt began with; none exceeds its maximum parallelism.
    InPlace,
}

/// A streaming job's state: where it lies, how often it is saved, and how it survives changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StateSpec {
    /// `NAME` or `NAME/prefix` of a DataBucket, for checkpoints, savepoints and the data of high availability; implies write
    /// access below it. Default prefix: `flink/` and the job's name.
    #[schemars(length(min = 1), transform = schema::text(256).pattern(r"^[a-z0-9-]+(/[^/]\P{Cc}*)?$").checked(schema::KEY, schema::KEY_HINT).templated())]
    pub bucket: String,
    /// Time from one checkpoint to the next. Default: 1m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_every: Option<Duration>,
    /// Time from one savepoint to the next. Default: none are taken but when the job is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub savepoint_every: Option<Duration>,
    /// Savepoints of `savepointEvery` that are kept. Default: 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9))]
    pub keep: Option<i32>,
    /// What a changed job starts from. Default: Savepoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<Upgrade>,
    /// `Latest`, `Empty`, or the path of a savepoint or checkpoint, which each new value is restored from once. Default:
    /// Latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::text(1_024).pattern(r"^(Latest|Empty|[a-z0-9]+://\P{Cc}+|[$][(]bucket[.]\P{Cc}+)$").checked(schema::URI, schema::URI_HINT).templated())]
    pub restore_from: Option<String>,
    /// What the deletion of the job leaves. Default: Keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_delete: Option<OnDelete>,
    /// How long a changed job may take to become healthy before the last healthy version is resumed from where it was stopped.
    /// Default: it is never put back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_after: Option<Duration>,
    /// Start although the restore point holds state of operators that are no longer there; that state is lost. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_non_restored: Option<bool>,
}

/// What a changed job starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Upgrade {
    /// A savepoint the old one is stopped with; its newest checkpoint where it cannot take one within `deadlines.stop`.
    #[default]
    Savepoint,
    /// The newest checkpoint of the old one, which is killed.
    LastState,
    /// Nothing.
    Stateless,
}

/// What the deletion of a job leaves in its state bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum OnDelete {
    /// What is there.
    #[default]
    Keep,
    /// A last savepoint, taken within `deadlines.stop`.
    Savepoint,
}
