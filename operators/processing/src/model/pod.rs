//! The user's wishes for pods, checked against what pods of ours may have.

use millrace_crds::{
    Quantity,
    pod::{PodSubset, volume::Volume},
};

use super::{findings::Findings, references::looks_like_grant, section::Section};

/// Ours or the kernel's; nothing is mounted there or below.
const TAKEN: [&str; 7] = ["/tmp", "/dev", "/proc", "/sys", "/run", "/var/run", "/etc/millrace"];
/// What is mounted there would hide ours.
const ABOVE: [&str; 3] = ["/", "/etc", "/var"];

/// Notes everything a pod of this application may not have.
pub(crate) fn check(pod: &PodSubset, section: Option<&dyn Section>, findings: &mut Findings) {
    for key in pod.labels.keys().chain(pod.annotations.keys()) {
        let domain = key.split('/').next().unwrap_or_default();
        if domain == "millrace.dev" || domain.ends_with(".millrace.dev") || key.starts_with("spark-") {
            findings.note("pod.labels", format!("`{key}` is reserved by Millrace; remove it"));
        }
    }
    if pod.run_as_user == Some(0) {
        findings.note("pod.runAsUser", "0 is root, which jobs may not be; write the image's own user id");
    }
    size("pod.scratch", pod.scratch.as_ref(), findings);
    for (at, volume) in pod.volumes.iter().enumerate() {
        let field = format!("pod.volumes[{at}]");
        mount(&field, volume, findings);
        source(&field, volume, findings);
        if let Some((kind, who)) = section.and_then(|section| unreachable(section, volume)) {
            findings.note(
                format!("{field}.{kind}"),
                format!("the application makes its {who} itself, and they may mount nothing of the namespace; bring files by `reads`"),
            );
        }
    }
}

fn size(field: &str, given: Option<&Quantity>, findings: &mut Findings) {
    if let Some(wrong) = given.filter(|q| q.units().is_none()) {
        findings.note(field, format!("`{}` is not a valid quantity; use a value such as 2Gi", wrong.0));
    }
}

fn mount(field: &str, volume: &Volume, findings: &mut Findings) {
    let path = &volume.mount_path;
    let taken = |ours: &&str| path == ours || path.strip_prefix(*ours).is_some_and(|rest| rest.starts_with('/'));
    let odd = !path.starts_with('/') || path.contains(':') || path.split('/').any(|p| p == "." || p == "..");
    if odd {
        findings
            .note(format!("{field}.mountPath"), format!("`{path}` is not a plain absolute path; use for example /a/b"));
    } else if ABOVE.contains(&path.as_str()) || TAKEN.iter().any(taken) {
        findings.note(
            format!("{field}.mountPath"),
            format!("`{path}` is Millrace's or the kernel's own, or above it; mount it elsewhere"),
        );
    }
}

fn source(field: &str, volume: &Volume, findings: &mut Findings) {
    let kinds = [
        volume.empty_dir.is_some(),
        volume.ephemeral.is_some(),
        volume.config_map.is_some(),
        volume.secret.is_some(),
        volume.persistent_volume_claim.is_some(),
    ];
    if kinds.iter().filter(|given| **given).count() != 1 {
        findings.note(field, "give exactly one of emptyDir, ephemeral, configMap, secret, persistentVolumeClaim");
    }
    size(
        &format!("{field}.emptyDir.sizeLimit"),
        volume.empty_dir.as_ref().and_then(|d| d.size_limit.as_ref()),
        findings,
    );
    size(&format!("{field}.ephemeral.size"), volume.ephemeral.as_ref().map(|e| &e.size), findings);
    if let Some(secret) = volume.secret.as_ref().filter(|s| looks_like_grant(&s.secret_name)) {
        findings.note(
            format!("{field}.secret.secretName"),
            format!(
                "`{}` is the Secret of a DataGrant; access to data follows from reads and writes",
                secret.secret_name
            ),
        );
    }
}

/// The kind of volume that the walls keep from the pods an application makes, and what those are called.
fn unreachable(section: &dyn Section, volume: &Volume) -> Option<(&'static str, &'static str)> {
    let who = section.workers()?.name;
    let kinds = [
        (volume.config_map.is_some(), "configMap"),
        (volume.secret.is_some(), "secret"),
        (volume.persistent_volume_claim.is_some(), "persistentVolumeClaim"),
    ];
    kinds.into_iter().find_map(|(given, kind)| given.then_some((kind, who)))
}
