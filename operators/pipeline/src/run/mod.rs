//! MLPipelineRun: one execution of a frozen pipeline, step by step.
//!
//! `start` says whether it can begin, `steps` moves each step, `status` tells it. A finished run is never touched
//! again, and what a finished step returned is never asked for again.

mod child;
mod decide;
mod observe;
mod start;
mod status;
mod steps;
mod values;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ControllerRevision;
use millrace_crds::{MLPipeline, MLPipelineRun, MLPipelineRunStatus, ModelVersion, ProcessingJob};
use millrace_kit::{
    DecisionOf, Failure, Hands, Key, NoEffect, Note, Operator, Reader, Seen, Watch, async_trait,
    events::condition_notes,
};

use crate::{children, pipeline};

pub use observe::{Around, Frozen, PipelineSeen};

/// The operator of MLPipelineRun.
#[derive(Clone, Copy, Debug, Default)]
pub struct Runs;

/// Index word of the runs of a pipeline that have not frozen it yet.
fn waiting(namespace: &str, pipeline: &str) -> String {
    format!("waiting/{namespace}/{pipeline}")
}

/// Index word of the unfinished runs of a revision.
fn executing(namespace: &str, revision: &str) -> String {
    format!("revision/{namespace}/{revision}")
}

/// Index words of a run.
pub(crate) fn words(run: &MLPipelineRun) -> Vec<String> {
    let namespace = run.metadata.namespace.as_deref().unwrap_or_default();
    let mut words = vec![pipeline::runs_of(namespace, &run.spec.pipeline)];
    let status = run.status.clone().unwrap_or_default();
    match status.revision {
        _ if status.finished_at.is_some() => {}
        Some(revision) => words.push(executing(namespace, &revision)),
        None => words.push(waiting(namespace, &run.spec.pipeline)),
    }
    words
}

#[async_trait]
impl Operator for Runs {
    type Object = MLPipelineRun;
    type Observed = Around;
    type Effect = NoEffect;
    const NAME: &'static str = "run";

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::related::<MLPipeline>("a waiting run starts when its pipeline is ready", |pipeline, cache| {
                let key = Key::of(pipeline);
                let runs = cache.indexed::<MLPipelineRun>(&waiting(&key.namespace, &key.name));
                runs.iter().map(|run| Key::of(&**run)).collect()
            })
            .keep(|_: &mut MLPipeline| {}, pipeline::words),
            Watch::child::<MLPipelineRun, ProcessingJob>("steps that run jobs").labels(children::OF_RUNS),
            Watch::child::<MLPipelineRun, ModelVersion>("steps that register models").labels(children::OF_RUNS),
            Watch::related::<ControllerRevision>("what runs execute; they end when it is gone", |revision, cache| {
                let key = Key::of(revision);
                let runs = cache.indexed::<MLPipelineRun>(&executing(&key.namespace, &key.name));
                runs.iter().map(|run| Key::of(&**run)).collect()
            })
            .labels(children::OF_PIPELINES),
        ]
    }

    async fn observe(&self, run: &MLPipelineRun, reader: &Reader) -> Result<Around, Failure> {
        observe::observe(run, reader).await
    }

    fn decide(run: &MLPipelineRun, seen: &Seen<Around>, now: Timestamp) -> DecisionOf<Self> {
        decide::decide(run, seen, now)
    }

    async fn effect(&self, _: &MLPipelineRun, effect: &NoEffect, _: &Hands) -> Result<(), Failure> {
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
