//! Reads what a pipeline sees: its data, its revisions, its runs.
//!
//! A declared bucket or topic the cache misses is asked for live: it is applied next, and an apply would take over what
//! somebody else made.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::ControllerRevision;
use millrace_crds::{DataBucket, DataTopic, MLPipeline, MLPipelineRun};
use millrace_kit::{Failure, Key, Object, Reader, reader::controlled_by};

use super::seen::{Observed, RevisionView, RunView};
use crate::{
    children::run,
    index,
    spec::references,
    triggers::{self, Due},
    verbs,
};

pub(super) async fn observe(pipeline: &MLPipeline, reader: &Reader) -> Result<Observed, Failure> {
    let key = Key::of(pipeline);
    let uid = pipeline.metadata.uid.clone().unwrap_or_default();
    let buckets = pipeline.spec.buckets.iter().map(|b| b.name.as_str()).collect();
    let topics = pipeline.spec.topics.iter().map(|t| t.name.as_str()).collect();
    let revisions = reader.cache.owned::<ControllerRevision>(&uid);
    let runs = reader.cache.indexed::<MLPipelineRun>(&index::runs_of(&key.namespace, &key.name));
    Ok(Observed {
        buckets: data::<DataBucket>(&key, &uid, buckets, reader).await?,
        topics: data::<DataTopic>(&key, &uid, topics, reader).await?,
        used: used(pipeline, &key, reader),
        revisions: revisions.iter().map(|r| revision(r)).collect(),
        runs: runs.iter().map(|r| view(r, &uid)).collect(),
        namespace: verbs::ALL.iter().flat_map(|verb| verb.look(&key.namespace, reader)).collect(),
        started: started(pipeline, &key, reader).await?,
    })
}

/// The runs that exist, of those which triggers start now.
async fn started(pipeline: &MLPipeline, key: &Key, reader: &Reader) -> Result<BTreeSet<String>, Failure> {
    let mut started = BTreeSet::new();
    for trigger in triggers::ALL {
        let Due::Now(event) = trigger.due(pipeline, reader.now()) else { continue };
        let name = run::name(pipeline, trigger, &event);
        if exists::<MLPipelineRun>(&Key::new(key.namespace.clone(), &name), reader).await? {
            started.insert(name);
        }
    }
    Ok(started)
}

async fn exists<K: Object>(key: &Key, reader: &Reader) -> Result<bool, Failure> {
    Ok(reader.cached::<K>(key).is_some() || reader.live::<K>(key).await?.is_some())
}

/// What the pipeline owns of a kind, and whatever stands under the names it declares.
async fn data<K: Object>(
    pipeline: &Key,
    uid: &str,
    declared: BTreeSet<&str>,
    reader: &Reader,
) -> Result<Vec<K>, Failure> {
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
        let shared = index::shared(word);
        match kind {
            "bucket" => {
                reader.cached::<DataBucket>(&at).is_some() || !reader.cache.indexed::<DataBucket>(&shared).is_empty()
            }
            _ => reader.cached::<DataTopic>(&at).is_some() || !reader.cache.indexed::<DataTopic>(&shared).is_empty(),
        }
    };
    let mut used: BTreeSet<String> = references::uses(&pipeline.spec).into_keys().collect();
    pipeline.spec.buckets.iter().for_each(|b| _ = used.remove(&format!("bucket/{}", b.name)));
    pipeline.spec.topics.iter().for_each(|t| _ = used.remove(&format!("topic/{}", t.name)));
    used.retain(there);
    used
}

fn revision(revision: &ControllerRevision) -> RevisionView {
    RevisionView {
        name: revision.metadata.name.clone().unwrap_or_default(),
        uid: revision.metadata.uid.clone().unwrap_or_default(),
        number: revision.revision,
    }
}

fn view(run: &MLPipelineRun, uid: &str) -> RunView {
    let meta = &run.metadata;
    let status = run.status.clone().unwrap_or_default();
    RunView {
        name: meta.name.clone().unwrap_or_default(),
        uid: meta.uid.clone().unwrap_or_default(),
        ours: controlled_by(run, uid) || meta.generate_name.is_some(),
        created: meta.creation_timestamp.clone(),
        phase: status.phase,
        finished_at: status.finished_at.clone(),
        revision: status.revision.or_else(|| run.spec.revision.clone()),
    }
}
