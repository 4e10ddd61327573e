//! The JobManager's pod: it has an API token, to ask for its TaskManagers.

use k8s_openapi::api::core::v1::{
    ConfigMapVolumeSource, Container, ContainerPort, EnvVar, EnvVarSource, ObjectFieldSelector, Pod, PodSpec, Volume,
    VolumeMount,
};
use millrace_crds::well_known::LABEL_ROLE;

use super::conf;
use crate::{
    children::{account, parts},
    engine::{
        Engine, Plan,
        flink::{self, CONTAINER, FlinkStart, REST_PORT},
    },
    model::Flink,
};

/// The pod of one attempt.
pub(crate) fn build(plan: &Plan<'_>, own: &Flink, _: &FlinkStart) -> Pod {
    let (mut volumes, mut mounts) = parts::volumes(plan);
    volumes.push(Volume {
        name: "conf".to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: flink::conf_name(plan.base),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    });
    mounts.push(VolumeMount {
        name: "conf".to_owned(),
        mount_path: conf::MOUNT.to_owned(),
        read_only: Some(true),
        ..VolumeMount::default()
    });
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
        name: CONTAINER.to_owned(),
        image: Some(plan.fill(&own.image)),
        image_pull_policy: Some(parts::pull(own.pull).to_owned()),
        command: Some(vec!["/docker-entrypoint.sh".to_owned()]),
        args: Some(vec![
            "bash".to_owned(),
            "-c".to_owned(),
            "kubernetes-jobmanager.sh kubernetes-application -Djobmanager.rpc.address=$(_POD_IP_ADDRESS)".to_owned(),
        ]),
        env: Some([vec![address], parts::env(plan), parts::users_env(plan, true)].concat()),
        ports: Some(vec![port("rest", REST_PORT), port("rpc", 6123), port("blobs", 6124)]),
        resources: Some(parts::resources(&own.job_manager.0.0, &own.job_manager.1.0)),
        volume_mounts: Some(mounts),
        security_context: Some(parts::container_wall()),
        ..Container::default()
    };
    let mut labels = parts::labels(plan.job, plan.numbers.1);
    labels.insert(LABEL_ROLE.to_owned(), "jobmanager".to_owned());
    labels.insert("app".to_owned(), plan.base.to_owned());
    labels.insert("component".to_owned(), "jobmanager".to_owned());
    labels.insert("type".to_owned(), "flink-native-kubernetes".to_owned());
    Pod {
        metadata: parts::pod_meta(plan, Some(format!("{}-{}", plan.base, own.suffix())), labels),
        spec: Some(PodSpec {
            containers: vec![container],
            volumes: Some(volumes),
            service_account_name: Some(account::FLINK.name.to_owned()),
            automount_service_account_token: Some(true),
            ..parts::pod_spec(plan)
        }),
        status: None,
    }
}
