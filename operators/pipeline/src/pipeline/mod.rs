//! MLPipeline: the declared data, the frozen revisions, the requested runs, the history.
//!
//! Its Ready never depends on how a run ended: a failed night must not block a GitOps layer. It deletes only what it
//! made, and of runs made by hand only those with a generated name, since such a run cannot stand in Git.

mod data;
mod decide;
mod history;
mod observe;
mod status;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ControllerRevision;
use millrace_crds::{DataBucket, DataTopic, MLPipeline, MLPipelineRun, ModelRegistry};
use millrace_kit::{
    DecisionOf, Failure, Hands, Key, NoEffect, Object, Operator, Reader, Seen, Watch, async_trait, cache::Cache,
};

use crate::{children, model, run};

pub use observe::{Around, RevisionSeen, RunSeen};

/// The operator of MLPipeline.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pipelines;

/// Index word of all runs of a pipeline.
pub(crate) fn runs_of(namespace: &str, pipeline: &str) -> String {
    format!("pipeline/{namespace}/{pipeline}")
}

/// Names of the ModelRegistries of a namespace.
pub(crate) fn registries(namespace: &str, reader: &Reader) -> Vec<String> {
    let all = reader.cache.indexed::<ModelRegistry>(namespace);
    all.iter().filter_map(|r| r.metadata.name.clone()).collect()
}

/// Index words of a pipeline: the data it uses, by bare name, since another namespace may share it; and its namespace,
/// if a step leaves the registry to it.
pub(crate) fn words(pipeline: &MLPipeline) -> Vec<String> {
    let mut words: Vec<String> = model::uses(&pipeline.spec).into_keys().collect();
    if pipeline.spec.steps.iter().any(|s| s.register.as_ref().is_some_and(|r| r.registry.is_none())) {
        words.push(format!("registry/{}", pipeline.metadata.namespace.as_deref().unwrap_or_default()));
    }
    words
}

/// Whom a change of a bucket or topic wakes: who declares it, and who uses it.
fn users<K: Object>(kind: &str, object: &K, cache: &Cache) -> Vec<Key> {
    let key = Key::of(object);
    let owners = object.meta().owner_references.iter().flatten();
    let owners = owners.filter(|o| o.controller == Some(true) && o.kind == "MLPipeline");
    let owners = owners.map(|o| Key::new(key.namespace.clone(), o.name.clone()));
    let users = cache.indexed::<MLPipeline>(&format!("{kind}/{}", key.name));
    owners.chain(users.iter().map(|p| Key::of(&**p))).collect()
}

#[async_trait]
impl Operator for Pipelines {
    type Object = MLPipeline;
    type Observed = Around;
    type Effect = NoEffect;
    const NAME: &'static str = "pipeline";

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::related::<MLPipelineRun>("the history", |run, _| {
                vec![Key::new(run.metadata.namespace.clone().unwrap_or_default(), run.spec.pipeline.clone())]
            })
            .keep(|_: &mut MLPipelineRun| {}, run::words),
            Watch::related::<DataBucket>("declared buckets, and buckets of others that are used", |bucket, cache| {
                users("bucket", bucket, cache)
            })
            .keep(|_: &mut DataBucket| {}, |bucket| shared("bucket", bucket, bucket.spec.bucket.share.is_empty())),
            Watch::related::<DataTopic>("declared topics, and topics of others that are used", |topic, cache| {
                users("topic", topic, cache)
            })
            .keep(|_: &mut DataTopic| {}, |topic| shared("topic", topic, topic.spec.topic.share.is_empty())),
            Watch::child::<MLPipeline, ControllerRevision>("frozen specs").labels(children::OF_PIPELINES),
            Watch::related::<ModelRegistry>("the only registry of a namespace", |registry, cache| {
                let namespace = registry.metadata.namespace.clone().unwrap_or_default();
                cache.indexed::<MLPipeline>(&format!("registry/{namespace}")).iter().map(|p| Key::of(&**p)).collect()
            })
            .keep(|_: &mut ModelRegistry| {}, |registry| registry.metadata.namespace.clone().into_iter().collect()),
        ]
    }

    async fn observe(&self, pipeline: &MLPipeline, reader: &Reader) -> Result<Around, Failure> {
        observe::observe(pipeline, reader).await
    }

    fn decide(pipeline: &MLPipeline, seen: &Seen<Around>, now: Timestamp) -> DecisionOf<Self> {
        decide::decide(pipeline, seen, now)
    }

    async fn effect(&self, _: &MLPipeline, effect: &NoEffect, _: &Hands) -> Result<(), Failure> {
        match *effect {}
    }
}

/// Index word of data that some other namespace may use.
fn shared<K: Object>(kind: &str, object: &K, alone: bool) -> Vec<String> {
    let name = object.meta().name.clone().unwrap_or_default();
    if alone { Vec::new() } else { vec![format!("shared/{kind}/{name}")] }
}
