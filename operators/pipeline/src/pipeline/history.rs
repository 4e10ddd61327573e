//! What is kept of the past: finished runs by number, revisions as long as a run needs them.

use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::api::ObjectMeta;
use millrace_crds::{MLPipeline, MLPipelineRun, ml_pipeline_run::RunPhase};
use millrace_kit::{Action, NoEffect, Target};

use super::seen::{Observed, RunView};

/// Finished runs kept where the pipeline does not say.
const SUCCEEDED: usize = 5;
const FAILED: usize = 10;
/// Old revisions kept although no run needs them, so that a person can go back.
const REVISIONS: usize = 5;

/// Runs of one phase, newest first.
fn newest(around: &Observed, phase: RunPhase) -> Vec<&RunView> {
    let mut runs: Vec<&RunView> =
        around.runs.iter().filter(|r| r.phase == Some(phase) && r.finished_at.is_some()).collect();
    runs.sort_by(|a, b| age(b).cmp(&age(a)));
    runs
}

/// By creation; runs of one second go by name, so that the order is the same in every pass.
fn age(run: &RunView) -> (Option<jiff::Timestamp>, &str) {
    (run.created.as_ref().map(|t| t.0), &run.name)
}

/// Finished runs beyond the limits. Runs that may stand in Git are never among them: they would come back and run again.
pub(super) fn old_runs(pipeline: &MLPipeline, around: &Observed) -> Vec<Action<NoEffect>> {
    let history = pipeline.spec.history.clone().unwrap_or_default();
    let limit = |given: Option<i32>, default: usize| given.map_or(default, |n| usize::try_from(n).unwrap_or(0));
    let kept =
        [(RunPhase::Succeeded, limit(history.succeeded, SUCCEEDED)), (RunPhase::Failed, limit(history.failed, FAILED))];
    let over = kept
        .into_iter()
        .flat_map(|(phase, keep)| newest(around, phase).into_iter().filter(|r| r.ours).skip(keep).collect::<Vec<_>>());
    let metadata = |run: &RunView| meta(pipeline, &run.name, &run.uid);
    over.map(|run| MLPipelineRun { metadata: metadata(run), spec: Default::default(), status: None })
        .map(|run| Action::Delete(Target::of(&run)))
        .collect()
}

/// Revisions that no run needs, the newest few excepted. A run that has not frozen its revision may take any.
pub(super) fn old_revisions(pipeline: &MLPipeline, around: &Observed, current: &str) -> Vec<Action<NoEffect>> {
    if around.runs.iter().any(|r| r.revision.is_none() && r.finished_at.is_none()) {
        return Vec::new();
    }
    let mut spare: Vec<_> = around.revisions.iter().filter(|r| r.name != current).collect();
    spare.sort_by(|a, b| (b.number, &b.name).cmp(&(a.number, &a.name)));
    let needed = |name: &String| around.runs.iter().any(|r| r.revision.as_ref() == Some(name));
    spare
        .into_iter()
        .filter(|r| !needed(&r.name))
        .skip(REVISIONS)
        .map(|r| ControllerRevision { metadata: meta(pipeline, &r.name, &r.uid), ..ControllerRevision::default() })
        .map(|revision| Action::Delete(Target::of(&revision)))
        .collect()
}

fn meta(pipeline: &MLPipeline, name: &str, uid: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: pipeline.metadata.namespace.clone(),
        uid: Some(uid.to_owned()),
        ..ObjectMeta::default()
    }
}
