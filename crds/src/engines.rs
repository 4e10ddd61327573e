//! The engines of a job: a Spark application, a Flink application, or one container.
//!
//! Wire types: exactly one engine is set, a rule that stands on ProcessingJob and on a pipeline's step, never here.

mod container;
mod flink;
mod image;
mod spark;

pub use container::ContainerSpec;
pub use flink::{
    FlinkMode, FlinkSpec, FlinkVersion, JobManagerSpec, OnDelete, Rescale, StateSpec, TaskManagersSpec, Upgrade,
};
pub use image::PullPolicy;
pub use spark::{DriverSpec, ExecutorsSpec, SparkMode, SparkSpec};
