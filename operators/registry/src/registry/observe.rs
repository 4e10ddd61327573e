//! What a ModelRegistry's pass sees: children, bucket and grant from the cache, the server by one shared look.

use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::Deployment,
    batch::v1::Job,
    core::v1::{Secret, Service},
};
use kube::{ResourceExt, core::ObjectMeta};
use millrace_crds::{DataBucket, DataGrant, ModelRegistry};
use millrace_kit::{Child, Key, Reader, conditions, later};
use serde::{Deserialize, Serialize};

use super::{Names, children::login::TYPE, model, wake_changed};
use crate::{
    mlflow::{Given, MlflowError},
    office::Office,
    pods::{self, PodSeen, SLOW, Trouble},
};

/// See the module.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Observed {
    /// Image of registries that name none.
    pub default_image: String,
    /// The login; absent if the operator has no key.
    pub login: Option<LoginSeen>,
    /// Why there is no login.
    pub login_problem: Option<String>,
    /// The Secrets the spec names that do not exist. Asked only while the registry is not Ready at its generation.
    pub missing_secrets: Vec<String>,
    /// The DataBucket of artifacts.
    pub bucket: Option<BucketSeen>,
    /// Our DataGrant.
    pub grant: Option<GrantSeen>,
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
    pub pods: Vec<PodSeen>,
    /// The server's answer; absent if it was not asked.
    pub server: Option<ServerSeen>,
}

/// The login, without its secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginSeen {
    /// Which login.
    pub fingerprint: String,
    /// Whether this process has written it.
    pub written: bool,
}

/// A DataBucket, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketSeen {
    /// The DataPlane it lives on.
    pub data_plane: String,
}

/// A DataGrant, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GrantSeen {
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
pub struct ServerSeen {
    /// What it says its version is.
    pub version: Option<String>,
    /// Why there is no catalogue.
    pub error: Option<MlflowError>,
    /// What the pod that answered was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Given>,
}

/// Looks.
pub(super) async fn observe(office: &Office, registry: &ModelRegistry, reader: &Reader) -> Observed {
    let uid = registry.uid().unwrap_or_default();
    let namespace = registry.namespace().unwrap_or_default();
    if registry.metadata.deletion_timestamp.is_some() {
        office.views.drop(&uid);
        return Observed::default();
    }
    let names = Names::of(registry);
    let at = |name: &str| Key::new(&namespace, name);
    let pods = pods::of(reader, &uid).await;
    let deployment = reader.child::<Deployment>(&at(&names.server), &uid);
    let server = match &deployment {
        Some(deployment) if available(deployment) => Some(ask(office, registry, reader).await),
        _ => None,
    };
    let given = server.as_ref().and_then(|s| s.given.as_ref());
    let evidence = Evidence { secret: &names.login, pods: &pods, given, now: reader.now() };
    let (login, login_problem) = login(office, &uid, &evidence);
    let job_name = registry.status.as_ref().and_then(|s| s.migration.as_ref()).map(|m| m.job.clone());
    let jobs = reader.cache.owned::<Job>(&uid);
    let (job, stale): (Vec<_>, Vec<_>) = jobs.iter().partition(|j| Some(j.name_any()) == job_name);
    let job = job.first().map(|j| (***j).clone());
    let bucket = reader.cached::<DataBucket>(&at(&registry.spec.artifacts.bucket));
    Observed {
        default_image: office.settings.image.clone(),
        login,
        login_problem,
        missing_secrets: missing_secrets(office, registry, reader).await,
        bucket: bucket
            .filter(|b| b.metadata.deletion_timestamp.is_none())
            .map(|b| BucketSeen { data_plane: b.spec.data_plane.clone() }),
        grant: reader.child::<DataGrant>(&at(&names.grant), &uid).map(|g| grant(&g)),
        job_trouble: podless(reader, job.as_ref(), &pods).await,
        job,
        stale_jobs: stale.iter().map(|j| (***j).clone()).collect(),
        service: reader.child::<Service>(&at(&names.server), &uid).map(|s| (*s).clone()),
        server,
        deployment: deployment.map(|d| (*d).clone()),
        pods,
    }
}

