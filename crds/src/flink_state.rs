//! What the status of a ProcessingJob says of a Flink job: intents that reach into Flink, and points to restore from.
//!
//! An intent stands here before it is sent, a restore point as soon as it is known: neither can be derived later.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::schema;

/// The state of a streaming job over all its runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobState {
    /// Points it can be restored from, newest first, at most 10. A checkpoint is listed only until Flink replaces it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(10))]
    pub restore_points: Vec<RestorePoint>,
    /// What the next attempt starts from: a path, `Empty`, or `Unknown` where an attempt ended and its newest checkpoint could
    /// not be learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_024))]
    pub next_restore: Option<String>,
    /// The last value of `flink.state.restoreFrom` an attempt was started with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_024))]
    pub handled_restore_from: Option<String>,
    /// Hash of the last spec that became healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub healthy_hash: Option<String>,
    /// What the first attempt of the present spec started from, and what the last healthy spec goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_024))]
    pub upgraded_from: Option<String>,
    /// Hash of a spec that did not become healthy: while it is the object's, the last healthy one runs in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub rejected_hash: Option<String>,
    /// Ended attempts whose ConfigMaps of high availability are not proved to be gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(32, 63))]
    pub leftovers: Vec<String>,
    /// Fields of a newer Millrace, kept as they are.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// A savepoint or checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestorePoint {
    /// Where it lies.
    #[schemars(length(max = 1_024))]
    pub path: String,
    /// What it is.
    pub kind: PointKind,
    /// When it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// Its size in bytes, as Flink says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Name of the attempt that took it.
    #[schemars(length(max = 63))]
    pub attempt: String,
    /// True if it was taken because of `savepointEvery`; such savepoints are deleted when there are more than `keep`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub periodic: Option<bool>,
    /// Fields of a newer Millrace, kept as they are.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// What a restore point is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PointKind {
    /// Taken on request and kept until somebody deletes it.
    Savepoint,
    /// Taken by Flink, which replaces it by the next one.
    #[default]
    Checkpoint,
    /// A word of a newer Millrace.
    #[serde(other)]
    Unknown,
}
crate::schema::plain_text!(PointKind);

/// What only a Flink attempt has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlinkAttempt {
    /// Flink's id of the job.
    #[schemars(length(max = 32))]
    pub job_id: String,
    /// What it was started from: a path, or `Empty`. Absent where it keeps no state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_024))]
    pub restored_from: Option<String>,
    /// True if what it was started from becomes its own, and goes when newer checkpoints have replaced it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<bool>,
    /// Where it keeps its state: `bucket/NAME/prefix/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub place: Option<String>,
    /// The parallelism it began with, where that may change while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<i32>,
    /// Vertices of its graph that have a parallelism of their own, once that is known; at most 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::texts(500, 32))]
    pub pinned: Option<Vec<String>>,
    /// The savepoint that was requested last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    /// Fields of a newer Millrace, kept as they are.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// A savepoint that is asked for. Stored before it is sent, so that a repeated request is one and the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    /// The id Flink knows it by, chosen by us.
    #[schemars(length(max = 32))]
    pub id: String,
    /// What it is for.
    pub purpose: Purpose,
    /// How many were requested in this attempt, including this one.
    pub count: i64,
    /// When it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// Where it lies, once it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_024))]
    pub path: Option<String>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_024))]
    pub problem: Option<String>,
    /// Fields of a newer Millrace, kept as they are.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// What a savepoint is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// The job stops with it.
    #[default]
    Stop,
    /// The job goes on.
    Keep,
    /// A word of a newer Millrace.
    #[serde(other)]
    Unknown,
}
crate::schema::plain_text!(Purpose);
