//! The names of all that a job makes, derived so that a second look finds what a first one made.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use millrace_crds::{ProcessingJob, well_known::LABEL_ROLE};
use millrace_kit::names;

use crate::engines::flink::name as flink;

/// Name of the container of a Spark driver, which Spark expects.
pub(crate) const DRIVER_CONTAINER: &str = "spark-kubernetes-driver";
/// Name of the container of a JobManager or TaskManager, which Flink expects.
pub(crate) const FLINK_CONTAINER: &str = "flink-main-container";
/// Name of any other container that runs a user's program.
pub(crate) const MAIN_CONTAINER: &str = "main";

/// Labels of what our attempts own beside pods.
pub(crate) const OURS: &str = "millrace.dev/owner-kind=ProcessingJob";

/// Name of the disruption budget of Spark drivers, one per namespace.
pub(crate) const BUDGET: &str = "millrace-drivers";

/// A ServiceAccount that the pods of an engine run under, one per namespace, and what it is bound to.
pub(crate) struct Account {
    /// Name of the ServiceAccount and of its RoleBinding.
    pub name: &'static str,
    /// Name of the ClusterRole the chart brings.
    pub role: &'static str,
}

/// Of Spark drivers.
pub(crate) const SPARK_ACCOUNT: Account = Account { name: "millrace-spark", role: "millrace-spark-driver" };
/// Of Flink's JobManagers.
pub(crate) const FLINK_ACCOUNT: Account = Account { name: "millrace-flink", role: "millrace-flink-jobmanager" };

/// The name an attempt's objects are derived from.
pub(crate) fn attempt(job: &ProcessingJob, run: i64, number: i64) -> String {
    let uid = job.uid().unwrap_or_default();
    names::child(&job.name_any(), &uid, &[&format!("run{run}"), &format!("attempt{number}")])
}

/// What the objects of a preflight are named after; another spec is another preflight.
pub(crate) fn preflight(job: &ProcessingJob, hash: &str) -> String {
    names::child(&job.name_any(), &job.uid().unwrap_or_default(), &["preflight", hash])
}

/// Name of the ControllerRevision that keeps the spec with this hash.
pub(crate) fn revision(job: &ProcessingJob, hash: &str) -> String {
    names::child(&job.name_any(), &job.uid().unwrap_or_default(), &["spec", hash])
}

/// Name of an attempt's DataGrant and of its Secret.
pub(crate) fn grant(attempt: &str) -> String {
    format!("{attempt}-data")
}

/// Name of an attempt's ConfigMap, where the engine does not look for another one.
pub(crate) fn config(attempt: &str) -> String {
    format!("{attempt}-conf")
}

/// Name of an attempt's pod of this rank, from 1; rank 0 is its main pod.
pub(crate) fn rank(attempt: &str, rank: usize) -> String {
    format!("{attempt}-rank{rank}")
}

/// Name of the Service by which an attempt's pods find each other.
pub(crate) fn service(attempt: &str) -> String {
    format!("{attempt}-net")
}

/// The attempt's name out of kind and name of one of its objects.
pub(crate) fn attempt_of<'a>(kind: &str, name: &'a str) -> &'a str {
    match (kind, name.strip_prefix(flink::CONFIG_PREFIX)) {
        ("ConfigMap", Some(attempt)) => attempt,
        // Flink looks for a Deployment with its cluster's id for a name.
        ("Deployment", _) => name,
        _ => name.rsplit_once('-').map_or(name, |(attempt, _)| attempt),
    }
}

/// Name of the container in which a pod of ours runs the user's program. What others put beside it has other names, and
/// may stand before it in every list.
pub(crate) fn container(pod: &Pod) -> &'static str {
    match pod.labels().get(LABEL_ROLE).map(String::as_str) {
        Some("driver") => DRIVER_CONTAINER,
        Some("jobmanager") => FLINK_CONTAINER,
        _ => MAIN_CONTAINER,
    }
}