/// A Job without a pod says why in its own Events: a quota, an admission.
pub(crate) async fn podless(reader: &Reader, job: Option<&Job>, pods: &[PodSeen]) -> Option<Trouble> {
    let job = job?;
    let name = job.name_any();
    let born = job.creation_timestamp()?.0;
    if pods.iter().any(|p| p.job.as_ref() == Some(&name)) || reader.now() < later(born, SLOW) {
        return None;
    }
    pods::warned(reader, &job.namespace().unwrap_or_default(), &job.uid().unwrap_or_default()).await
}

/// Which of the named Secrets do not exist. The operator may not read them; whether one could be made says it too.
async fn missing_secrets(office: &Office, registry: &ModelRegistry, reader: &Reader) -> Vec<String> {
    let generation = registry.metadata.generation.unwrap_or(0);
    if registry.status.as_ref().is_some_and(|s| conditions::is_ready(s, generation)) {
        return Vec::new();
    }
    let Ok(plan) = model::parse(registry, &office.settings.image) else { return Vec::new() };
    let mut missing = Vec::new();
    for (_, name, _) in plan.secrets() {
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                namespace: registry.namespace(),
                ..ObjectMeta::default()
            },
            type_: Some(TYPE.to_owned()),
            ..Secret::default()
        };
        if reader.would_create(&Child::free(&secret)).await.is_ok() {
            missing.push(name.to_owned());
        }
    }
    missing
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

/// What speaks for or against the login's Secret being as it was written.
struct Evidence<'a> {
    secret: &'a str,
    pods: &'a [PodSeen],
    given: Option<&'a Given>,
    now: Timestamp,
}

fn login(office: &Office, uid: &str, evidence: &Evidence<'_>) -> (Option<LoginSeen>, Option<String>) {
    let login = match office.login(uid) {
        Ok(login) => login,
        Err(failure) => return (None, Some(failure.message)),
    };
    let missed = |p: &PodSeen| p.trouble.as_ref().is_some_and(|t| t.about(evidence.secret));
    if evidence.pods.iter().any(missed) {
        office.lost(uid);
    }
    if evidence.given.is_some_and(|g| g.login.mounted.as_ref() != Some(&login.mounted())) {
        office.altered(uid, evidence.now);
    }
    let written = office.has_written(uid, &login.fingerprint);
    (Some(LoginSeen { fingerprint: login.fingerprint, written }), None)
}

pub(crate) fn grant(grant: &DataGrant) -> GrantSeen {
    let Some(status) = &grant.status else { return GrantSeen::default() };
    let ready = conditions::get(status, "Ready");
    let bucket = status.buckets.first().map(|b| b.bucket_name.clone()).unwrap_or_default();
    GrantSeen {
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

async fn ask(office: &Office, registry: &ModelRegistry, reader: &Reader) -> ServerSeen {
    let uid = registry.uid().unwrap_or_default();
    let namespace = registry.namespace().unwrap_or_default();
    let now: Timestamp = reader.now();
    let Ok(server) = office.server(&uid, &url(registry)) else { return ServerSeen::default() };
    let (snapshot, changed) = office.views.of(&uid, &server, now).await;
    wake_changed(office, reader, (&namespace, &registry.name_any(), &changed));
    match snapshot.answer {
        Ok(catalogue) => {
            ServerSeen { version: Some(catalogue.server_version.clone()), error: None, given: catalogue.given.clone() }
        }
        Err(error) => ServerSeen { error: Some(error), ..ServerSeen::default() },
    }
}

/// The server's address inside the cluster.
pub(crate) fn url(registry: &ModelRegistry) -> String {
    let names = Names::of(registry);
    format!("http://{}.{}.svc:{}", names.server, registry.namespace().unwrap_or_default(), super::children::PORT)
}
