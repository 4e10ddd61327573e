//! MLPipeline: the declared data, the frozen revisions, the requested runs, the history.
//!
//! Its Ready never depends on how a run ended: a failed night must not block a GitOps layer. It deletes only what it
//! made, and of runs made by hand only those with a generated name, since such a run cannot stand in Git.

mod data;
mod decide;
mod history;
mod observe;
mod seen;
mod starts;
mod status;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ControllerRevision;
use millrace_crds::{DataBucket, DataTopic, MLPipeline, MLPipelineRun};
use millrace_kit::{
    DecisionOf, Failure, Key, NoEffect, Object, Operator, Reader, Seen, Watch, Writer, async_trait, cache::Cache,
};

use crate::{children, index, verbs};

pub use seen::{Observed, RevisionView, RunView};

/// The operator of MLPipeline.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pipelines;

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
    type Observed = Observed;
    type Effect = NoEffect;
    const NAME: &'static str = "pipeline";

    fn watches(&self) -> Vec<Watch> {
        let mut watches = vec![
            Watch::related::<MLPipelineRun>("the history", |run, _| {
                vec![Key::new(run.metadata.namespace.clone().unwrap_or_default(), run.spec.pipeline.clone())]
            })
            .stored_as(|_: &mut MLPipelineRun| {}, index::of_run),
            Watch::related::<DataBucket>("declared buckets, and buckets of others that are used", |bucket, cache| {
                users("bucket", bucket, cache)
            })
            .stored_as(
                |_: &mut DataBucket| {},
                |bucket| index::of_data("bucket", bucket, bucket.spec.bucket.share.is_empty()),
            ),
            Watch::related::<DataTopic>("declared topics, and topics of others that are used", |topic, cache| {
                users("topic", topic, cache)
            })
            .stored_as(
                |_: &mut DataTopic| {},
                |topic| index::of_data("topic", topic, topic.spec.topic.share.is_empty()),
            ),
            Watch::child::<MLPipeline, ControllerRevision>("frozen specs").labels(children::OF_PIPELINES),
        ];
        watches.extend(verbs::ALL.iter().flat_map(|verb| verb.namespace_watches()));
        watches
    }

    async fn observe(&self, pipeline: &MLPipeline, reader: &Reader) -> Result<Observed, Failure> {
        observe::observe(pipeline, reader).await
    }

    fn decide(pipeline: &MLPipeline, seen: &Seen<Observed>, now: Timestamp) -> DecisionOf<Self> {
        decide::decide(pipeline, seen, now)
    }

    async fn effect(&self, _: &MLPipeline, effect: &NoEffect, _: &Writer) -> Result<(), Failure> {
        match *effect {}
    }
}
