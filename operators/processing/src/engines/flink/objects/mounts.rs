//! The files of an attempt's ConfigMap, as its pods see them.

use k8s_openapi::api::core::v1::{ConfigMapVolumeSource, KeyToPath, Volume, VolumeMount};

use crate::{
    build::BuildContext,
    engines::flink::{
        layout::{CONFIG, ENTRY, LOG, TEMPLATE},
        name,
    },
};

/// The entry point as a file that can be run.
pub(super) fn entry(context: &BuildContext<'_>) -> (Volume, VolumeMount) {
    file(context, ("entry", "/etc/millrace/flink"), &[ENTRY])
}

/// What only the JobManager mounts: the settings, which Flink itself mounts into TaskManagers, and their template.
pub(super) fn manager(context: &BuildContext<'_>) -> [(Volume, VolumeMount); 2] {
    [
        file(context, ("conf", "/opt/flink/conf"), &[CONFIG, LOG]),
        file(context, ("template", "/opt/flink/pod-template"), &[TEMPLATE]),
    ]
}

fn file(context: &BuildContext<'_>, (name, path): (&str, &str), keys: &[&str]) -> (Volume, VolumeMount) {
    let item = |key: &&str| KeyToPath { key: (*key).to_owned(), path: (*key).to_owned(), mode: None };
    let volume = Volume {
        name: name.to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: name::config(&context.attempt.name),
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
