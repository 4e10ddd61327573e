//! What a run sees: its pipeline, its revision, the children of its steps.
//!
//! A child the cache misses is asked for live before it is called absent. A finished run sees nothing: it is history.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::ControllerRevision;
use millrace_crds::{
    HasConditions, MLPipeline, MLPipelineRun, MLPipelineSpec, ModelVersion, ProcessingJob,
    ml_pipeline_run::{StepPhase, StepStatus},
    well_known::LABEL_PIPELINE,
};
use millrace_kit::{Class, Failure, Key, Object, Reader, conditions};
use serde::{Deserialize, Serialize};

use crate::{children::revision, model, pipeline};

/// What a run sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Around {
    /// Its pipeline, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineSeen>,
    /// The revision it runs or would run, if one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<Frozen>,
    /// Its jobs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<ProcessingJob>,
    /// Its model versions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<ModelVersion>,
    /// Names of the ModelRegistries of the namespace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub registries: Vec<String>,
}

/// A pipeline as its runs see it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PipelineSeen {
    /// Whether it starts no new runs.
    pub suspended: bool,
    /// Revision of its present spec; `None` unless it is Ready at its generation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Why it is not Ready.
    pub message: String,
}

/// A revision by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Frozen {
    /// Name of the ControllerRevision.
    pub name: String,
    /// Name of the pipeline it belongs to; empty if it does not exist.
    pub pipeline: String,
    /// What it holds; `None` if it does not exist or is not a pipeline's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<MLPipelineSpec>,
}

pub(super) async fn observe(run: &MLPipelineRun, reader: &Reader) -> Result<Around, Failure> {
    let status = run.status.clone().unwrap_or_default();
    if status.finished_at.is_some() {
        return Ok(Around::default());
    }
    let key = Key::of(run);
    let at = |name: &str| Key::new(key.namespace.clone(), name);
    let pipeline = reader.cached::<MLPipeline>(&at(&run.spec.pipeline)).map(|p| seen(&p));
    let wanted = status.revision.or_else(|| run.spec.revision.clone());
    let wanted = wanted.or_else(|| pipeline.as_ref().and_then(|p| p.revision.clone()));
    let revision = match wanted {
        Some(name) => Some(frozen(at(&name), reader).await?),
        None => None,
    };
    let uid = run.metadata.uid.clone().unwrap_or_default();
    let mut around = Around {
        pipeline,
        revision,
        jobs: reader.cache.owned::<ProcessingJob>(&uid).iter().map(|j| (**j).clone()).collect(),
        versions: reader.cache.owned::<ModelVersion>(&uid).iter().map(|v| (**v).clone()).collect(),
        registries: pipeline::registries(&key.namespace, reader),
    };
    let names = unseen(&status.steps, &around);
    for (name, step) in names {
        let before = around.jobs.len() + around.versions.len();
        let spec = around.revision.as_ref().and_then(|r| r.spec.as_ref());
        let registers = spec.and_then(|spec| spec.steps.iter().find(|s| s.name == step)).map(|s| s.register.is_some());
        // Without the spec it may be either.
        if registers != Some(true) {
            around.jobs.extend(own::<ProcessingJob>(at(&name), &uid, reader).await?);
        }
        if registers != Some(false) {
            around.versions.extend(own::<ModelVersion>(at(&name), &uid, reader).await?);
        }
        if around.jobs.len() + around.versions.len() == before {
            current(run, &key, reader).await?;
        }
    }
    Ok(around)
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
        "CacheBehind",
        format!("the run {key} has changed; the change is on its way here"),
    ))
}

/// Children the cache misses, each with its step: of steps that run, and of steps that ended under a Millrace that left in
/// the job what others name. The rest of the names would be asked for in vain.
fn unseen(steps: &[StepStatus], around: &Around) -> Vec<(String, String)> {
    let jobs = around.jobs.iter().map(|j| &j.metadata.name);
    let there: BTreeSet<&Option<String>> = jobs.chain(around.versions.iter().map(|v| &v.metadata.name)).collect();
    let gone = |s: &&StepStatus| !there.contains(&s.job);
    let unread = |s: &StepStatus| s.phase == StepPhase::Succeeded && s.results.is_none();
    let spec = around.revision.as_ref().and_then(|r| r.spec.as_ref());
    let plan = spec.filter(|_| steps.iter().any(|s| unread(s) && gone(&s))).and_then(|spec| model::thaw(spec).ok());
    let named = |s: &StepStatus| {
        let step = plan.as_ref().and_then(|plan| plan.steps.iter().find(|step| step.name == s.name));
        step.is_some_and(|step| !step.returns.is_empty())
    };
    let asked = steps.iter().filter(|s| s.phase == StepPhase::Running || (unread(s) && named(s)));
    asked.filter(gone).filter_map(|s| Some((s.job.clone()?, s.name.clone()))).collect()
}

async fn own<K: Object>(key: Key, uid: &str, reader: &Reader) -> Result<Option<K>, Failure> {
    let ours = |object: &K| {
        object.meta().owner_references.iter().flatten().any(|o| o.controller == Some(true) && o.uid == uid)
    };
    Ok(reader.live::<K>(&key).await?.filter(ours))
}

fn seen(pipeline: &MLPipeline) -> PipelineSeen {
    let status = pipeline.status.clone().unwrap_or_default();
    let ready = conditions::is_ready(&status, pipeline.metadata.generation.unwrap_or(0));
    // What it says on its way changes with every bucket; a run that repeated it would be rewritten each time.
    let current = status.observed_generation() == pipeline.metadata.generation.unwrap_or(0);
    let stalled = conditions::get(&status, "Stalled").filter(|c| current && c.status == "True");
    let message = stalled.map_or_else(|| "it is on its way".to_owned(), |c| c.message.clone());
    PipelineSeen {
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
