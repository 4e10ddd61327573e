//! What a ModelRegistry's pass sees, as plain data.

use k8s_openapi::api::{apps::v1::Deployment, batch::v1::Job, core::v1::Service};
use millrace_crds::DataGrant;
use millrace_kit::conditions;
use serde::{Deserialize, Serialize};

use crate::{
    mlflow::{Given, MlflowError},
    pods::{PodView, Trouble},
};

/// See the module.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Observed {
    /// Image of registries that name none.
    pub default_image: String,
    /// The login; absent if the operator has no key.
    pub login: Option<LoginView>,
    /// Why there is no login.
    pub login_problem: Option<String>,
    /// The Secrets the spec names that do not exist. Asked only while the registry is not Ready at its generation.
    pub missing_secrets: Vec<String>,
    /// The DataBucket of artifacts.
    pub bucket: Option<BucketView>,
    /// Our DataGrant.
    pub grant: Option<GrantView>,
    /// The Job the status speaks of.
    pub job: Option<Job>,
    /// Why that Job has no pod.
    pub job_trouble: Option<Trouble>,
    /// Jobs of ours the status no longer speaks of.
    pub stale_jobs: Vec<Job>,
    /// Our Service.
    pub service: Option<Service>,
    /// Our Deployment.
    pub deployment: Option<Deployment>,
    /// Pods of the server and of migrations, by name.
    pub pods: Vec<PodView>,
    /// The server's answer; absent if it was not asked.
    pub server: Option<ServerView>,
}

/// The login, without its secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginView {
    /// Which login.
    pub fingerprint: String,
    /// Whether this process has written it.
    pub written: bool,
}

/// A DataBucket, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketView {
    /// The DataPlane it lives on.
    pub data_plane: String,
}

/// A DataGrant, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GrantView {
    /// Whether it is Ready at its generation.
    pub ready: bool,
    /// Whether a person must act.
    pub stalled: bool,
    /// Reason of its Ready condition.
    pub reason: String,
    /// Message of its Ready condition.
    pub message: String,
    /// Secret with the credentials.
    pub secret: String,
    /// URL of the store.
    pub endpoint: String,
    /// Region of the store.
    pub region: String,
    /// Name of the bucket on the store.
    pub bucket_name: String,
}

/// The server's answer to a look that touches its database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerView {
    /// What it says its version is.
    pub version: Option<String>,
    /// Why there is no catalogue.
    pub error: Option<MlflowError>,
    /// What the pod that answered was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Given>,
}

impl GrantView {
    pub(crate) fn of(grant: &DataGrant) -> Self {
        let Some(status) = &grant.status else { return Self::default() };
        let ready = conditions::get(status, "Ready");
        let bucket = status.buckets.first().map(|b| b.bucket_name.clone()).unwrap_or_default();
        Self {
            ready: conditions::is_ready(status, grant.metadata.generation.unwrap_or(0)),
            stalled: conditions::is_true(status, "Stalled"),
            reason: ready.map(|c| c.reason.clone()).unwrap_or_default(),
            message: ready.map(|c| c.message.clone()).unwrap_or_default(),
            secret: status.secret_name.clone().unwrap_or_default(),
            endpoint: status.endpoint.clone().unwrap_or_default(),
            region: status.region.clone().unwrap_or_default(),
            bucket_name: bucket,
        }
    }
}

/// Whether a pod of the server takes requests.
pub(super) fn available(deployment: &Deployment) -> bool {
    deployment.status.as_ref().and_then(|s| s.available_replicas).unwrap_or(0) > 0
}

/// Whether all pods are those of the present template, and take requests.
pub(super) fn rolled_out(deployment: &Deployment) -> bool {
    let status = deployment.status.clone().unwrap_or_default();
    let wanted = deployment.spec.as_ref().and_then(|s| s.replicas).unwrap_or(1);
    let updated = status.updated_replicas.unwrap_or(0);
    status.observed_generation == deployment.metadata.generation
        && updated >= wanted
        && status.replicas.unwrap_or(0) <= updated
        && status.available_replicas.unwrap_or(0) >= wanted
}
