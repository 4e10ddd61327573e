//! The server's Deployment. Its pods start only after the migration's Job, and roll when image, login or bucket change.

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy},
        core::v1::{
            Container, ContainerPort, HTTPGetAction, PodSpec, PodTemplateSpec, Probe, SecretVolumeSource, Volume,
        },
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use kube::{ResourceExt, core::ObjectMeta};
use millrace_crds::{
    ModelRegistry,
    well_known::{GRANT_KEY_AWS_CONFIG, GRANT_MOUNT_PATH, LOGIN_KEY_PASSWORD, LOGIN_KEY_USERNAME},
};
use millrace_kit::Child;

use super::{PORT, login, pod};
use crate::registry::{GrantSeen, Names, labels, model::Plan, pods::SERVER};

const PROGRAM: &str = include_str!("serve.py");
/// Where the program keeps the users' configuration; in memory.
const RUN: &str = "/run/mlflow";
/// Prefix of artifacts in the bucket; what jobs write beside it is theirs.
const PREFIX: &str = "mlflow";
/// Annotation of the pods: they roll when the login changes.
const LOGIN: &str = "millrace.dev/login";

/// The Deployment, for the login with this fingerprint.
pub(crate) fn build(registry: &ModelRegistry, plan: &Plan, given: (&GrantSeen, &str)) -> Child {
    let (grant, fingerprint) = given;
    let labels = labels(registry, SERVER);
    let deployment = Deployment {
        metadata: ObjectMeta {
            name: Some(Names::of(registry).server),
            labels: Some(labels.clone()),
            ..ObjectMeta::default()
        },
        spec: Some(DeploymentSpec {
            replicas: Some(plan.replicas),
            revision_history_limit: Some(2),
            selector: LabelSelector { match_labels: Some(labels.clone()), ..LabelSelector::default() },
            // Never two versions of MLflow on one schema.
            strategy: Some(DeploymentStrategy { type_: Some("Recreate".to_owned()), ..DeploymentStrategy::default() }),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(labels),
                    annotations: Some([(LOGIN.to_owned(), fingerprint.to_owned())].into_iter().collect()),
                    ..ObjectMeta::default()
                }),
                spec: Some(spec(registry, plan, grant)),
            },
            ..DeploymentSpec::default()
        }),
        status: None,
    };
    Child::of(registry, &deployment)
}

fn spec(registry: &ModelRegistry, plan: &Plan, grant: &GrantSeen) -> PodSpec {
    let mut container = pod::container("mlflow", plan, PROGRAM);
    container.args = Some(args(registry, grant));
    let names = Names::of(registry);
    let mut env = container.env.take().unwrap_or_default();
    env.extend([
        pod::secret("MILLRACE_ADMIN_USERNAME", &names.login, LOGIN_KEY_USERNAME),
        pod::secret("MILLRACE_ADMIN_PASSWORD", &names.login, LOGIN_KEY_PASSWORD),
        pod::secret("MLFLOW_FLASK_SERVER_SECRET_KEY", &names.login, login::SESSION_KEY),
        pod::plain("AWS_CONFIG_FILE", &format!("{GRANT_MOUNT_PATH}/{GRANT_KEY_AWS_CONFIG}")),
        pod::plain("AWS_EC2_METADATA_DISABLED", "true"),
        pod::plain("MLFLOW_S3_ENDPOINT_URL", &grant.endpoint),
        // Three processes and their memory for a thing no registry needs.
        pod::plain("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false"),
    ]);
    if let Some(extra) = &plan.extra_admin {
        env.push(pod::secret("MILLRACE_EXTRA_ADMIN_USERNAME", extra, LOGIN_KEY_USERNAME));
        env.push(pod::secret("MILLRACE_EXTRA_ADMIN_PASSWORD", extra, LOGIN_KEY_PASSWORD));
    }
    container.env = Some(env);
    container.ports =
        Some(vec![ContainerPort { name: Some("http".to_owned()), container_port: PORT, ..ContainerPort::default() }]);
    probes(&mut container);
    let mut mounts = container.volume_mounts.take().unwrap_or_default();
    let mut given = pod::mount("grant", GRANT_MOUNT_PATH);
    given.read_only = Some(true);
    mounts.extend([pod::mount("run", RUN), given]);
    container.volume_mounts = Some(mounts);
    let mut spec = pod::spec(container);
    spec.termination_grace_period_seconds = Some(15);
    let secret = SecretVolumeSource {
        secret_name: Some(grant.secret.clone()),
        default_mode: Some(0o440),
        ..SecretVolumeSource::default()
    };
    spec.volumes.get_or_insert_default().extend([
        pod::empty("run", Some("Memory"), "1Mi"),
        Volume { name: "grant".to_owned(), secret: Some(secret), ..Volume::default() },
    ]);
    spec
}

fn args(registry: &ModelRegistry, grant: &GrantSeen) -> Vec<String> {
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
