//! Flink's own application mode: a ConfigMap, a Deployment that owns the TaskManagers, and a JobManager pod that asks for
//! them.

use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::api::resource as quantity};
use millrace_crds::{Quantity, engines::FlinkMode, processing_job::FlinkAttempt};
use millrace_kit::{Child, names};

use super::{Engine, Plan, Workers, sized};
use crate::{
    children::{account, flink, parts},
    model::{Flink, flink::State, millis},
    observe::{GrantView, PodView},
};

/// Name of the container of JobManager and TaskManagers, which Flink expects.
pub(crate) const CONTAINER: &str = "flink-main-container";
/// What the name of an attempt's ConfigMap begins with: TaskManagers mount the one Flink derives from its cluster's id.
pub(crate) const CONF_PREFIX: &str = "flink-config-";
/// What the name of a JobManager's pod ends with.
pub(crate) const SUFFIX: &str = "jobmanager";
/// The port of Flink's REST API.
pub(crate) const REST_PORT: i32 = 8081;
/// What `restoredFrom` says where there is nothing.
pub(crate) const EMPTY: &str = "Empty";

/// Name of an attempt's ConfigMap.
pub(crate) fn conf_name(base: &str) -> String {
    format!("{CONF_PREFIX}{base}")
}

/// Flink's id of an attempt's job: 32 hexadecimal digits.
pub(crate) fn job_id(owner_uid: &str, base: &str) -> String {
    hex(&[owner_uid, base, "job"])
}

/// 32 hexadecimal digits that depend on all parts.
pub(crate) fn hex(parts: &[&str]) -> String {
    // The alphabet of names is sixteen letters in order.
    let digit =
        |letter: char| "bcdfghjkmnpqrstv".find(letter).and_then(|at| char::from_digit(u32::try_from(at).ok()?, 16));
    names::hash(parts, 32).chars().filter_map(digit).collect()
}

/// Where a job keeps its state, as a URI with a slash at the end; known once its grant is.
pub(crate) fn root(plan: &Plan<'_>, state: &State) -> Option<String> {
    resolve(plan.grant()?, &state.bucket, &state.prefix)
}

/// As [`root`], for `bucket/NAME/prefix/`.
pub(crate) fn stored_root(grant: &GrantView, place: &str) -> Option<String> {
    let (name, prefix) = place.strip_prefix("bucket/")?.split_once('/')?;
    resolve(grant, name, prefix)
}

fn resolve(grant: &GrantView, name: &str, prefix: &str) -> Option<String> {
    let bucket = grant.buckets.iter().find(|b| b.name == name)?;
    Some(format!("s3://{}/{prefix}", bucket.bucket_name))
}

/// Where a JobManager's REST API is.
pub(crate) fn url(pod: &PodView) -> Option<String> {
    let ip = pod.ip.as_deref()?;
    Some(if ip.contains(':') { format!("http://[{ip}]:{REST_PORT}") } else { format!("http://{ip}:{REST_PORT}") })
}

/// Name of the pod.
pub(crate) fn pod_name(base: &str) -> String {
    format!("{base}-{SUFFIX}")
}

/// Names of the ConfigMaps of high availability, which Flink makes and nobody owns.
pub(crate) fn maps(base: &str, job_id: &str) -> [String; 2] {
    [format!("{base}-{job_id}-config-map"), format!("{base}-cluster-config-map")]
}

/// Where Flink puts a folder of checkpoints for each job.
pub(crate) fn checkpoints(root: &str) -> String {
    format!("{root}checkpoints")
}

/// Where savepoints go.
pub(crate) fn savepoints(root: &str) -> String {
    format!("{root}savepoints")
}

/// How a job takes over what it is restored from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClaimMode {
    /// It becomes its own, and goes when newer checkpoints have replaced it.
    Claim,
    /// It stays untouched.
    NoClaim,
}

/// How an attempt begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlinkStart {
    /// Flink's id of the job.
    pub job_id: String,
    /// What it is restored from, if anything.
    pub restore: Option<(String, ClaimMode)>,
    /// The parallelism that was stored for it.
    pub parallelism: Option<i32>,
}

impl FlinkStart {
    /// As the status says.
    fn of(stored: &FlinkAttempt, plan: &Plan<'_>) -> Self {
        let claim = if stored.claims == Some(true) { ClaimMode::Claim } else { ClaimMode::NoClaim };
        let path = stored.restored_from.clone().filter(|path| path != EMPTY);
        let restore = path.map(|path| (plan.fill_file(&path), claim));
        Self { job_id: stored.job_id.clone(), restore, parallelism: stored.parallelism }
    }
}

impl Engine for Flink {
    fn suffix(&self) -> &'static str {
        SUFFIX
    }

    fn memory(&self) -> (&'static str, &Quantity) {
        ("flink.jobManager.memory", &self.job_manager.1)
    }

    fn worker_memory(&self) -> Option<(&'static str, &Quantity)> {
        Some(("flink.taskManagers.memory", &self.task_manager.1))
    }

    fn workers(&self) -> Option<Workers> {
        // A batch job takes what its stages need.
        let fewest = if self.mode == FlinkMode::Batch { 1 } else { self.task_managers.0 };
        Some(Workers { name: "TaskManagers", label: "app", wanted: usize::try_from(fewest).unwrap_or(0) })
    }

    fn worker(&self, plan: &Plan<'_>) -> Option<Pod> {
        let (cpu, memory) = &self.task_manager;
        let mut resources = parts::resources(&cpu.0, &memory.0);
        let limit = Quantity(self.slots.saturating_add(1).to_string());
        let limit = if millis(&limit) < millis(cpu) { cpu.clone() } else { limit };
        resources.limits.get_or_insert_default().insert("cpu".to_owned(), quantity::Quantity(limit.0));
        Some(sized(flink::worker::pod(plan, self), plan.fill(&self.image), resources))
    }

    fn scheme(&self) -> &'static str {
        "s3"
    }

    fn children(&self, plan: &Plan<'_>) -> Vec<Child> {
        let Some(stored) = plan.flink else { return Vec::new() };
        let start = FlinkStart::of(stored, plan);
        let mut all = plan.account(&account::FLINK);
        if plan.seen.conf.is_none() {
            all.push(Child::of(plan.job, &flink::conf::build(plan, self, &start)));
        }
        if plan.seen.anchor.is_none() {
            all.push(Child::of(plan.job, &flink::anchor::build(plan, self, &start)));
        }
        all.push(Child::of(plan.job, &flink::pod::build(plan, self, &start)));
        all
    }

    fn url(&self, pod: &PodView) -> Option<String> {
        url(pod)
    }
}
