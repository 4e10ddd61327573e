//! What starts runs: the trait that one file each implements.

use std::fmt;

use jiff::Timestamp;
use millrace_crds::{MLPipeline, MLPipelineStatus};

/// When a trigger starts a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Now, for the event of this identity: it starts one run, however often it is due.
    Now(String),
    /// Not before this time.
    At(Timestamp),
    /// Only after something has changed.
    Never,
}

/// What starts runs of a pipeline. A run's name follows from the trigger and the event, so an event starts one run over
/// crashes and restarts; the status remembers it once the run exists, and from then on the run may be deleted without
/// coming back.
pub trait Trigger: fmt::Debug + Send + Sync {
    /// Its name in `spec.trigger` of the runs it starts.
    fn name(&self) -> &'static str;

    /// What goes into the names of its runs beside the event. Never changes: a new word would start old events again.
    fn salt(&self) -> &'static str;

    /// When it starts the next run.
    fn due(&self, pipeline: &MLPipeline, now: Timestamp) -> Due;

    /// Remembers that the run of this event exists.
    fn started(&self, status: &mut MLPipelineStatus, event: &str);

    /// Remembers an event whose run cannot be made now, so that it counts although its cause may be gone.
    fn delayed(&self, _status: &mut MLPipelineStatus, _event: &str) {}
}
