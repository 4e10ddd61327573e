//! The engines of a job: a Spark application, a Flink application, or one container.
//!
//! Wire types: exactly one engine is set, a rule that stands on ProcessingJob and on a pipeline's step, never here.

mod container;
mod flink;
mod spark;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use container::ContainerSpec;
pub use flink::{
    FlinkMode, FlinkSpec, FlinkVersion, JobManagerSpec, OnDelete, Rescale, StateSpec, TaskManagersSpec, Upgrade,
};
pub use spark::{DriverSpec, ExecutorsSpec, SparkMode, SparkSpec};

/// When the kubelet pulls an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum PullPolicy {
    /// Unless the node has it.
    #[default]
    IfNotPresent,
    /// Every time.
    Always,
    /// Never; the node must have it.
    Never,
}
