//! ModelRegistry: one MLflow server on PostgreSQL and a bucket, migrated before it serves, never open.
//!
//! The order is bucket, grant and login, then the migration's Job, then the server. A server that runs serves until its
//! successor answers, unless the schema must change under it. Never reads a Secret: pods get them by reference, and tell
//! by keyed fingerprints that one has changed.

pub(crate) mod children;
mod decide;
mod migrate;
pub(crate) mod model;
mod observe;
mod serve;

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::api::{apps::v1::Deployment, batch::v1::Job, core::v1::Service};
use kube::ResourceExt;
use millrace_crds::{
    DataBucket, DataGrant, ModelRegistry,
    well_known::{LABEL_OWNER_NAME, LABEL_OWNER_UID},
};
use millrace_kit::{Child, DecisionOf, Effect, Failure, Hands, Key, Operator, Reader, Seen, Watch, async_trait};
use serde::Serialize;

pub use observe::{BucketSeen, GrantSeen, LoginSeen, Observed, ServerSeen};
pub(crate) use observe::{grant, podless};

use crate::{
    mlflow::view::Changed,
    office::Office,
    pods::{self, OURS},
};

/// What reaches beyond the cache: only the Secret that is written blindly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Ask {
    /// Writes the login for the server and its users.
    Login {
        /// Name of the Secret.
        secret: String,
        /// Which login.
        fingerprint: String,
    },
}

impl Effect for Ask {
    fn id(&self) -> String {
        "login".to_owned()
    }
}

/// The controller of ModelRegistries.
pub struct Registries {
    office: Arc<Office>,
}

impl Registries {
    /// A controller that shares what is known of servers with the other one.
    #[must_use]
    pub const fn new(office: Arc<Office>) -> Self {
        Self { office }
    }
}

#[async_trait]
impl Operator for Registries {
    type Object = ModelRegistry;
    type Observed = Observed;
    type Effect = Ask;
    const NAME: &'static str = "registry";

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::child::<ModelRegistry, Deployment>("the server; its availability").labels(OURS),
            Watch::child::<ModelRegistry, Service>("the server's address").labels(OURS),
            Watch::child::<ModelRegistry, Job>("migrations and how they end").labels(OURS),
            Watch::child::<ModelRegistry, DataGrant>("access to the bucket").labels(OURS),
            pods::watch(pods::wakes_registry),
            Watch::related::<DataBucket>("the bucket of artifacts", |bucket, cache| {
                let word = artifacts_word(&bucket.namespace().unwrap_or_default(), &bucket.name_any());
                cache.indexed::<ModelRegistry>(&word).iter().map(|r| Key::of(&**r)).collect()
            }),
            Watch::related::<ModelRegistry>("found by its bucket", |_, _| Vec::new()).keep(
                |_: &mut ModelRegistry| {},
                |registry| {
                    let namespace = registry.namespace().unwrap_or_default();
                    vec![artifacts_word(&namespace, &registry.spec.artifacts.bucket)]
                },
            ),
        ]
    }

    async fn observe(&self, registry: &ModelRegistry, reader: &Reader) -> Result<Observed, Failure> {
        Ok(observe::observe(&self.office, registry, reader).await)
    }

    fn decide(registry: &ModelRegistry, seen: &Seen<Observed>, now: Timestamp) -> DecisionOf<Self> {
        decide::decide(registry, seen, now)
    }

    async fn effect(&self, registry: &ModelRegistry, ask: &Ask, hands: &Hands) -> Result<(), Failure> {
        let Ask::Login { secret, fingerprint } = ask;
        let uid = registry.uid().unwrap_or_default();
        let login = self.office.login(&uid)?;
        hands.put(&Child::of(registry, &children::login::secret(registry, secret, &login))).await?;
        self.office.wrote(&uid, fingerprint, hands.now());
        Ok(())
    }
}

fn artifacts_word(namespace: &str, bucket: &str) -> String {
    format!("{namespace}/{bucket}")
}

/// Names of a registry's children that people type: derived from its own, so that a URL can be written down.
pub(crate) struct Names {
    /// Service and Deployment.
    pub(crate) server: String,
    /// Secret of the login.
    pub(crate) login: String,
    /// Secret and name of the grant.
    pub(crate) grant: String,
}

impl Names {
    pub(crate) fn of(registry: &ModelRegistry) -> Self {
        let name = registry.name_any();
        Self {
            server: format!("{name}-mlflow"),
            login: format!("{name}-mlflow-login"),
            grant: millrace_kit::names::child(&name, &registry.uid().unwrap_or_default(), &["artifacts"]),
        }
    }
}

/// The name of the Job of a migration.
pub(crate) fn job_name(registry: &ModelRegistry, number: i64) -> String {
    let uid = registry.uid().unwrap_or_default();
    millrace_kit::names::child(&registry.name_any(), &uid, &["migration", &number.to_string()])
}

/// Where the pods of the server behind `url` say what they were given.
pub(crate) fn given_url(url: &str) -> Option<String> {
    let host = url.strip_suffix(&format!(":{}", children::PORT))?;
    Some(format!("{host}:{}/", children::GIVEN_PORT))
}

/// Labels of every child, with the role of its pods.
pub(crate) fn labels(registry: &ModelRegistry, role: &str) -> std::collections::BTreeMap<String, String> {
    use millrace_crds::well_known::{LABEL_OWNER_KIND, LABEL_ROLE};
    let pairs = [
        (LABEL_OWNER_KIND, "ModelRegistry".to_owned()),
        (LABEL_OWNER_NAME, registry.name_any()),
        (LABEL_OWNER_UID, registry.uid().unwrap_or_default()),
        (LABEL_ROLE, role.to_owned()),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Wakes the ModelVersions that a change in MLflow concerns.
pub(crate) fn wake_changed(office: &Office, reader: &Reader, around: (&str, &str, &BTreeSet<Changed>)) {
    let (namespace, registry, changed) = around;
    for change in changed {
        let word = match change {
            Changed::Version(uid) => crate::version::uid_word(uid),
            Changed::Aliases(model) => crate::version::model_word(namespace, registry, model),
        };
        for version in reader.cache.indexed::<millrace_crds::ModelVersion>(&word) {
            office.waker.wake("version", Key::of(&*version));
        }
    }
}
