//! MLPipelineRun: one execution of a frozen pipeline, step by step.
//!
//! `admit` says whether it can begin, `advance` moves each step, `status` reports it. A finished run is never touched
//! again, and what a finished step returned is never asked for again.

mod admit;
mod advance;
mod decide;
mod observe;
mod seen;
mod status;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ControllerRevision;
use millrace_crds::{MLPipeline, MLPipelineRun, MLPipelineRunStatus};
use millrace_kit::{
    DecisionOf, Failure, Key, NoEffect, Note, Operator, Reader, Seen, Watch, Writer, async_trait,
    events::condition_notes,
};

use crate::{children, index, verbs};

pub use seen::{Frozen, Observed, PipelineView};

/// The operator of MLPipelineRun.
#[derive(Clone, Copy, Debug, Default)]
pub struct Runs;

#[async_trait]
impl Operator for Runs {
    type Object = MLPipelineRun;
    type Observed = Observed;
    type Effect = NoEffect;
    const NAME: &'static str = "run";

    fn watches(&self) -> Vec<Watch> {
        let mut watches = vec![
            Watch::related::<MLPipeline>("a waiting run starts when its pipeline is ready", |pipeline, cache| {
                let key = Key::of(pipeline);
                let runs = cache.indexed::<MLPipelineRun>(&index::waiting(&key.namespace, &key.name));
                runs.iter().map(|run| Key::of(&**run)).collect()
            })
            .stored_as(|_: &mut MLPipeline| {}, index::of_pipeline),
            Watch::related::<ControllerRevision>("what runs execute; they end when it is gone", |revision, cache| {
                let key = Key::of(revision);
                let runs = cache.indexed::<MLPipelineRun>(&index::executing(&key.namespace, &key.name));
                runs.iter().map(|run| Key::of(&**run)).collect()
            })
            .labels(children::OF_PIPELINES),
        ];
        watches.extend(verbs::ALL.iter().map(|verb| verb.watch()));
        watches
    }

    async fn observe(&self, run: &MLPipelineRun, reader: &Reader) -> Result<Observed, Failure> {
        observe::observe(run, reader).await
    }

    fn decide(run: &MLPipelineRun, seen: &Seen<Observed>, now: Timestamp) -> DecisionOf<Self> {
        decide::decide(run, seen, now)
    }

    async fn effect(&self, _: &MLPipelineRun, effect: &NoEffect, _: &Writer) -> Result<(), Failure> {
        match *effect {}
    }

    /// Only a failure is told: the end of each job was an event already.
    fn notes(old: &MLPipelineRunStatus, new: &MLPipelineRunStatus) -> Vec<Note> {
        let mut notes = condition_notes(old, new);
        notes.retain(|note| note.warning);
        notes.dedup();
        notes
    }
}
