//! The job specification: what a ProcessingJob and a step of a pipeline have in common, word for word.
//!
//! Flattened into both. The rule "exactly one engine" stands on each of them, never here:
//! a flattened serde enum would silently accept two engines and keep one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::SecretKeyRef;
use crate::engines::{ContainerSpec, FlinkSpec, SparkSpec};
use crate::pod::PodSubset;
use crate::scalar::{self, Duration, Quantity};
use crate::schema;

/// The fields that say what a job runs, of which it gives exactly one.
pub const ENGINES: [&str; 3] = ["spark", "flink", "container"];

/// A place, as [`schema::PLACE`], or a topic. No other rule stands for so many strings, and CEL has a budget: a regular
/// expression costs by its length, `contains` next to nothing. `${` is what Flux would empty.
const DATA: &str = r"(self.startsWith('bucket/') || self.startsWith('topic/')) && self.matches('^\\w+/[-a-z0-9]+(/|$)') && !self.matches('^t.*/.*/') && !self.contains('//') && !self.contains('/./') && !self.contains('/../') && !self.endsWith('/.') && !self.endsWith('/..') && !self.contains('${')";
const DATA_HINT: &str =
    "write bucket/NAME, bucket/NAME/prefix or topic/NAME, without empty segments, `.`, `..` and `${`";

/// One application and how it is to be run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobSpec {
    /// A Spark application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spark: Option<SparkSpec>,
    /// A Flink application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flink: Option<FlinkSpec>,
    /// One container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerSpec>,
    /// The DataPlane its data lives on. Default: the pipeline's, else `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub data_plane: Option<String>,
    /// Data it reads: `bucket/NAME[/prefix]` or `topic/NAME`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(64, 256).pattern(schema::PRINTED).checked(DATA, DATA_HINT))]
    pub reads: Vec<String>,
    /// Data it writes; implies read, list and delete under that prefix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(64, 256).pattern(schema::PRINTED).checked(DATA, DATA_HINT))]
    pub writes: Vec<String>,
    /// Environment variables of the driver, the executors, the container. Those from a Secret or ConfigMap do not reach
    /// Spark's executors, whose pods the driver makes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(64).keyed("name"))]
    pub env: Vec<EnvVar>,
    /// How failed attempts are repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetrySpec>,
    /// How long each waiting state may last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadlines: Option<Deadlines>,
    /// Stop, or do not start; the job is Ready with reason Suspended. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// What Ready waits for. Default: Submitted for batch, Healthy for streaming.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_when: Option<ReadyWhen>,
    /// When a finished job runs again. Default: OnChange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<Rerun>,
    /// Which finished pods stay until the job is deleted or runs again. Default: Always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_pods: Option<KeepPods>,
    /// Further settings of its pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodSubset>,
}

/// One environment variable: a value, or a key of a Secret or ConfigMap of this namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::rule("has(self.value) != has(self.valueFrom)", "give exactly one of value, valueFrom"),
    schema::rule(
        "!(['AWS_', 'MILLRACE_', 'BUCKET_', 'TOPIC_', 'SPARK_'].exists(p, self.name.startsWith(p)) || self.name == 'KAFKA_BOOTSTRAP_SERVERS')",
        "AWS_*, BUCKET_*, TOPIC_*, SPARK_*, MILLRACE_* and KAFKA_BOOTSTRAP_SERVERS are set by Millrace: choose another name"
    )
]))]
pub struct EnvVar {
    /// Name of the variable.
    #[schemars(length(min = 1, max = 253), transform = schema::text(253).pattern("^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub name: String,
    /// Its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::text(1_024).templated())]
    pub value: Option<String>,
    /// Where its value comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<EnvSource>,
}

/// Where a variable's value comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [schema::rule("has(self.secretKeyRef) != has(self.configMapKeyRef)", "give exactly one of secretKeyRef, configMapKeyRef")]))]
pub struct EnvSource {
    /// A key of a Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<SecretKeyRef>,
    /// A key of a ConfigMap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_key_ref: Option<SecretKeyRef>,
}

/// How failed attempts are repeated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetrySpec {
    /// Repetitions after failures of the application (classes Application, OutOfMemory). Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub limit: Option<i32>,
    /// Repetitions after failures that are not its fault (Infrastructure, DriverLost, Dependency, Capacity). Default: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000))]
    pub infrastructure_limit: Option<i32>,
    /// The pause before an attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
    /// More memory for the attempt after one that ran out of it (class OutOfMemory): the container, Spark's driver or its
    /// executors, Flink's JobManager or its TaskManagers, as the failure says. Such a failure uses up no repetition; at the bound it is final. Default: the same memory again,
    /// on the account of `limit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_out_of_memory: Option<MemoryGrowth>,
}

/// How memory grows; a new run begins with what the spec says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemoryGrowth {
    /// By how much of what the attempt had, from `10%` to `999%`.
    #[schemars(transform = schema::text(4).pattern("^[1-9][0-9]{1,2}%$"))]
    pub grow: String,
    /// The most an attempt may ask for, for example `16Gi`.
    #[schemars(transform = scalar::bytes())]
    pub max: Quantity,
}

/// The pause before an attempt: doubles each time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backoff {
    /// The first pause. Default: 10s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial: Option<Duration>,
    /// The longest pause. Default: 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Duration>,
    /// An attempt that ran at least this long before it failed clears the failures counted before it, and with them the
    /// pause: for jobs that have no end of their own. Default: failures are never forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_after: Option<Duration>,
}

/// How long each waiting state may last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deadlines {
    /// From an attempt's creation to its first running container: capacity, image, data. Default: 15m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Duration>,
    /// From an attempt's first running container to its end. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Duration>,
    /// From the request to stop to the kill; the pods' grace period. Default: 30s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Duration>,
    /// How long the application may run without any of the executors or TaskManagers it has requested. Default: as `start`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<Duration>,
}

/// What a job's Ready condition waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ReadyWhen {
    /// The first pod of this generation was seen; stays True through retries and failure.
    #[default]
    Submitted,
    /// It runs, and checkpoints if it streams.
    Healthy,
    /// It ended well.
    Completed,
}

/// When a finished job runs again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Rerun {
    /// When its spec changes, and on request by the annotation `millrace.dev/run-requested`.
    #[default]
    OnChange,
    /// Only on request by the annotation `millrace.dev/run-requested`.
    OnRequest,
}

/// Which finished pods stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum KeepPods {
    /// All of them.
    #[default]
    Always,
    /// Those of failed attempts.
    OnFailure,
    /// None.
    Never,
}
