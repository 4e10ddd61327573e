//! `spark`, `flink`, `container`: a step that runs a ProcessingJob.

use millrace_crds::{
    JobSpec, MLPipelineRun, ProcessingJob, ProcessingJobSpec, Reason, ReasonText, job::ENGINES,
    processing_job::JobPhase, well_known::GROUP,
};
use millrace_kit::{Child, Failure, Key, Kind, Reader, Watch, access::Access, async_trait, refs};

use super::{
    child_state::{Cause, ChildPhase, ChildState, Progress, Results, condition, waiting},
    verb::{Request, Verb},
};
use crate::{children, rights::MAKE, spec::fill::filled};

/// Runs a ProcessingJob.
#[derive(Clone, Copy, Debug)]
pub struct Job;

#[async_trait]
impl Verb for Job {
    fn fields(&self) -> &'static [&'static str] {
        &ENGINES
    }

    fn kind(&self) -> Kind {
        Kind::of::<ProcessingJob>()
    }

    fn child(&self, request: &Request<'_>) -> Result<Child, Cause> {
        let job = filled(&request.step.job, request.scope, refs::Reader::of);
        let mut job: JobSpec = job.map_err(|missing| Cause::new(Reason::ResultMissing, missing))?;
        job.data_plane = job.data_plane.or_else(|| request.data_plane.map(str::to_owned));
        let metadata = children::step_meta(request.run, &request.step.name);
        let job = ProcessingJob { metadata, spec: ProcessingJobSpec { job }, status: None };
        Ok(Child::of(request.run, &job))
    }

    fn children(&self, owner_uid: &str, reader: &Reader) -> Vec<ChildState> {
        reader.cache.owned::<ProcessingJob>(owner_uid).iter().map(|job| state(job)).collect()
    }

    async fn live(&self, key: &Key, owner_uid: &str, reader: &Reader) -> Result<Option<ChildState>, Failure> {
        Ok(reader.live_child::<ProcessingJob>(key, owner_uid).await?.map(|job| state(&job)))
    }

    /// A job is kept without its spec: a run with many steps would hold each a second time, beside its revision.
    fn watch(&self) -> Watch {
        Watch::child::<MLPipelineRun, ProcessingJob>("steps that run jobs")
            .labels(children::OF_RUNS)
            .stored_as(slim, |_| Vec::new())
    }

    fn access(&self) -> &'static [Access] {
        const ACCESS: &[Access] =
            &[Access::cluster(GROUP, "processingjobs", MAKE, "run steps; stop those of a run whose pipeline is gone")];
        ACCESS
    }
}

/// Drops what [`state`] does not read.
fn slim(job: &mut ProcessingJob) {
    job.spec = ProcessingJobSpec::default();
}

/// A job as its run sees it. A job of which a new run is asked for counts by that run: a step goes with the run of its job
/// that it sees the end of.
#[must_use]
pub fn state(job: &ProcessingJob) -> ChildState {
    let status = job.status.as_ref();
    ChildState {
        attempt: status.and_then(|s| s.attempt.as_ref()).map(|a| a.number),
        finished_at: status.and_then(|s| s.finished_at.clone()),
        ..ChildState::of(job, phase(job))
    }
}

fn phase(job: &ProcessingJob) -> ChildPhase {
    let Some(status) = &job.status else { return ChildPhase::default() };
    if status.observed_generation != job.metadata.generation.unwrap_or(0) {
        return ChildPhase::default();
    }
    if condition(status, "Succeeded", "True").is_some() {
        return ChildPhase::Succeeded(Results { values: status.results.clone(), texts: status.result_texts.clone() });
    }
    if let Some(failed) = condition(status, "Succeeded", "False") {
        let class = status.last_attempts.first().and_then(|a| a.class);
        let reason = class.map_or_else(|| ReasonText::as_given(&failed.reason), |class| Reason::from(class).into());
        return ChildPhase::Failed(Cause::new(reason, &failed.message));
    }
    match waiting(status) {
        // What runs is left to run, whatever else its job needs.
        ChildPhase::Running(progress) if status.phase == Some(JobPhase::Running) => {
            ChildPhase::Running(Progress { stalled_since: None, ..progress })
        }
        other => other,
    }
}
