//! The server's Deployment. Its pods start only on what was migrated, and roll when anything they are given changes.
//!
//! The server before serves until the new one answers: the schema is never changed while one runs on it.

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::{Container, ContainerPort, EnvVar, HTTPGetAction, PodSpec, PodTemplateSpec, Probe},
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use kube::{ResourceExt, core::ObjectMeta};
use millrace_crds::{
    ModelRegistry,
    model_registry::Migrated,
    well_known::{GRANT_KEY_AWS_CONFIG, GRANT_MOUNT_PATH, LOGIN_KEY_PASSWORD, LOGIN_KEY_USERNAME},
};
use millrace_kit::Child;

use super::{login, pod};
use crate::{
    pods::{SCRATCH, SERVER, container_of},
    registry::{
        names::{GIVEN_PORT, Names, PORT, labels},
        seen::GrantView,
        spec::Plan,
    },
};

const PROGRAM: &str = concat!(include_str!("given.py"), "\n\n", include_str!("serve.py"));
/// Where the program keeps the users' configuration; in memory.
const RUN: &str = "/run/mlflow";
/// Where the Secrets lie, so that a change of one is seen.
const FILES: &str = "/run/millrace";
/// Prefix of artifacts in the bucket; what jobs write beside it is theirs.
const PREFIX: &str = "mlflow";
/// Annotation of the pods: they roll when the login changes.
const LOGIN: &str = "millrace.dev/login";
/// How long a roll-out may take before the Deployment says that it does not progress, in seconds.
const PROGRESS: i32 = 600;

/// What a server is given.
pub(crate) struct Given<'a> {
    /// The plan, on the image and the database that were migrated.
    pub(crate) plan: &'a Plan,
    /// What was migrated.
    pub(crate) migrated: &'a Migrated,
    /// Access to the bucket.
    pub(crate) grant: &'a GrantView,
    /// Fingerprint of the login.
    pub(crate) login: &'a str,
    /// Server pods.
    pub(crate) replicas: i32,
}

/// The Deployment.
pub(crate) fn build(registry: &ModelRegistry, given: &Given<'_>) -> Child {
    let labels = labels(registry, SERVER);
    let annotations = [(LOGIN.to_owned(), given.login.to_owned()), (SCRATCH.to_owned(), given.plan.scratch.0.clone())];
    let one_more =
        RollingUpdateDeployment { max_surge: Some(IntOrString::Int(1)), max_unavailable: Some(IntOrString::Int(0)) };
    let deployment = Deployment {
        metadata: ObjectMeta {
            name: Some(Names::of(registry).server),
            labels: Some(labels.clone()),
            ..ObjectMeta::default()
        },
        spec: Some(DeploymentSpec {
            replicas: Some(given.replicas),
            revision_history_limit: Some(2),
            progress_deadline_seconds: Some(PROGRESS),
            selector: LabelSelector { match_labels: Some(labels.clone()), ..LabelSelector::default() },
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".to_owned()),
                rolling_update: Some(one_more),
            }),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(labels),
                    annotations: Some(annotations.into_iter().collect()),
                    ..ObjectMeta::default()
                }),
                spec: Some(spec(registry, given)),
            },
            ..DeploymentSpec::default()
        }),
        status: None,
    };
    Child::of(registry, &deployment)
}

fn spec(registry: &ModelRegistry, given: &Given<'_>) -> PodSpec {
    let (plan, grant) = (given.plan, given.grant);
    let mut container = pod::container(container_of(SERVER), plan, PROGRAM);
    container.args = Some(args(registry, grant));
    container.env.get_or_insert_default().extend(env(registry, given));
    let port = |name: &str, number: i32| ContainerPort {
        name: Some(name.to_owned()),
        container_port: number,
        ..ContainerPort::default()
    };
    container.ports = Some(vec![port("http", PORT), port("given", GIVEN_PORT)]);
    probes(&mut container);
    let names = Names::of(registry);
    // Required as variables, so that a missing one is named by the kubelet; as files to see them change or go.
    let mut secrets = vec![("database", plan.database.0.as_str()), ("login", names.login.as_str())];
    secrets.extend(plan.extra_admin.as_deref().map(|admin| ("admin", admin)));
    let mounts = container.volume_mounts.get_or_insert_default();
    mounts.extend([pod::mount("run", RUN), pod::read_only("grant", GRANT_MOUNT_PATH)]);
    mounts.extend(secrets.iter().map(|(name, _)| pod::read_only(name, &format!("{FILES}/{name}"))));
    let mut spec = pod::spec(container, &plan.scratch.0);
    spec.termination_grace_period_seconds = Some(15);
    let volumes = spec.volumes.get_or_insert_default();
    volumes.extend([pod::empty("run", Some("Memory"), "1Mi"), pod::secret_volume("grant", &grant.secret, false)]);
    volumes.extend(secrets.iter().map(|(name, secret)| pod::secret_volume(name, secret, true)));
    spec
}

