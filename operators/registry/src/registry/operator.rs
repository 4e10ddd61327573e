//! The controller of ModelRegistries.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::{apps::v1::Deployment, batch::v1::Job, core::v1::Service};
use kube::ResourceExt;
use millrace_crds::{DataBucket, DataGrant, ModelRegistry};
use millrace_kit::{Child, DecisionOf, Failure, Key, Operator, Reader, Seen, Watch, Writer, async_trait};

use super::{decide, effect::RegistryEffect, observe, seen::Observed};
use crate::{
    children,
    context::Context,
    index,
    pods::{self, OURS},
};

/// The controller of ModelRegistries.
pub struct Registries {
    context: Arc<Context>,
}

impl Registries {
    /// A controller that shares what is known of servers with the other one.
    #[must_use]
    pub const fn new(context: Arc<Context>) -> Self {
        Self { context }
    }
}

#[async_trait]
impl Operator for Registries {
    type Object = ModelRegistry;
    type Observed = Observed;
    type Effect = RegistryEffect;
    const NAME: &'static str = "registry";

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::child::<ModelRegistry, Deployment>("the server; its availability").labels(OURS),
            Watch::child::<ModelRegistry, Service>("the server's address").labels(OURS),
            Watch::child::<ModelRegistry, Job>("migrations and how they end").labels(OURS),
            Watch::child::<ModelRegistry, DataGrant>("access to the bucket").labels(OURS),
            pods::watch(pods::wakes_registry),
            Watch::related::<DataBucket>("the bucket of artifacts", |bucket, cache| {
                let key = index::registries_on(&bucket.namespace().unwrap_or_default(), &bucket.name_any());
                cache.indexed::<ModelRegistry>(&key).iter().map(|r| Key::of(&**r)).collect()
            }),
            Watch::related::<ModelRegistry>("found by its bucket", |_, _| Vec::new()).stored_as(
                |_: &mut ModelRegistry| {},
                |registry| {
                    let namespace = registry.namespace().unwrap_or_default();
                    vec![index::registries_on(&namespace, &registry.spec.artifacts.bucket)]
                },
            ),
        ]
    }

    async fn observe(&self, registry: &ModelRegistry, reader: &Reader) -> Result<Observed, Failure> {
        Ok(observe::observe(&self.context, registry, reader).await)
    }

    fn decide(registry: &ModelRegistry, seen: &Seen<Observed>, now: Timestamp) -> DecisionOf<Self> {
        decide::decide(registry, seen, now)
    }

    async fn effect(&self, registry: &ModelRegistry, effect: &RegistryEffect, writer: &Writer) -> Result<(), Failure> {
        let RegistryEffect::Login { secret, fingerprint } = effect;
        let uid = registry.uid().unwrap_or_default();
        let login = self.context.login(&uid)?;
        writer.put(&Child::of(registry, &children::login::secret(registry, secret, &login))).await?;
        self.context.logins.wrote(&uid, fingerprint, writer.now());
        Ok(())
    }
}
