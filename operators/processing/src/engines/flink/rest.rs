//! Flink's REST API as the operator sees it: a small port, what one look brings back, and the calls that change something.
//!
//! Implemented by the adapter ([`http`]) and by the simulated Flink of the tests. Never decides anything: an API that does
//! not answer is data.

pub mod http;
mod wire;

use std::collections::BTreeMap;

use jiff::Timestamp;
use millrace_kit::{Effect, Failure, async_trait};
use serde::{Deserialize, Serialize};

/// What is asked of a JobManager.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// `http://host:port`.
    pub url: String,
    /// Flink's id of the job.
    pub job: String,
    /// Whether it keeps state, so that its checkpoints matter.
    pub state: bool,
    /// The savepoint that was asked for last.
    pub trigger: Option<String>,
    /// Whether its parallelism may be changed, so that its vertices matter.
    pub vertices: bool,
}

/// One look at a JobManager.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FlinkView {
    /// Why it did not answer, and since when; all else is empty then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub away: Option<Away>,
    /// Our job; absent if it does not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<JobView>,
    /// The newest trouble of the job: its root cause first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
    /// The newest checkpoint that this attempt completed and that is still there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<PointView>,
    /// The newest savepoint that this attempt completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub savepoint: Option<PointView>,
    /// What became of the savepoint asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<TriggerView>,
    /// The vertices of its graph, if they were asked for and Flink has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vertices: Vec<VertexView>,
}

/// An API that does not answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Away {
    /// Why.
    pub why: String,
    /// Since when, as far as this process knows.
    pub since: Option<Timestamp>,
}

/// A job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobView {
    /// `CREATED`, `RUNNING`, `RESTARTING`, `FINISHED`, …
    pub state: String,
    /// All its tasks.
    pub tasks: i64,
    /// Those that run.
    pub running: i64,
    /// Those that are done.
    pub finished: i64,
}

impl JobView {
    /// Whether it has ended for good.
    #[must_use]
    pub fn over(&self) -> bool {
        matches!(self.state.as_str(), "FINISHED" | "FAILED" | "CANCELED")
    }
}

/// A vertex of a job's graph.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VertexView {
    /// Flink's id of it.
    pub id: String,
    /// The fewest tasks it may run with, and the most that were asked for.
    pub bounds: (i32, i32),
    /// The tasks it has at present.
    pub tasks: i32,
    /// The most it can ever have.
    pub limit: i32,
}

/// A checkpoint or savepoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PointView {
    /// Where it lies.
    pub path: String,
    /// When it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Its size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Whether the job stopped with it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub last: bool,
}

/// What became of a savepoint that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TriggerView {
    /// Flink does not know it: not asked for yet, or forgotten.
    Unknown,
    /// On its way.
    Running,
    /// Done, and where it lies.
    Done {
        /// Where.
        path: String,
    },
    /// There is none.
    Failed {
        /// Why.
        problem: String,
    },
}

/// What is asked of Flink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FlinkCall {
    /// Take a savepoint under an id of ours, and stop with it if `stop`. Repeated, it is the same savepoint.
    Savepoint {
        /// `http://host:port`.
        url: String,
        /// Flink's id of the job.
        job: String,
        /// The id.
        trigger: String,
        /// The folder it goes to.
        target: String,
        /// Whether the job ends with it.
        stop: bool,
    },
    /// Run each vertex with so many tasks, at least and at most; all of them are named. Repeated, it changes nothing.
    Rescale {
        /// `http://host:port`.
        url: String,
        /// Flink's id of the job.
        job: String,
        /// By vertex.
        bounds: BTreeMap<String, (i32, i32)>,
    },
    /// Delete a savepoint.
    Dispose {
        /// `http://host:port` of any JobManager that may write there.
        url: String,
        /// Which one.
        path: String,
    },
}

impl Effect for FlinkCall {
    fn id(&self) -> String {
        match self {
            Self::Savepoint { trigger, stop: true, .. } => format!("stop with savepoint {trigger}"),
            Self::Savepoint { trigger, .. } => format!("savepoint {trigger}"),
            Self::Rescale { job, .. } => rescale_id(job),
            Self::Dispose { path, .. } => format!("dispose of {path}"),
        }
    }
}

/// The effect's id of a change of parallelism.
pub(crate) fn rescale_id(job: &str) -> String {
    format!("rescale {job}")
}

/// The calls the operator makes. Each ends within seconds.
#[async_trait]
pub trait Flink: Send + Sync {
    /// One look.
    ///
    /// # Errors
    /// Why there is no usable answer.
    async fn look(&self, question: &Question) -> Result<FlinkView, String>;

    /// One call; done means taken, not finished.
    ///
    /// # Errors
    /// Flink's refusal, or that it is away.
    async fn call(&self, call: &FlinkCall) -> Result<(), Failure>;
}
