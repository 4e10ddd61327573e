//! The ConfigMap of a Flink attempt: settings, log settings, the TaskManagers' template, the entry point.
//!
//! Immutable, without secrets. JobManager and TaskManagers read the same one.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{ConfigMap, ConfigMapVolumeSource, KeyToPath, Volume, VolumeMount},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

use super::{settings, worker};
use crate::{
    children::parts,
    engine::{
        Plan,
        flink::{self, FlinkStart},
    },
    model::Flink,
};

/// Key of the settings.
pub(crate) const CONFIG: &str = "config.yaml";
/// Key of the log settings.
const LOG: &str = "log4j-console.properties";
/// Key of the TaskManagers' template; Flink looks for a file of that name.
const TEMPLATE: &str = "taskmanager-pod-template.yaml";
/// Key of the entry point.
const ENTRY: &str = "entry.sh";
/// Where the entry point is in a pod.
pub(super) const ENTRY_PATH: &str = "/etc/millrace/flink/entry.sh";

/// The ConfigMap of one attempt.
pub(crate) fn build(plan: &Plan<'_>, own: &Flink, start: &FlinkStart) -> ConfigMap {
    let data = [
        (CONFIG, settings::text(plan, own, start)),
        (LOG, include_str!("log4j-console.properties").to_owned()),
        (TEMPLATE, worker::template(plan, own)),
        (ENTRY, include_str!("entry.sh").to_owned()),
    ];
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(flink::conf_name(plan.base)),
            labels: Some(parts::labels(plan.job, plan.numbers.1)),
            ..ObjectMeta::default()
        },
        immutable: Some(true),
        data: Some(data.into_iter().map(|(key, text)| (key.to_owned(), text)).collect::<BTreeMap<_, _>>()),
        binary_data: None,
    }
}

/// The entry point as a file that can be run.
pub(super) fn entry(plan: &Plan<'_>) -> (Volume, VolumeMount) {
    file(plan, ("entry", "/etc/millrace/flink"), &[ENTRY])
}

/// What only the JobManager mounts: the settings, which Flink itself mounts into TaskManagers, and their template.
pub(super) fn manager(plan: &Plan<'_>) -> [(Volume, VolumeMount); 2] {
    [
        file(plan, ("conf", "/opt/flink/conf"), &[CONFIG, LOG]),
        file(plan, ("template", "/opt/flink/pod-template"), &[TEMPLATE]),
    ]
}

fn file(plan: &Plan<'_>, (name, path): (&str, &str), keys: &[&str]) -> (Volume, VolumeMount) {
    let item = |key: &&str| KeyToPath { key: (*key).to_owned(), path: (*key).to_owned(), mode: None };
    let volume = Volume {
        name: name.to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: flink::conf_name(plan.base),
            items: Some(keys.iter().map(item).collect()),
            default_mode: Some(0o555),
            optional: None,
        }),
        ..Volume::default()
    };
    let mount = VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: Some(true),
        ..VolumeMount::default()
    };
    (volume, mount)
}
