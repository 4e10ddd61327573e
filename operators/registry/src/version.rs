//! ModelVersion: one version, registered once, found again by the tag with our uid.
//!
//! Its files are counted before, by a pod with a grant. An object that is deleted while its registration may be on its way
//! stays until that is known, and takes it back. Aliases are taken when they are newly listed and put back when they are lost, but never taken from a newer version, nor
//! from one that declares them. A version deleted in MLflow is not made again; deleting the object keeps the version.

mod aliases;
mod decide;
mod giveup;
mod measure;
mod model;
mod observe;
mod register;

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt;
use millrace_crds::{DataBucket, DataGrant, ModelRegistry, ModelVersion, well_known::LABEL_OWNER_UID};
use millrace_kit::{DecisionOf, Effect, Failure, Hands, Key, Operator, Reader, Seen, Watch, async_trait};
use serde::Serialize;

pub use observe::{Holder, Observed, RegistrySeen, SourceSeen};

use crate::{
    mlflow::{Change, NewVersion},
    office::Office,
    pods::{self, OURS},
};

/// What is asked of MLflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Ask {
    /// Registers the version, unless one with our uid is there, and gives it its first aliases.
    Register {
        /// The version.
        new: NewVersion,
        /// Aliases it takes.
        aliases: Vec<String>,
    },
    /// Changes the version or an alias.
    Change(Change),
    /// Takes back a registration whose object was given up.
    Withdraw(Withdrawal),
}

/// A registration to be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Withdrawal {
    /// Name of the registered model.
    pub model: String,
    /// Number of the version.
    pub version: i64,
    /// Aliases that go back to the versions that held them.
    pub aliases: Vec<(String, i64)>,
}

impl Effect for Ask {
    fn id(&self) -> String {
        match self {
            Self::Register { .. } => REGISTER.to_owned(),
            Self::Change(change) => change.to_string(),
            Self::Withdraw(_) => WITHDRAW.to_owned(),
        }
    }
}

/// Id of the effect that registers.
pub(crate) const REGISTER: &str = "register";
/// Id of the effect that takes it back.
pub(crate) const WITHDRAW: &str = "withdraw";

/// The controller of ModelVersions.
pub struct Versions {
    office: Arc<Office>,
}

impl Versions {
    /// A controller that shares what is known of servers with the other one.
    #[must_use]
    pub const fn new(office: Arc<Office>) -> Self {
        Self { office }
    }
}

#[async_trait]
impl Operator for Versions {
    type Object = ModelVersion;
    type Observed = Observed;
    type Effect = Ask;
    const NAME: &'static str = "version";

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::related::<ModelVersion>("found by model, registry and bucket", |_, _| Vec::new())
                .keep(|_: &mut ModelVersion| {}, words),
            Watch::child::<ModelVersion, Job>("the Job that measures the source").labels(OURS),
            Watch::child::<ModelVersion, DataGrant>("its access to the source").labels(OURS),
            pods::watch(|pod, cache| {
                let uid = pod.labels().get(LABEL_OWNER_UID).map(|uid| uid_word(uid)).unwrap_or_default();
                cache.indexed::<ModelVersion>(&uid).iter().map(|v| Key::of(&**v)).collect()
            }),
            Watch::related::<ModelRegistry>("the server", |registry, cache| {
                let word = registry_word(&registry.namespace().unwrap_or_default(), &registry.name_any());
                cache.indexed::<ModelVersion>(&word).iter().map(|v| Key::of(&**v)).collect()
            }),
            Watch::related::<DataBucket>("the buckets sources lie in", |bucket, cache| {
                let Some(name) = bucket_name(bucket) else { return Vec::new() };
                let word = bucket_word(&bucket.namespace().unwrap_or_default(), name);
                cache.indexed::<ModelVersion>(&word).iter().map(|v| Key::of(&**v)).collect()
            })
            .keep(
                |_: &mut DataBucket| {},
                |bucket| {
                    let namespace = bucket.namespace().unwrap_or_default();
                    bucket_name(bucket).map(|name| bucket_word(&namespace, name)).into_iter().collect()
                },
            ),
        ]
    }

    async fn observe(&self, version: &ModelVersion, reader: &Reader) -> Result<Observed, Failure> {
        Ok(observe::observe(&self.office, version, reader).await)
    }

    fn decide(version: &ModelVersion, seen: &Seen<Observed>, now: Timestamp) -> DecisionOf<Self> {
        decide::decide(version, seen, now)
    }

    async fn effect(&self, version: &ModelVersion, ask: &Ask, hands: &Hands) -> Result<(), Failure> {
        register::perform(&self.office, version, (ask, hands)).await
    }
}

fn bucket_name(bucket: &DataBucket) -> Option<&str> {
    bucket.status.as_ref().and_then(|s| s.bucket_name.as_deref())
}

/// Words a ModelVersion is found by.
fn words(version: &ModelVersion) -> Vec<String> {
    let namespace = version.namespace().unwrap_or_default();
    let spec = &version.spec;
    let mut words =
        vec![registry_word(&namespace, &spec.registry), model_word(&namespace, &spec.registry, &spec.model)];
    words.push(uid_word(&version.uid().unwrap_or_default()));
    let number = version.status.as_ref().and_then(|s| s.version);
    words.extend(number.map(|n| number_word(&namespace, (&spec.registry, &spec.model), n)));
    words.extend(model::Source::parse(&spec.source).ok().map(|s| bucket_word(&namespace, &s.bucket)));
    words
}

fn registry_word(namespace: &str, registry: &str) -> String {
    format!("registry {namespace}/{registry}")
}

/// The word under which the ModelVersions of one model are found.
pub(crate) fn model_word(namespace: &str, registry: &str, model: &str) -> String {
    format!("model {namespace}/{registry}/{model}")
}

/// The word under which the ModelVersion with this uid is found.
pub(crate) fn uid_word(uid: &str) -> String {
    format!("uid {uid}")
}

/// The word under which the ModelVersion behind a registered version is found.
fn number_word(namespace: &str, of: (&str, &str), number: i64) -> String {
    let (registry, model) = of;
    format!("number {namespace}/{registry}/{number}/{model}")
}

fn bucket_word(namespace: &str, bucket: &str) -> String {
    format!("bucket {namespace}/{bucket}")
}