fn env(registry: &ModelRegistry, given: &Given<'_>) -> Vec<EnvVar> {
    let plan = given.plan;
    let names = Names::of(registry);
    let mut env = pod::database(registry, plan);
    env.extend([
        pod::secret("MILLRACE_ADMIN_USERNAME", &names.login, LOGIN_KEY_USERNAME),
        pod::secret("MILLRACE_ADMIN_PASSWORD", &names.login, LOGIN_KEY_PASSWORD),
        pod::secret("MLFLOW_FLASK_SERVER_SECRET_KEY", &names.login, login::SESSION_KEY),
        pod::plain("MILLRACE_DATABASE_SECRET", &given.migrated.secret),
        pod::plain("MILLRACE_DATABASE_FILE", &plan.database.1),
        pod::plain("AWS_CONFIG_FILE", &format!("{GRANT_MOUNT_PATH}/{GRANT_KEY_AWS_CONFIG}")),
        pod::plain("AWS_EC2_METADATA_DISABLED", "true"),
        pod::plain("MLFLOW_S3_ENDPOINT_URL", &given.grant.endpoint),
        // Three processes and their memory for a thing no registry needs.
        pod::plain("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false"),
    ]);
    env.extend(given.migrated.uri.as_deref().map(|uri| pod::plain("MILLRACE_MIGRATED", uri)));
    if let Some(extra) = &plan.extra_admin {
        env.push(pod::secret("MILLRACE_EXTRA_ADMIN_USERNAME", extra, LOGIN_KEY_USERNAME));
        env.push(pod::secret("MILLRACE_EXTRA_ADMIN_PASSWORD", extra, LOGIN_KEY_PASSWORD));
    }
    env
}

fn args(registry: &ModelRegistry, grant: &GrantView) -> Vec<String> {
    let port = PORT.to_string();
    let artifacts = format!("s3://{}/{PREFIX}", grant.bucket_name);
    let hosts = hosts(&Names::of(registry).server, &registry.namespace().unwrap_or_default());
    let pairs = [
        "--host",
        "0.0.0.0",
        "--port",
        &port,
        "--workers",
        "1",
        "--app-name",
        "basic-auth",
        "--serve-artifacts",
        "--artifacts-destination",
        &artifacts,
        "--allowed-hosts",
        &hosts,
    ];
    pairs.into_iter().map(str::to_owned).collect()
}

/// Every way to name the Service, and a forwarded port; MLflow refuses other `Host` headers.
fn hosts(service: &str, namespace: &str) -> String {
    let names = [
        service.to_owned(),
        format!("{service}.{namespace}"),
        format!("{service}.{namespace}.svc"),
        format!("{service}.{namespace}.svc.*"),
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
    ];
    let both = names.iter().flat_map(|name| [name.clone(), format!("{name}:*")]);
    both.collect::<Vec<_>>().join(",")
}

/// `/health` answers once the app with its login is loaded, needs no login and takes any `Host`. It says nothing of the
/// database: the operator asks that itself, and a restart would not bring a database back.
fn probes(container: &mut Container) {
    let probe = |period: i32, failures: i32| Probe {
        http_get: Some(HTTPGetAction {
            path: Some("/health".to_owned()),
            port: IntOrString::String("http".to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period),
        timeout_seconds: Some(5),
        failure_threshold: Some(failures),
        ..Probe::default()
    };
    // Python takes its time where the processor is shared.
    container.startup_probe = Some(probe(3, 200));
    container.readiness_probe = Some(probe(10, 3));
    container.liveness_probe = Some(probe(30, 4));
}
