//! The JobManager's pod: it has an API token, to ask for its TaskManagers.

use k8s_openapi::api::core::v1::{
    Container, ContainerPort, EnvVar, EnvVarSource, ObjectFieldSelector, Pod, PodSpec, Volume, VolumeMount,
};
use millrace_crds::well_known::LABEL_ROLE;

use super::{mounts, worker};
use crate::{
    build::BuildContext,
    engines::flink::layout::{BLOB_PORT, ENTRY_PATH, REST_PORT, RPC_PORT},
    engines::flink::spec::Flink,
    job::name::{FLINK_ACCOUNT, FLINK_CONTAINER},
    model::Section,
    objects::common,
};

/// The pod of one attempt.
pub(crate) fn build(context: &BuildContext<'_>, own: &Flink) -> Pod {
    let (volumes, mounts) = common::volumes(context);
    let files: Vec<(Volume, VolumeMount)> =
        [mounts::entry(context)].into_iter().chain(mounts::manager(context)).collect();
    let port = |name: &str, number: i32| ContainerPort {
        name: Some(name.to_owned()),
        container_port: number,
        ..ContainerPort::default()
    };
    let address = EnvVar {
        name: "_POD_IP_ADDRESS".to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector { field_path: "status.podIP".to_owned(), api_version: None }),
            ..EnvVarSource::default()
        }),
    };
    let container = Container {
        name: FLINK_CONTAINER.to_owned(),
        image: Some(context.fill_file(&own.image)),
        image_pull_policy: Some(common::pull(own.pull).to_owned()),
        command: Some(vec![ENTRY_PATH.to_owned()]),
        // The pod's address in place of a Service's name: nothing stands between JobManager and TaskManagers.
        args: Some(vec![
            "bash".to_owned(),
            "-c".to_owned(),
            "kubernetes-jobmanager.sh kubernetes-application -Djobmanager.rpc.address=$(_POD_IP_ADDRESS)".to_owned(),
        ]),
        env: Some([vec![address], worker::env(context), common::users_env(context, true)].concat()),
        ports: Some(vec![port("rest", REST_PORT), port("rpc", RPC_PORT), port("blobs", BLOB_PORT)]),
        resources: Some(common::resources(&own.job_manager.0.0, &own.job_manager.1.0)),
        volume_mounts: Some(mounts.into_iter().chain(files.iter().map(|(_, mount)| mount.clone())).collect()),
        security_context: Some(common::container_wall()),
        // For what ends before the log settings are read.
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    };
    let mut labels = common::labels(context.job, context.attempt.number);
    labels.insert(LABEL_ROLE.to_owned(), "jobmanager".to_owned());
    labels.insert("app".to_owned(), context.attempt.name.clone());
    labels.insert("component".to_owned(), "jobmanager".to_owned());
    labels.insert("type".to_owned(), "flink-native-kubernetes".to_owned());
    Pod {
        metadata: common::pod_meta(context, Some(format!("{}-{}", context.attempt.name, own.suffix())), labels),
        spec: Some(PodSpec {
            containers: vec![container],
            volumes: Some(volumes.into_iter().chain(files.into_iter().map(|(volume, _)| volume)).collect()),
            service_account_name: Some(FLINK_ACCOUNT.name.to_owned()),
            automount_service_account_token: Some(true),
            ..common::pod_spec(context)
        }),
        status: None,
    }
}
