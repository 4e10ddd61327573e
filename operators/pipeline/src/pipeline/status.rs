//! How a pipeline is told.

use jiff::Timestamp;
use millrace_crds::{MLPipeline, MLPipelineStatus, Reason};
use millrace_kit::{Standing, conditions};

use super::data::Data;

/// The condition of the data.
pub(super) fn data(status: &mut MLPipelineStatus, data: &Data, now: Timestamp) {
    let (flag, reason, message) = match data {
        Data::Ready => ("True", Reason::DataReady, "every bucket and topic is there"),
        Data::Waiting(reason, message) | Data::Stalled(reason, message) => ("False", *reason, message.as_str()),
    };
    conditions::set(status, "DataReady", (flag, reason, message), now);
}

/// A pipeline that can run.
pub(super) fn ready(pipeline: &MLPipeline) -> Standing {
    let steps = pipeline.spec.steps.len();
    let steps = if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") };
    if pipeline.spec.suspend == Some(true) {
        return Standing::ready(Reason::Suspended, format!("{steps}; no new run starts while spec.suspend is true"));
    }
    Standing::ready(Reason::Ready, format!("{steps}, ready to run"))
}
