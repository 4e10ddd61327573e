//! The section `spark`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PullPolicy;
use crate::scalar::{self, Quantity};
use crate::schema;

/// Where a program may lie.
const URI: &str = "^((local|s3a|https?)://|[$][(]bucket[.][^)]+[)]/).+$";
/// Where one of a list of files may lie; a comma would divide it.
const FILES: &str = "^((local|s3a|https?)://|[$][(]bucket[.][^)]+[)]/)[^,]+$";

/// A Spark application: a driver pod that asks for its executors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::rule("!has(self.conf) || self.conf.all(k, k != 'spark.master' && k != 'spark.driver.host' && !k.startsWith('spark.kubernetes.'))", "conf may not set spark.master, spark.driver.host or spark.kubernetes.*: Millrace sets them; use driver, executors, pod and env"),
    schema::rule("has(self.main) != has(self.sql)", "give exactly one of main, sql"),
    schema::rule("!has(self.class) || (has(self.main) && self.main.endsWith('.jar'))", "class belongs to a .jar; leave it out for a .py or sql"),
    schema::rule("has(self.checkpoint) == (has(self.mode) && self.mode == 'Streaming')", "mode Streaming and checkpoint belong together"),
    schema::rule("!has(self.sql) || !has(self.mode) || self.mode != 'Streaming'", "sql runs to its end; mode Streaming needs main"),
    schema::rule("has(self.main) || !has(self.args) || self.args.size() == 0", "args belong to main; write values into the sql itself")
]))]
pub struct SparkSpec {
    /// Image of driver and executors, with Spark's own entrypoint.
    #[schemars(length(min = 1, max = 512), transform = schema::text(512).templated())]
    pub image: String,
    /// When to pull it. Default: IfNotPresent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<PullPolicy>,
    /// The application: `local:///path` in the image, or `$(bucket.NAME)/…` under `reads`. `.py` or `.jar`.
    /// Exactly one of `main`, `sql`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), transform = schema::text(512).pattern(URI).templated())]
    pub main: Option<String>,
    /// SQL in place of a program: statements divided by `;`, run in order by Spark's own `spark-sql` until one fails.
    /// Rows they return go to the log. Needs an image with Spark's Hive Thrift server jars, as the official ones have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16_384), transform = schema::text(16_384).templated())]
    pub sql: Option<String>,
    /// Main class of a `.jar`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub class: Option<String>,
    /// Arguments of the application.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(64, 1_024).templated())]
    pub args: Vec<String>,
    /// Whether the application ends by itself. Default: Batch. Streaming is ready while it runs, is not held against a
    /// drain of its node, and goes on from its checkpoint in every attempt and run. A `.py` is stopped between two
    /// batches; a `.jar` at once, and repeats the batch it was at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<SparkMode>,
    /// Where a streaming application keeps its progress: `bucket/NAME/prefix/`, or `bucket/NAME` for `spark/JOB/` in it;
    /// implies `writes` of it. It becomes `spark.sql.streaming.checkpointLocation`, where each query that has a name
    /// (`queryName`) finds its own; the URI is also in the variable `MILLRACE_CHECKPOINT`. Nothing is ever deleted there:
    /// another prefix starts anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), transform = schema::text(256).pattern(schema::PRINTED).checked(schema::PLACE, schema::PLACE_HINT).templated())]
    pub checkpoint: Option<String>,
    /// Maven coordinates `group:artifact:version`, fetched with all they need by the driver before the program starts, and
    /// by nobody else; needs a way to a repository. For Kafka topics: `org.apache.spark:spark-sql-kafka-0-10_2.13:` and the
    /// version of Spark in the image; addresses are in the variables `KAFKA_BOOTSTRAP_SERVERS` and `TOPIC_<NAME>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(32, 256).pattern("^[^:, ]+:[^:, ]+:[^:, ]+$").set())]
    pub packages: Vec<String>,
    /// Jars for driver and executors: `local:///path` in the image, `$(bucket.NAME)/…` under `reads`, or `https://…`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(32, 512).pattern(FILES).templated())]
    pub jars: Vec<String>,
    /// `.py`, `.zip` or `.egg` files that Python may import, from where jars come from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(32, 512).pattern(FILES).templated())]
    pub py_files: Vec<String>,
    /// Spark properties. `spark.master`, `spark.driver.host` and `spark.kubernetes.*` are set by Millrace.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = schema::map(64, 1_024).templated())]
    pub conf: BTreeMap<String, String>,
    /// Size of the driver. Default: 500m, 1Gi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<DriverSpec>,
    /// Number and size of the executors. Default: 1 of 500m, 1Gi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executors: Option<ExecutorsSpec>,
    /// Where Spark's event log goes, for its History Server: `bucket/NAME[/prefix/]`; implies `writes` of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), transform = schema::text(256).pattern(schema::PRINTED).checked(schema::PLACE, schema::PLACE_HINT).templated())]
    pub event_log: Option<String>,
}

/// Whether an application ends by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum SparkMode {
    /// It does.
    #[default]
    Batch,
    /// Structured Streaming: it runs until it is stopped.
    Streaming,
}

/// The driver.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriverSpec {
    /// CPU request. Default: 500m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = scalar::cores())]
    pub cpu: Option<Quantity>,
    /// Memory request and limit, all of it: heap and overhead are taken from it. Default: 1Gi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = scalar::bytes())]
    pub memory: Option<Quantity>,
}

/// The executors: a fixed `count`, or between `min` and `max` as the work needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::rule("!has(self.count) || !(has(self.min) || has(self.max))", "give either count, or min and max"),
    schema::rule("has(self.min) == has(self.max)", "min and max belong together"),
    schema::rule("!has(self.min) || !has(self.max) || self.min <= self.max", "min is more than max")
]))]
pub struct ExecutorsSpec {
    /// How many. Default: 1. 0 lets the driver run the tasks itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000))]
    pub count: Option<i32>,
    /// The fewest, when their number follows the work; also how many there are at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000))]
    pub min: Option<i32>,
    /// The most. One that was idle for a minute goes, one that holds shuffle data after ten
    /// (`spark.dynamicAllocation.executorIdleTimeout` and `….shuffleTracking.timeout` in `conf`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000))]
    pub max: Option<i32>,
    /// CPU request of each. Default: 500m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = scalar::cores())]
    pub cpu: Option<Quantity>,
    /// Memory request and limit of each, all of it: heap and overhead are taken from it. Default: 1Gi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = scalar::bytes())]
    pub memory: Option<Quantity>,
}
