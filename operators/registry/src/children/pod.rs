//! What the pods of servers, migrations and measurements have in common: restricted, no token, Secrets by reference.

use k8s_openapi::{
    api::core::v1::{
        Container, EmptyDirVolumeSource, EnvVar, PodSecurityContext, PodSpec, ResourceRequirements, SeccompProfile,
        SecretVolumeSource, SecurityContext, Volume, VolumeMount,
    },
    apimachinery::pkg::api::resource::Quantity,
};
use millrace_crds::ModelRegistry;
use serde_json::json;

use super::login;
use crate::registry::{names::Names, spec::Plan};

/// User and group of the image; a public image is run as the same one.
const USER: i64 = 10_001;
/// Size of `/tmp` in pods that keep nothing there.
pub(crate) const SCRATCH: &str = "1Gi";

/// A variable with a plain value.
pub(crate) fn plain(name: &str, value: &str) -> EnvVar {
    EnvVar { name: name.to_owned(), value: Some(verbatim(value)), ..EnvVar::default() }
}

/// What the kubelet makes this text of: of every `$$` it makes `$`, and `$(NAME)` it expands.
pub(crate) fn verbatim(text: &str) -> String {
    text.replace('$', "$$")
}

/// A variable from a Secret, read by the kubelet.
pub(crate) fn secret(name: &str, secret: &str, key: &str) -> EnvVar {
    let value = json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}});
    serde_json::from_value(value).unwrap_or_default()
}

/// What is given to the pods that use the database: its URI, and the key under which they tell what it is.
pub(crate) fn database(registry: &ModelRegistry, plan: &Plan) -> Vec<EnvVar> {
    let (database, key) = &plan.database;
    vec![
        secret("MLFLOW_BACKEND_STORE_URI", database, key),
        secret("MILLRACE_GIVEN_KEY", &Names::of(registry).login, login::GIVEN_KEY),
    ]
}

/// The container of a pod with MLflow, with the size of the plan.
pub(crate) fn container(name: &str, plan: &Plan, program: &str) -> Container {
    Container { resources: Some(size(&plan.cpu, &plan.memory)), ..bare(name, &plan.image, plan.pull_policy, program) }
}

/// The container, with the program as an argument of Python: nothing is taken from the image but Python and MLflow.
pub(crate) fn bare(name: &str, image: &str, pull_policy: &str, program: &str) -> Container {
    Container {
        name: name.to_owned(),
        image: Some(image.to_owned()),
        image_pull_policy: Some(pull_policy.to_owned()),
        command: Some(vec!["python3".to_owned(), "-c".to_owned(), program.to_owned()]),
        env: Some(vec![
            plain("MLFLOW_DISABLE_TELEMETRY", "true"),
            plain("DO_NOT_TRACK", "true"),
            plain("HOME", "/tmp"),
            plain("PYTHONDONTWRITEBYTECODE", "1"),
            plain("PYTHONWARNINGS", "ignore"),
        ]),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: serde_json::from_value(json!({"drop": ["ALL"]})).ok(),
            ..SecurityContext::default()
        }),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        volume_mounts: Some(vec![mount("tmp", "/tmp")]),
        ..Container::default()
    }
}

/// Requests of processor and memory; the memory is the limit too.
pub(crate) fn size(cpu: &Quantity, memory: &Quantity) -> ResourceRequirements {
    let requests = [("cpu".to_owned(), cpu.clone()), ("memory".to_owned(), memory.clone())];
    ResourceRequirements {
        requests: Some(requests.into_iter().collect()),
        limits: Some([("memory".to_owned(), memory.clone())].into_iter().collect()),
        ..ResourceRequirements::default()
    }
}

/// A mounted volume.
pub(crate) fn mount(name: &str, path: &str) -> VolumeMount {
    VolumeMount { name: name.to_owned(), mount_path: path.to_owned(), ..VolumeMount::default() }
}

/// A mounted volume that the container only reads.
pub(crate) fn read_only(name: &str, path: &str) -> VolumeMount {
    VolumeMount { read_only: Some(true), ..mount(name, path) }
}

/// A Secret as a volume. One that may be missing is mounted empty, and empties when the Secret goes.
pub(crate) fn secret_volume(name: &str, secret: &str, may_be_missing: bool) -> Volume {
    let source = SecretVolumeSource {
        secret_name: Some(secret.to_owned()),
        default_mode: Some(0o440),
        optional: may_be_missing.then_some(true),
        ..SecretVolumeSource::default()
    };
    Volume { name: name.to_owned(), secret: Some(source), ..Volume::default() }
}

/// The pod around the container, with this much of `/tmp`.
pub(crate) fn spec(container: Container, scratch: &str) -> PodSpec {
    PodSpec {
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            fs_group: Some(USER),
            seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), ..SeccompProfile::default() }),
            ..PodSecurityContext::default()
        }),
        containers: vec![container],
        volumes: Some(vec![empty("tmp", None, scratch)]),
        ..PodSpec::default()
    }
}

/// An empty directory.
pub(crate) fn empty(name: &str, medium: Option<&str>, limit: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            medium: medium.map(str::to_owned),
            size_limit: Some(Quantity(limit.to_owned())),
        }),
        ..Volume::default()
    }
}
