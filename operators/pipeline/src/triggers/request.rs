//! The annotation `millrace.dev/run-requested`: each new value starts a run.
//!
//! The run is made as soon as it is asked for; what it then has to wait for is the run's to say. A request that cannot be
//! answered at once is stored, so that it counts when its annotation is gone.

use jiff::Timestamp;
use millrace_crds::{MLPipeline, MLPipelineStatus, well_known::ANNOTATION_RUN_REQUESTED};
use millrace_kit::conditions;

use super::trigger::{Due, Trigger};

/// Longest value a status keeps, in bytes; the schema says the same.
const MAX_VALUE: usize = 256;

/// Starts a run for each new value of the annotation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request;

impl Trigger for Request {
    fn name(&self) -> &'static str {
        "Annotation"
    }

    fn salt(&self) -> &'static str {
        "run-requested"
    }

    /// A request that was seen and could not be answered comes before the annotation's value.
    fn due(&self, pipeline: &MLPipeline, _: Timestamp) -> Due {
        let status = pipeline.status.clone().unwrap_or_default();
        let value = pipeline.metadata.annotations.as_ref().and_then(|all| all.get(ANNOTATION_RUN_REQUESTED));
        let value = value.map(|v| conditions::cut(v, MAX_VALUE).to_owned()).filter(|v| !v.is_empty());
        let new = value.filter(|v| status.last_handled_run_request.as_ref() != Some(v));
        status.pending_run_request.or(new).map_or(Due::Never, Due::Now)
    }

    fn started(&self, status: &mut MLPipelineStatus, event: &str) {
        status.last_handled_run_request = Some(event.to_owned());
        status.pending_run_request = None;
    }

    fn delayed(&self, status: &mut MLPipelineStatus, event: &str) {
        status.pending_run_request = Some(event.to_owned());
    }
}
