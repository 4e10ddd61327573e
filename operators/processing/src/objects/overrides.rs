//! The user's wishes for pods that stand in the words of Kubernetes: placement and volumes.
//!
//! The model has refused what a pod of ours may not have; here it is only rendered.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{
        ConfigMapVolumeSource, EmptyDirVolumeSource, EphemeralVolumeSource, PersistentVolumeClaimSpec,
        PersistentVolumeClaimTemplate, PersistentVolumeClaimVolumeSource, PodSpec, SecretVolumeSource,
        TopologySpreadConstraint, Volume, VolumeMount, VolumeResourceRequirements,
    },
    apimachinery::pkg::api::resource::Quantity,
};
use millrace_crds::{
    pod::{placement::LabelSelector, volume::Volume as Wish},
    well_known::LABEL_OWNER_UID,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::build::BuildContext;

/// Size of an emptyDir that names none, as of /tmp.
const SIZE: &str = "1Gi";

/// Puts affinity, spread and scheduler into a pod's spec. A selector that is not given means the job's own pods.
pub(crate) fn place(context: &BuildContext<'_>, spec: &mut PodSpec) {
    let wishes = &context.work.pod;
    let uid = context.job.metadata.uid.clone().unwrap_or_default();
    let ours = || LabelSelector {
        match_labels: BTreeMap::from([(LABEL_OWNER_UID.to_owned(), uid.clone())]),
        ..LabelSelector::default()
    };
    let mut affinity = wishes.affinity.clone();
    if let Some(affinity) = &mut affinity {
        for pods in affinity.pod_affinity.iter_mut().chain(&mut affinity.pod_anti_affinity) {
            let preferred = pods.preferred_during_scheduling_ignored_during_execution.iter_mut();
            let required = pods.required_during_scheduling_ignored_during_execution.iter_mut();
            for term in required.chain(preferred.map(|p| &mut p.pod_affinity_term)) {
                term.label_selector.get_or_insert_with(ours);
            }
        }
    }
    let mut spread = wishes.topology_spread_constraints.clone();
    for one in &mut spread {
        one.label_selector.get_or_insert_with(ours);
    }
    let spread: Vec<TopologySpreadConstraint> = spread.iter().filter_map(said).collect();
    spec.affinity = affinity.as_ref().and_then(said);
    spec.topology_spread_constraints = (!spread.is_empty()).then_some(spread);
    spec.scheduler_name.clone_from(&wishes.scheduler_name);
}

/// What the user said, as Kubernetes' own type: the words are the same.
fn said<Ours: Serialize, Theirs: DeserializeOwned>(ours: &Ours) -> Option<Theirs> {
    serde_json::to_value(ours).and_then(serde_json::from_value).ok()
}

/// The user's volumes and their mounts. Their names are ours to choose, so that none can meet another's.
pub(crate) fn volumes(context: &BuildContext<'_>) -> (Vec<Volume>, Vec<VolumeMount>) {
    let wishes = context.work.pod.volumes.iter().enumerate();
    wishes.map(|(at, wish)| (volume(at, wish), mount(at, wish))).unzip()
}

fn name(at: usize) -> String {
    format!("volume-{at}")
}

fn mount(at: usize, wish: &Wish) -> VolumeMount {
    let read_only = wish.read_only.unwrap_or_else(|| wish.config_map.is_some() || wish.secret.is_some());
    VolumeMount {
        name: name(at),
        mount_path: wish.mount_path.clone(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    }
}

fn volume(at: usize, wish: &Wish) -> Volume {
    let quantity = |q: &millrace_crds::Quantity| Quantity(q.0.clone());
    Volume {
        name: name(at),
        empty_dir: wish.empty_dir.as_ref().map(|dir| EmptyDirVolumeSource {
            size_limit: Some(dir.size_limit.as_ref().map_or_else(|| Quantity(SIZE.to_owned()), quantity)),
            medium: None,
        }),
        ephemeral: wish.ephemeral.as_ref().map(|own| EphemeralVolumeSource {
            volume_claim_template: Some(PersistentVolumeClaimTemplate {
                metadata: None,
                spec: PersistentVolumeClaimSpec {
                    access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
                    storage_class_name: own.storage_class_name.clone(),
                    resources: Some(VolumeResourceRequirements {
                        requests: Some(BTreeMap::from([("storage".to_owned(), quantity(&own.size))])),
                        limits: None,
                    }),
                    ..PersistentVolumeClaimSpec::default()
                },
            }),
        }),
        config_map: wish
            .config_map
            .as_ref()
            .map(|own| ConfigMapVolumeSource { name: own.name.clone(), ..ConfigMapVolumeSource::default() }),
        secret: wish.secret.as_ref().map(|own| SecretVolumeSource {
            secret_name: Some(own.secret_name.clone()),
            ..SecretVolumeSource::default()
        }),
        persistent_volume_claim: wish
            .persistent_volume_claim
            .as_ref()
            .map(|own| PersistentVolumeClaimVolumeSource { claim_name: own.claim_name.clone(), read_only: None }),
        ..Volume::default()
    }
}
