//! The template of TaskManagers: Flink fills in names, sizes and commands, the walls are ours.

use k8s_openapi::api::core::v1::{Container, EnvVar, Pod, PodSpec};
use millrace_crds::well_known::{GRANT_KEY_AWS_CONFIG, GRANT_MOUNT_PATH, LABEL_ROLE};
use serde_json::json;

use super::mounts;
use crate::{build::BuildContext, engines::flink::spec::Flink, job::name::FLINK_CONTAINER, objects::common};

/// Our variables in JobManager and TaskManagers.
pub(super) fn env(context: &BuildContext<'_>) -> Vec<EnvVar> {
    let mut all = common::env(context);
    if context.grant().is_some_and(|grant| grant.secret.is_some()) {
        // Flink's S3 file system is built on the first AWS SDK, which reads its profiles from the file this one names.
        let file = format!("{GRANT_MOUNT_PATH}/{GRANT_KEY_AWS_CONFIG}");
        all.push(common::var("AWS_CREDENTIAL_PROFILES_FILE", file));
    }
    all
}

/// The template as JSON, which is YAML too.
pub(super) fn template(context: &BuildContext<'_>, own: &Flink) -> String {
    let mut body = serde_json::to_value(pod(context, own)).unwrap_or_default();
    if let Some(root) = body.as_object_mut() {
        root.insert("apiVersion".to_owned(), json!("v1"));
        root.insert("kind".to_owned(), json!("Pod"));
    }
    format!("{body:#}")
}

/// The template as a pod.
pub(crate) fn pod(context: &BuildContext<'_>, own: &Flink) -> Pod {
    let (mut volumes, mut mounts) = common::volumes(context);
    let (volume, mount) = mounts::entry(context);
    volumes.push(volume);
    mounts.push(mount);
    let container = Container {
        name: FLINK_CONTAINER.to_owned(),
        // TaskManagers are the JobManager's pods, and the wall lets a JobManager's pods read no Secret but its grant's.
        env: Some([env(context), common::users_env(context, false)].concat()),
        volume_mounts: Some(mounts),
        security_context: Some(common::container_wall()),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    };
    let mut labels = common::labels(context.job, context.attempt.number);
    // The pod cache leaves these out by this label.
    labels.insert(LABEL_ROLE.to_owned(), "executor".to_owned());
    let mut spec = PodSpec { containers: vec![container], volumes: Some(volumes), ..common::pod_spec(context) };
    // With high availability a TaskManager learns from a ConfigMap who leads.
    spec.automount_service_account_token = Some(own.state.is_some());
    Pod { metadata: common::pod_meta(context, None, labels), spec: Some(spec), status: None }
}
