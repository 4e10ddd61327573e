//! The API types of Millrace: nine kinds of the group `millrace.dev`, version `v1alpha1`.
//!
//! Wire types only: structs of `Option` fields and lists, with the limits and CEL rules the API server enforces.
//! What CEL cannot say (cycles, unknown references, name clashes) belongs to the operators' `model.rs`.
//! Never put here: a client, a runtime, or a decision.

#![allow(clippy::duplicated_attributes, reason = "kube's printer columns repeat `type_`")]

pub mod common;
pub mod conditions;
pub mod data_bucket;
pub mod data_grant;
pub mod data_plane;
pub mod data_topic;
pub mod engines;
pub mod job;
pub mod manifests;
pub mod ml_pipeline;
pub mod ml_pipeline_run;
pub mod model_registry;
pub mod model_version;
pub mod pod;
pub mod processing_job;
pub mod reasons;
pub mod scalar;
pub mod schema;
pub mod status;
pub mod step;

mod flink_state;
mod quantity;
mod reason_text;
mod structural;
pub mod well_known;

pub use common::{Access, NamespaceSelector, SecretKeyRef, SecretRef, Share};
pub use conditions::HasConditions;
pub use data_bucket::{DataBucket, DataBucketSpec, DataBucketStatus};
pub use data_grant::{DataGrant, DataGrantSpec, DataGrantStatus};
pub use data_plane::{DataPlane, DataPlaneSpec, DataPlaneStatus};
pub use data_topic::{DataTopic, DataTopicSpec, DataTopicStatus};
pub use engines::{ContainerSpec, FlinkSpec, SparkSpec};
pub use job::JobSpec;
pub use ml_pipeline::{MLPipeline, MLPipelineSpec, MLPipelineStatus};
pub use ml_pipeline_run::{MLPipelineRun, MLPipelineRunSpec, MLPipelineRunStatus};
pub use model_registry::{ModelRegistry, ModelRegistrySpec, ModelRegistryStatus};
pub use model_version::{ModelVersion, ModelVersionSpec, ModelVersionStatus};
pub use processing_job::{ProcessingJob, ProcessingJobSpec, ProcessingJobStatus};
pub use reason_text::ReasonText;
pub use reasons::Reason;
pub use scalar::{Duration, Quantity};
pub use step::{RegisterSpec, StepSpec};
