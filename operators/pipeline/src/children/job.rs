//! The ProcessingJob of a step.

use millrace_crds::{JobSpec, MLPipelineRun, ProcessingJob, ProcessingJobSpec};

use super::step_meta;

/// The job of `step`; its references are substituted already.
#[must_use]
pub fn build(run: &MLPipelineRun, step: &str, job: JobSpec) -> ProcessingJob {
    ProcessingJob { metadata: step_meta(run, step), spec: ProcessingJobSpec { job }, status: None }
}
