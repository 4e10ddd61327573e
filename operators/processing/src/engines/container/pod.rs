//! A pod of a container job: no API token, a read-only root, scratch at /tmp.

use k8s_openapi::{
    api::core::v1::{
        Container as KubeContainer, EmptyDirVolumeSource, EnvVar, Pod, PodSpec, ResourceRequirements, Volume,
        VolumeMount,
    },
    apimachinery::pkg::api::resource::Quantity,
};
use millrace_crds::well_known::LABEL_ROLE;
use millrace_kit::{names, refs};

use super::{replicas, spec::Container};
use crate::{build::BuildContext, job::name::MAIN_CONTAINER, model::Section, objects::common};

/// The pod of this rank of one attempt.
pub(crate) fn build(context: &BuildContext<'_>, own: &Container, rank: usize) -> Pod {
    let (mut volumes, mut mounts) = common::volumes(context);
    if let Some(size) = &own.shared_memory {
        let memory =
            EmptyDirVolumeSource { medium: Some("Memory".to_owned()), size_limit: Some(Quantity(size.0.clone())) };
        volumes.push(Volume { name: "shm".to_owned(), empty_dir: Some(memory), ..Volume::default() });
        let path = "/dev/shm".to_owned();
        mounts.push(VolumeMount { name: "shm".to_owned(), mount_path: path, ..VolumeMount::default() });
    }
    let fill = |list: &[String]| -> Option<Vec<String>> {
        (!list.is_empty()).then(|| list.iter().map(|text| context.fill(text)).collect())
    };
    let container = KubeContainer {
        name: MAIN_CONTAINER.to_owned(),
        image: Some(context.fill_file(&own.image)),
        image_pull_policy: Some(common::pull(own.pull).to_owned()),
        command: fill(&own.command),
        args: fill(&own.args),
        env: Some(
            [
                common::env(context),
                own_env(context, own),
                replicas::env(context, own, rank),
                common::users_env(context, true),
            ]
            .concat(),
        ),
        resources: Some(resources(own)),
        volume_mounts: Some(mounts),
        security_context: Some(common::container_wall()),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..KubeContainer::default()
    };
    let mut labels = common::labels(context.job, context.attempt.number);
    labels.insert(LABEL_ROLE.to_owned(), "main".to_owned());
    let mut spec = PodSpec { containers: vec![container], volumes: Some(volumes), ..common::pod_spec(context) };
    replicas::named(context, own, &mut spec, rank);
    let name = replicas::name(&context.attempt.name, own.suffix(), rank);
    Pod { metadata: common::pod_meta(context, Some(name), labels), spec: Some(spec), status: None }
}

/// Where this run keeps its progress: a place no other run and no other job writes to.
fn own_env(context: &BuildContext<'_>, own: &Container) -> Vec<EnvVar> {
    let found = own.checkpoint.as_ref().and_then(|kept| {
        let bucket = context.grant()?.buckets.iter().find(|b| b.name == kept.bucket)?;
        let meta = &context.job.metadata;
        let (name, uid) = (meta.name.clone().unwrap_or_default(), meta.uid.clone().unwrap_or_default());
        let run = names::child(&name, &uid, &[&format!("run{}", context.run)]);
        Some(format!("{}://{}/{}{run}", own.scheme(), bucket.bucket_name, kept.prefix))
    });
    found.map(|uri| common::var("MILLRACE_CHECKPOINT", refs::literal(&uri))).into_iter().collect()
}

/// Kubernetes wants of extended resources that request and limit are the same.
fn resources(own: &Container) -> ResourceRequirements {
    let mut all = common::resources(&own.cpu.0, &own.memory.0);
    for (name, count) in &own.resources {
        for part in [&mut all.requests, &mut all.limits] {
            part.get_or_insert_default().insert(name.clone(), Quantity(count.to_string()));
        }
    }
    all
}
