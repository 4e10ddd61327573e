//! Reads what a run sees: its pipeline, its revision, the children of its steps.
//!
//! A child the cache misses is asked for live before it is called absent. A finished run sees nothing: it is history.

use k8s_openapi::api::apps::v1::ControllerRevision;
use millrace_crds::{
    HasConditions, MLPipeline, MLPipelineRun, Reason,
    ml_pipeline_run::{StepPhase, StepStatus},
    well_known::LABEL_PIPELINE,
};
use millrace_kit::{Class, Failure, Key, Reader, conditions};

use super::seen::{Frozen, Observed, PipelineView, child_name};
use crate::{
    children::revision,
    spec::plan,
    verbs::{self, Verb},
};

pub(super) async fn observe(run: &MLPipelineRun, reader: &Reader) -> Result<Observed, Failure> {
    let status = run.status.clone().unwrap_or_default();
    if status.finished_at.is_some() {
        return Ok(Observed::default());
    }
    let key = Key::of(run);
    let at = |name: &str| Key::new(key.namespace.clone(), name);
    let pipeline = reader.cached::<MLPipeline>(&at(&run.spec.pipeline)).map(|p| view(&p));
    let wanted = status.revision.or_else(|| run.spec.revision.clone());
    let wanted = wanted.or_else(|| pipeline.as_ref().and_then(|p| p.revision.clone()));
    let revision = match wanted {
        Some(name) => Some(frozen(at(&name), reader).await?),
        None => None,
    };
    let uid = run.metadata.uid.clone().unwrap_or_default();
    let mut seen = Observed {
        pipeline,
        revision,
        children: verbs::ALL.iter().flat_map(|verb| verb.children(&uid, reader)).collect(),
        namespace: verbs::ALL.iter().flat_map(|verb| verb.look(&key.namespace, reader)).collect(),
    };
    for step in missed(run, &status.steps, &seen) {
        let before = seen.children.len();
        for verb in may_have_made(step, &seen) {
            seen.children.extend(verb.live(&at(&child_name(run, step)), &uid, reader).await?);
        }
        if seen.children.len() == before {
            current(run, &key, reader).await?;
        }
    }
    Ok(seen)
}

/// The verbs that may have made the child of a step: the one whose kind is stored, else the one in the spec. Without either
/// it may be any.
fn may_have_made(step: &StepStatus, seen: &Observed) -> Vec<&'static dyn Verb> {
    let stored = step.child.as_ref().and_then(|child| verbs::of_kind(&child.kind));
    let spec = seen.revision.as_ref().and_then(|revision| revision.spec.as_ref());
    let written = || spec?.steps.iter().find(|s| s.name == step.name).and_then(|s| verbs::of(s).ok());
    stored.or_else(written).map_or_else(|| verbs::ALL.to_vec(), |verb| vec![verb])
}

/// A child that is gone is made again, so the step must still run: the cache may be behind a write of ours whose answer was
/// lost.
async fn current(run: &MLPipelineRun, key: &Key, reader: &Reader) -> Result<(), Failure> {
    let live = reader.live::<MLPipelineRun>(key).await?;
    if live.is_some_and(|live| live.metadata.resource_version == run.metadata.resource_version) {
        return Ok(());
    }
    Err(Failure::new(
        Class::Waiting,
        Reason::CacheBehind,
        format!("the run {key} has changed; the change is on its way here"),
    ))
}

/// Steps whose child the cache misses: those that run, and those that ended under a Millrace that left in the child what
/// others name. The rest would be asked for in vain.
fn missed<'a>(run: &MLPipelineRun, steps: &'a [StepStatus], seen: &Observed) -> Vec<&'a StepStatus> {
    let gone = |s: &&StepStatus| seen.child(run, s).is_none();
    let unread = |s: &StepStatus| s.phase == StepPhase::Succeeded && s.results.is_none();
    let spec = seen.revision.as_ref().and_then(|r| r.spec.as_ref());
    let plan = spec.filter(|_| steps.iter().any(|s| unread(s) && gone(&s))).and_then(|spec| plan::thaw(spec).ok());
    let named = |s: &StepStatus| {
        let step = plan.as_ref().and_then(|plan| plan.steps.iter().find(|step| step.name == s.name));
        step.is_some_and(|step| !step.returns.is_empty())
    };
    let asked = steps.iter().filter(|s| s.phase == StepPhase::Running || (unread(s) && named(s)));
    asked.filter(gone).collect()
}

fn view(pipeline: &MLPipeline) -> PipelineView {
    let status = pipeline.status.clone().unwrap_or_default();
    let ready = conditions::is_ready(&status, pipeline.metadata.generation.unwrap_or(0));
    // What it says on its way changes with every bucket; a run that repeated it would be rewritten each time.
    let current = status.observed_generation() == pipeline.metadata.generation.unwrap_or(0);
    let stalled = conditions::get(&status, "Stalled").filter(|c| current && c.status == "True");
    let message = stalled.map_or_else(|| "it is on its way".to_owned(), |c| c.message.clone());
    PipelineView {
        suspended: pipeline.spec.suspend == Some(true),
        revision: status.revision.filter(|_| ready),
        message,
    }
}

async fn frozen(key: Key, reader: &Reader) -> Result<Frozen, Failure> {
    let name = key.name.clone();
    let cached = reader.cached::<ControllerRevision>(&key).map(|r| (*r).clone());
    let found = match cached {
        Some(found) => Some(found),
        None => reader.live::<ControllerRevision>(&key).await?,
    };
    let Some(found) = found else { return Ok(Frozen { name, ..Frozen::default() }) };
    let pipeline = found.metadata.labels.as_ref().and_then(|l| l.get(LABEL_PIPELINE)).cloned().unwrap_or_default();
    Ok(Frozen { name, pipeline, spec: revision::spec(&found) })
}
