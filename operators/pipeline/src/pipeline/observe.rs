//! What a pipeline sees: its data, its revisions, its runs.
//!
//! A declared bucket or topic the cache misses is asked for live: it is applied next, and an apply would take over what
//! somebody else made.

use std::collections::BTreeSet;

use k8s_openapi::{api::apps::v1::ControllerRevision, apimachinery::pkg::apis::meta::v1::Time};
use millrace_crds::{
    DataBucket, DataTopic, MLPipeline, MLPipelineRun, ml_pipeline_run::RunPhase, well_known::ANNOTATION_RUN_REQUESTED,
};
use millrace_kit::{Failure, Key, Object, Reader, conditions};
use serde::{Deserialize, Serialize};

use super::{registries, runs_of};
use crate::{children, model};

/// What a pipeline sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Around {
    /// Buckets it owns, and whatever stands under the name of one it declares.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<DataBucket>,
    /// The same for topics.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<DataTopic>,
    /// What it uses, does not declare, and exists: `bucket/NAME`, `topic/NAME`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub used: BTreeSet<String>,
    /// Its revisions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<RevisionSeen>,
    /// All its runs, also those made by hand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RunSeen>,
    /// Names of the ModelRegistries of the namespace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub registries: Vec<String>,
    /// Whether the run that the annotation asks for exists.
    pub requested: bool,
}

/// A revision as its pipeline sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RevisionSeen {
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: String,
    /// Generation of the pipeline that first had this spec.
    pub number: i64,
}

/// A run as its pipeline sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunSeen {
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: String,
    /// Whether it may be deleted: the pipeline made it, or its name was generated, so that it cannot stand in Git.
    pub ours: bool,
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Time>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<RunPhase>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// What it runs, or is to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

/// The request for a run that is to be answered next: one that was seen and could not be answered, else the annotation's
/// value, as long as a status keeps it.
pub(super) fn asked(pipeline: &MLPipeline) -> Option<String> {
    let status = pipeline.status.clone().unwrap_or_default();
    let value = || pipeline.metadata.annotations.as_ref()?.get(ANNOTATION_RUN_REQUESTED);
    let value = value().map(|v| conditions::cut(v, 256).to_owned()).filter(|v| !v.is_empty());
    status.pending_run_request.or_else(|| value.filter(|v| status.last_handled_run_request.as_ref() != Some(v)))
}

pub(super) async fn observe(pipeline: &MLPipeline, reader: &Reader) -> Result<Around, Failure> {
    let key = Key::of(pipeline);
    let uid = pipeline.metadata.uid.clone().unwrap_or_default();
    let declared = pipeline.spec.buckets.iter().map(|b| b.name.as_str()).collect();
    let buckets = data::<DataBucket>(declared, (&key, &uid), reader).await?;
    let declared = pipeline.spec.topics.iter().map(|t| t.name.as_str()).collect();
    let topics = data::<DataTopic>(declared, (&key, &uid), reader).await?;
    let revisions = reader.cache.owned::<ControllerRevision>(&uid);
    let runs = reader.cache.indexed::<MLPipelineRun>(&runs_of(&key.namespace, &key.name));
    let requested = match asked(pipeline) {
        Some(value) => exists::<MLPipelineRun>(&key, &children::run::name(pipeline, &value), reader).await?,
        None => false,
    };
    Ok(Around {
        used: used(pipeline, &key, reader),
        buckets,
        topics,
        revisions: revisions.iter().map(|r| revision(r)).collect(),
        runs: runs.iter().map(|r| run(r, &uid)).collect(),
        registries: registries(&key.namespace, reader),
        requested,
    })
}

async fn exists<K: Object>(beside: &Key, name: &str, reader: &Reader) -> Result<bool, Failure> {
    let key = Key::new(beside.namespace.clone(), name);
    Ok(reader.cached::<K>(&key).is_some() || reader.live::<K>(&key).await?.is_some())
}

async fn data<K: Object>(declared: BTreeSet<&str>, of: (&Key, &str), reader: &Reader) -> Result<Vec<K>, Failure> {
    let (pipeline, uid) = of;
    let owned = reader.cache.owned::<K>(uid);
    let mut all: Vec<K> = owned.iter().map(|o| (**o).clone()).collect();
    for name in declared {
        if all.iter().any(|o| o.meta().name.as_deref() == Some(name)) {
            continue;
        }
        let key = Key::new(pipeline.namespace.clone(), name);
        match reader.cached::<K>(&key) {
            Some(there) => all.push((*there).clone()),
            None => all.extend(reader.live::<K>(&key).await?),
        }
    }
    Ok(all)
}

/// Data used and not declared that exists here, or is shared by somebody: whether it is shared with this namespace is
/// for the dataplane to say, which knows the labels of namespaces.
fn used(pipeline: &MLPipeline, key: &Key, reader: &Reader) -> BTreeSet<String> {
    let there = |word: &String| {
        let Some((kind, name)) = word.split_once('/') else { return false };
        let at = Key::new(key.namespace.clone(), name);
        let shared = format!("shared/{kind}/{name}");
        match kind {
            "bucket" => {
                reader.cached::<DataBucket>(&at).is_some() || !reader.cache.indexed::<DataBucket>(&shared).is_empty()
            }
            _ => reader.cached::<DataTopic>(&at).is_some() || !reader.cache.indexed::<DataTopic>(&shared).is_empty(),
        }
    };
    let mut used: BTreeSet<String> = model::uses(&pipeline.spec).into_keys().collect();
    pipeline.spec.buckets.iter().for_each(|b| _ = used.remove(&format!("bucket/{}", b.name)));
    pipeline.spec.topics.iter().for_each(|t| _ = used.remove(&format!("topic/{}", t.name)));
    used.retain(there);
    used
}

fn revision(revision: &ControllerRevision) -> RevisionSeen {
    RevisionSeen {
        name: revision.metadata.name.clone().unwrap_or_default(),
        uid: revision.metadata.uid.clone().unwrap_or_default(),
        number: revision.revision,
    }
}

fn run(run: &MLPipelineRun, uid: &str) -> RunSeen {
    let meta = &run.metadata;
    let status = run.status.clone().unwrap_or_default();
    let owned = meta.owner_references.iter().flatten().any(|o| o.controller == Some(true) && o.uid == uid);
    RunSeen {
        name: meta.name.clone().unwrap_or_default(),
        uid: meta.uid.clone().unwrap_or_default(),
        ours: owned || meta.generate_name.is_some(),
        created: meta.creation_timestamp.clone(),
        phase: status.phase,
        finished_at: status.finished_at.clone(),
        revision: status.revision.or_else(|| run.spec.revision.clone()),
    }
}
