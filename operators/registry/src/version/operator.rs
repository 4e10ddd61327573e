//! The controller of ModelVersions.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt;
use millrace_crds::{DataBucket, DataGrant, ModelRegistry, ModelVersion, well_known::LABEL_OWNER_UID};
use millrace_kit::{DecisionOf, Failure, Key, Operator, Reader, Seen, Watch, Writer, async_trait};

use super::{call, decide, effect::VersionEffect, observe, seen::Observed};
use crate::{
    context::Context,
    index,
    pods::{self, OURS},
};

/// The controller of ModelVersions.
pub struct Versions {
    context: Arc<Context>,
}

impl Versions {
    /// A controller that shares what is known of servers with the other one.
    #[must_use]
    pub const fn new(context: Arc<Context>) -> Self {
        Self { context }
    }
}

#[async_trait]
impl Operator for Versions {
    type Object = ModelVersion;
    type Observed = Observed;
    type Effect = VersionEffect;
    const NAME: &'static str = "version";

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::related::<ModelVersion>("found by model, registry and bucket", |_, _| Vec::new())
                .stored_as(|_: &mut ModelVersion| {}, index::of_version),
            Watch::child::<ModelVersion, Job>("the Job that measures the source").labels(OURS),
            Watch::child::<ModelVersion, DataGrant>("its access to the source").labels(OURS),
            pods::watch(|pod, cache| {
                let uid = pod.labels().get(LABEL_OWNER_UID).map(|uid| index::version_with_uid(uid)).unwrap_or_default();
                cache.indexed::<ModelVersion>(&uid).iter().map(|v| Key::of(&**v)).collect()
            }),
            Watch::related::<ModelRegistry>("the server", |registry, cache| {
                let key = index::versions_of(&registry.namespace().unwrap_or_default(), &registry.name_any());
                cache.indexed::<ModelVersion>(&key).iter().map(|v| Key::of(&**v)).collect()
            }),
            Watch::related::<DataBucket>("the buckets sources lie in", |bucket, cache| {
                let Some(name) = index::bucket_name(bucket) else { return Vec::new() };
                let key = index::versions_from(&bucket.namespace().unwrap_or_default(), name);
                cache.indexed::<ModelVersion>(&key).iter().map(|v| Key::of(&**v)).collect()
            })
            .stored_as(
                |_: &mut DataBucket| {},
                |bucket| {
                    let namespace = bucket.namespace().unwrap_or_default();
                    index::bucket_name(bucket).map(|name| index::versions_from(&namespace, name)).into_iter().collect()
                },
            ),
        ]
    }

    async fn observe(&self, version: &ModelVersion, reader: &Reader) -> Result<Observed, Failure> {
        Ok(observe::observe(&self.context, version, reader).await)
    }

    fn decide(version: &ModelVersion, seen: &Seen<Observed>, now: Timestamp) -> DecisionOf<Self> {
        decide::decide(version, seen, now)
    }

    async fn effect(&self, _: &ModelVersion, effect: &VersionEffect, writer: &Writer) -> Result<(), Failure> {
        call::perform(&self.context, effect, writer).await
    }
}
