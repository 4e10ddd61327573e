//! The engines there are, and which of them a spec or an attempt belongs to.

pub(crate) mod container;
pub(crate) mod flink;
pub(crate) mod spark;

use millrace_crds::{JobSpec, ProcessingJob, ProcessingJobStatus, processing_job::Attempt};
use millrace_kit::{Failure, Kind, Reader};

use crate::{
    engine::{Engine, EngineCall},
    model::Work,
    seen::Observed,
};
use flink::client::FlinkClient;

/// All of them.
pub(crate) const ALL: [&dyn Engine; 3] = [&spark::Spark, &flink::Flink, &container::Container];

/// What is judged as a pod: a spec without an engine, an attempt of one that this version does not know.
const OTHERWISE: &dyn Engine = &container::Container;

/// Those whose section the spec has; a valid spec has one.
pub(crate) fn given(spec: &JobSpec) -> impl Iterator<Item = &'static dyn Engine> {
    ALL.into_iter().filter(|engine| engine.given(spec))
}

/// The engine of a spec.
pub(crate) fn of_spec(spec: &JobSpec) -> &'static dyn Engine {
    given(spec).next().unwrap_or(OTHERWISE)
}

/// The engine of what is to run.
pub(crate) fn of_work(work: &Work) -> &'static dyn Engine {
    named(work.section.engine()).unwrap_or(OTHERWISE)
}

/// The engine of an attempt: the stored one, never that of the spec, which may have turned to another. An attempt of
/// an older Millrace has none stored and is known by what is.
pub(crate) fn of(attempt: &Attempt) -> &'static dyn Engine {
    let known = match attempt.engine.as_deref() {
        Some(stored) => named(stored),
        None => ALL.into_iter().find(|engine| engine.began(attempt)),
    };
    known.unwrap_or(OTHERWISE)
}

fn named(name: &str) -> Option<&'static dyn Engine> {
    ALL.into_iter().find(|engine| engine.name() == name)
}

/// The kind of workload of this name that one of them makes.
pub(crate) fn workload(kind: &str) -> Option<Kind> {
    ALL.iter().map(|engine| engine.workload_kind()).find(|known| known.kind == kind)
}

/// Whether something of the job has to be undone before it may be forgotten.
pub(crate) fn hold(status: &ProcessingJobStatus) -> bool {
    ALL.iter().any(|engine| engine.holds(status))
}

/// The engines as this process reaches them.
#[derive(Clone, Default)]
pub(crate) struct Engines {
    /// The way to Flink, with what is known of its silence.
    flink: FlinkClient,
}

impl Engines {
    /// Those that are reached in this way.
    pub(crate) const fn new(flink: FlinkClient) -> Self {
        Self { flink }
    }

    /// Looks at what engines keep of a job beside its workload; that and the grant have been seen.
    ///
    /// # Errors
    /// The API server gave no answer. That an engine gives none is data.
    pub(crate) async fn look(
        &self,
        job: &ProcessingJob,
        live: Option<&Attempt>,
        reader: &Reader,
        seen: &mut Observed,
    ) -> Result<(), Failure> {
        flink::observe::observe(&self.flink, job, live, reader, seen).await
    }

    /// Asks for a change.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub(crate) async fn call(&self, call: &EngineCall, now: jiff::Timestamp) -> Result<(), Failure> {
        self.flink.call(call, now).await
    }
}
