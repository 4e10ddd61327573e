//! The names by which Flink finds what belongs together.

use millrace_kit::names;

/// What the name of an attempt's ConfigMap begins with: TaskManagers mount the one Flink derives from its cluster's id.
pub(crate) const CONFIG_PREFIX: &str = "flink-config-";
/// What the name of a JobManager's pod ends with.
pub(crate) const SUFFIX: &str = "jobmanager";

/// Name of an attempt's ConfigMap.
pub(crate) fn config(attempt: &str) -> String {
    format!("{CONFIG_PREFIX}{attempt}")
}

/// Name of the pod.
pub(crate) fn pod(attempt: &str) -> String {
    format!("{attempt}-{SUFFIX}")
}

/// Names of the ConfigMaps of high availability, which Flink makes and nobody owns.
pub(crate) fn high_availability(attempt: &str, job_id: &str) -> [String; 2] {
    [format!("{attempt}-{job_id}-config-map"), format!("{attempt}-cluster-config-map")]
}

/// Flink's id of an attempt's job: 32 hexadecimal digits.
pub(crate) fn job_id(owner_uid: &str, attempt: &str) -> String {
    hex(&[owner_uid, attempt, "job"])
}

/// 32 hexadecimal digits that depend on all parts.
pub(crate) fn hex(parts: &[&str]) -> String {
    // The alphabet of names is sixteen letters in order.
    let digit =
        |letter: char| "bcdfghjkmnpqrstv".find(letter).and_then(|at| char::from_digit(u32::try_from(at).ok()?, 16));
    names::hash(parts, 32).chars().filter_map(digit).collect()
}
