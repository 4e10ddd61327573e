//! What driver, executors and containers have in common: labels, variables, volumes, the walls around a pod.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{
        Capabilities, ConfigMap, ConfigMapKeySelector, EmptyDirVolumeSource, EnvVar, EnvVarSource,
        LocalObjectReference, Pod, PodSecurityContext, PodSpec, ResourceRequirements, SeccompProfile,
        SecretKeySelector, SecretVolumeSource, SecurityContext, Toleration, Volume, VolumeMount,
    },
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::ObjectMeta},
};
use millrace_crds::{
    ProcessingJob,
    engines::PullPolicy,
    job::EnvSource,
    well_known::{
        GRANT_KEY_AWS_CONFIG, GRANT_MOUNT_PATH, LABEL_ATTEMPT, LABEL_OWNER_KIND, LABEL_OWNER_NAME, LABEL_OWNER_UID,
        LABEL_QUEUE,
    },
};

use millrace_kit::refs;

use crate::build::BuildContext;

/// Longest label value.
const MAX_LABEL: usize = 63;

/// Labels of everything an attempt makes.
pub(crate) fn labels(job: &ProcessingJob, number: i64) -> BTreeMap<String, String> {
    let mut all = owner_labels(job);
    all.insert(LABEL_ATTEMPT.to_owned(), number.to_string());
    all
}

/// Labels of what belongs to a job. A name too long for a label is left out; the uid is always there.
pub(crate) fn owner_labels(job: &ProcessingJob) -> BTreeMap<String, String> {
    let name = job.metadata.name.clone().unwrap_or_default();
    let mut all = BTreeMap::from([
        (LABEL_OWNER_KIND.to_owned(), "ProcessingJob".to_owned()),
        (LABEL_OWNER_UID.to_owned(), job.metadata.uid.clone().unwrap_or_default()),
    ]);
    if name.len() <= MAX_LABEL {
        all.insert(LABEL_OWNER_NAME.to_owned(), name);
    }
    all
}

/// A variable with a value.
pub(crate) fn var(name: impl Into<String>, value: impl Into<String>) -> EnvVar {
    EnvVar { name: name.into(), value: Some(value.into()), value_from: None }
}

/// Our variables: names and addresses only, never a credential. They stand before the user's, which may refer to them.
pub(crate) fn env(context: &BuildContext<'_>) -> Vec<EnvVar> {
    let (run, number) = (context.run, context.attempt.number);
    let mut all = vec![var("MILLRACE_RUN", run.to_string()), var("MILLRACE_ATTEMPT", number.to_string())];
    if let Some(grant) = context.grant() {
        if grant.secret.is_some() {
            all.push(var("AWS_CONFIG_FILE", format!("{GRANT_MOUNT_PATH}/{GRANT_KEY_AWS_CONFIG}")));
        }
        let optional = [
            ("AWS_ENDPOINT_URL", &grant.endpoint),
            ("AWS_REGION", &grant.region),
            ("KAFKA_BOOTSTRAP_SERVERS", &grant.bootstrap_servers),
        ];
        all.extend(optional.into_iter().filter_map(|(name, value)| Some(var(name, refs::literal(value.as_ref()?)))));
        let upper = |name: &str| name.to_ascii_uppercase().replace('-', "_");
        all.extend(
            grant.buckets.iter().map(|b| var(format!("BUCKET_{}", upper(&b.name)), refs::literal(&b.bucket_name))),
        );
        all.extend(grant.topics.iter().map(|t| var(format!("TOPIC_{}", upper(&t.name)), refs::literal(&t.topic_name))));
    }
    all
}

/// The user's variables; those from Secrets and ConfigMaps only where it is asked for.
pub(crate) fn users_env(context: &BuildContext<'_>, sources: bool) -> Vec<EnvVar> {
    let mine = context.work.env.iter().filter(|own| sources || own.value_from.is_none());
    mine.map(|own| EnvVar {
        name: own.name.clone(),
        value: own.value.as_ref().map(|v| context.fill(v)),
        value_from: own.value_from.as_ref().map(source),
    })
    .collect()
}

fn source(from: &EnvSource) -> EnvVarSource {
    EnvVarSource {
        secret_key_ref: from.secret_key_ref.as_ref().map(|s| SecretKeySelector {
            name: s.name.clone(),
            key: s.key.clone(),
            optional: None,
        }),
        config_map_key_ref: from.config_map_key_ref.as_ref().map(|c| ConfigMapKeySelector {
            name: c.name.clone(),
            key: c.key.clone(),
            optional: None,
        }),
        ..EnvVarSource::default()
    }
}

/// What a container with these variables sees of those with a value: each may refer to the ones before it.
pub(crate) fn known(env: &[EnvVar]) -> Vec<(String, String)> {
    env.iter().fold(Vec::new(), |mut known, var| {
        if let Some(value) = &var.value {
            let value = refs::expand_kubelet(value, &known);
            known.push((var.name.clone(), value));
        }
        known
    })
}

