//! What the pods of server and migration have in common: restricted, no token, the database's URI by reference.

use k8s_openapi::{
    api::core::v1::{
        Container, EmptyDirVolumeSource, EnvVar, PodSecurityContext, PodSpec, ResourceRequirements, SeccompProfile,
        SecurityContext, Volume, VolumeMount,
    },
    apimachinery::pkg::api::resource::Quantity,
};
use serde_json::json;

use crate::registry::model::Plan;

/// User and group of the image; a public image is run as the same one.
const USER: i64 = 10_001;

/// A variable with a plain value.
pub(crate) fn plain(name: &str, value: &str) -> EnvVar {
    EnvVar { name: name.to_owned(), value: Some(value.to_owned()), ..EnvVar::default() }
}

/// A variable from a Secret, read by the kubelet.
pub(crate) fn secret(name: &str, secret: &str, key: &str) -> EnvVar {
    let value = json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}});
    serde_json::from_value(value).unwrap_or_default()
}

/// The container, with the program as an argument of Python: nothing is taken from the image but Python and MLflow.
pub(crate) fn container(name: &str, plan: &Plan, program: &str) -> Container {
    let (database, key) = &plan.database;
    Container {
        name: name.to_owned(),
        image: Some(plan.image.clone()),
        image_pull_policy: Some(plan.pull_policy.to_owned()),
        command: Some(vec!["python3".to_owned(), "-c".to_owned(), program.to_owned()]),
        env: Some(vec![
            secret("MLFLOW_BACKEND_STORE_URI", database, key),
            plain("MLFLOW_DISABLE_TELEMETRY", "true"),
            plain("DO_NOT_TRACK", "true"),
            plain("HOME", "/tmp"),
            plain("PYTHONDONTWRITEBYTECODE", "1"),
            plain("PYTHONWARNINGS", "ignore"),
        ]),
        resources: Some(ResourceRequirements {
            requests: Some(
                [("cpu".to_owned(), plan.cpu.clone()), ("memory".to_owned(), plan.memory.clone())]
                    .into_iter()
                    .collect(),
            ),
            limits: Some([("memory".to_owned(), plan.memory.clone())].into_iter().collect()),
            ..ResourceRequirements::default()
        }),
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

/// A mounted volume.
pub(crate) fn mount(name: &str, path: &str) -> VolumeMount {
    VolumeMount { name: name.to_owned(), mount_path: path.to_owned(), ..VolumeMount::default() }
}

/// The pod around the container.
pub(crate) fn spec(container: Container) -> PodSpec {
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
        volumes: Some(vec![empty("tmp", None, "1Gi")]),
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
