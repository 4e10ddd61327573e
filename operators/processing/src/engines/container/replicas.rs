//! How the replicas of a container find each other: a headless Service, and variables in the words of torch.distributed.

use k8s_openapi::{
    api::core::v1::{EnvVar, PodSpec, Service, ServiceSpec},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use millrace_crds::well_known::{LABEL_ATTEMPT, LABEL_OWNER_UID};

use super::spec::Container;
use crate::{build::BuildContext, job::name as names, model::Section, objects::common};

/// The port the replicas meet at.
const MASTER_PORT: &str = "29500";

/// The name of a replica's pod, which is its host name too.
pub(crate) fn name(base: &str, suffix: &str, rank: usize) -> String {
    if rank == 0 { format!("{base}-{suffix}") } else { names::rank(base, rank) }
}

/// The Service of an attempt with several pods. It has no address; it gives each pod a name, also before it is ready,
/// since the replicas wait for each other to become so.
pub(crate) fn service(context: &BuildContext<'_>) -> Service {
    let labels = common::labels(context.job, context.attempt.number);
    let mut selector = labels.clone();
    selector.retain(|key, _| [LABEL_OWNER_UID, LABEL_ATTEMPT].contains(&key.as_str()));
    Service {
        metadata: ObjectMeta {
            name: Some(names::service(&context.attempt.name)),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            publish_not_ready_addresses: Some(true),
            selector: Some(selector),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// What the pod of this rank is told, if there are several.
pub(crate) fn env(context: &BuildContext<'_>, own: &Container, rank: usize) -> Vec<EnvVar> {
    if own.replicas == 1 {
        return Vec::new();
    }
    let master = format!("{}.{}", name(&context.attempt.name, own.suffix(), 0), names::service(&context.attempt.name));
    vec![
        common::var("RANK", rank.to_string()),
        common::var("WORLD_SIZE", own.replicas.to_string()),
        common::var("MASTER_ADDR", master),
        common::var("MASTER_PORT", MASTER_PORT),
    ]
}

/// Gives the pod of this rank its name in the Service, if there are several.
pub(crate) fn named(context: &BuildContext<'_>, own: &Container, spec: &mut PodSpec, rank: usize) {
    if own.replicas > 1 {
        spec.hostname = Some(name(&context.attempt.name, own.suffix(), rank));
        spec.subdomain = Some(names::service(&context.attempt.name));
    }
}