/// Scratch space at /tmp, the grant's Secret, which the kubelet renews in place, and what the user wants mounted.
pub(crate) fn volumes(context: &BuildContext<'_>) -> (Vec<Volume>, Vec<VolumeMount>) {
    let scratch = context.work.pod.scratch.as_ref().map_or("1Gi", |q| q.0.as_str());
    let mut volumes = vec![Volume {
        name: "tmp".to_owned(),
        empty_dir: Some(EmptyDirVolumeSource { size_limit: Some(Quantity(scratch.to_owned())), medium: None }),
        ..Volume::default()
    }];
    let mut mounts =
        vec![VolumeMount { name: "tmp".to_owned(), mount_path: "/tmp".to_owned(), ..VolumeMount::default() }];
    if let Some(secret) = context.grant().and_then(|g| g.secret.clone()) {
        volumes.push(Volume {
            name: "grant".to_owned(),
            secret: Some(SecretVolumeSource { secret_name: Some(secret), ..SecretVolumeSource::default() }),
            ..Volume::default()
        });
        mounts.push(VolumeMount {
            name: "grant".to_owned(),
            mount_path: GRANT_MOUNT_PATH.to_owned(),
            read_only: Some(true),
            ..VolumeMount::default()
        });
    }
    let (more, at) = super::overrides::volumes(context);
    volumes.extend(more);
    mounts.extend(at);
    (volumes, mounts)
}

/// The container's wall: the restricted Pod Security Standard and a read-only root.
pub(crate) fn container_wall() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
        ..SecurityContext::default()
    }
}

/// A pod spec with the walls and the user's wishes; containers, volumes and account are the caller's.
pub(crate) fn pod_spec(context: &BuildContext<'_>) -> PodSpec {
    let wishes = &context.work.pod;
    let some = |map: &BTreeMap<String, String>| (!map.is_empty()).then(|| map.clone());
    let tolerations: Vec<Toleration> = wishes
        .tolerations
        .iter()
        .map(|t| Toleration {
            key: t.key.clone(),
            operator: t.operator.clone(),
            value: t.value.clone(),
            effect: t.effect.clone(),
            toleration_seconds: t.toleration_seconds,
        })
        .collect();
    let pulls: Vec<LocalObjectReference> =
        wishes.image_pull_secrets.iter().map(|s| LocalObjectReference { name: s.name.clone() }).collect();
    let mut spec = PodSpec {
        restart_policy: Some("Never".to_owned()),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(i64::try_from(context.work.grace.as_secs()).unwrap_or(i64::MAX)),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: wishes.run_as_user,
            fs_group: wishes.fs_group.or(wishes.run_as_user),
            seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
            ..PodSecurityContext::default()
        }),
        node_selector: some(&wishes.node_selector),
        tolerations: (!tolerations.is_empty()).then_some(tolerations),
        priority_class_name: wishes.priority_class_name.clone(),
        image_pull_secrets: (!pulls.is_empty()).then_some(pulls),
        ..PodSpec::default()
    };
    super::overrides::place(context, &mut spec);
    spec
}

/// The word of a pull policy.
pub(crate) const fn pull(policy: PullPolicy) -> &'static str {
    match policy {
        PullPolicy::IfNotPresent => "IfNotPresent",
        PullPolicy::Always => "Always",
        PullPolicy::Never => "Never",
    }
}

/// Request of cpu, request and limit of memory: memory is not taken back, cpu is.
pub(crate) fn resources(cpu: &str, memory: &str) -> ResourceRequirements {
    let quantity = |text: &str| Quantity(text.to_owned());
    ResourceRequirements {
        requests: Some(BTreeMap::from([("cpu".to_owned(), quantity(cpu)), ("memory".to_owned(), quantity(memory))])),
        limits: Some(BTreeMap::from([("memory".to_owned(), quantity(memory))])),
        claims: None,
    }
}

/// An attempt's ConfigMap, which never changes.
pub(crate) fn config_map(context: &BuildContext<'_>, name: String, data: BTreeMap<String, String>) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name),
            labels: Some(labels(context.job, context.attempt.number)),
            ..ObjectMeta::default()
        },
        immutable: Some(true),
        data: Some(data),
        binary_data: None,
    }
}

/// Metadata of a pod: the user's labels and annotations under ours.
pub(crate) fn pod_meta(context: &BuildContext<'_>, name: Option<String>, ours: BTreeMap<String, String>) -> ObjectMeta {
    let mut labels = context.work.pod.labels.clone();
    labels.extend(ours);
    labels.extend(context.work.pod.queue.clone().map(|queue| (LABEL_QUEUE.to_owned(), queue)));
    let annotations = context.work.pod.annotations.clone();
    ObjectMeta {
        name,
        labels: Some(labels),
        annotations: (!annotations.is_empty()).then_some(annotations),
        ..Default::default()
    }
}

/// A template with its image and its size, as an engine fills it in.
pub(crate) fn sized(mut pod: Pod, image: String, resources: ResourceRequirements) -> Pod {
    if let Some(container) = pod.spec.as_mut().and_then(|spec| spec.containers.first_mut()) {
        container.image = Some(image);
        container.resources = Some(resources);
    }
    pod
}
