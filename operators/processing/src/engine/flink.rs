//! Flink's own application mode: a ConfigMap, a Deployment that owns the TaskManagers, and a JobManager pod that asks for
//! them.

use millrace_crds::{Quantity, processing_job::FlinkAttempt};
use millrace_kit::{Child, names};

use super::{Engine, Plan};
use crate::{
    children::{account, flink},
    model::{Flink, flink::State},
    observe::PodView,
};

/// Name of the container of JobManager and TaskManagers, which Flink expects.
pub(crate) const CONTAINER: &str = "flink-main-container";
/// What the name of an attempt's ConfigMap begins with: TaskManagers mount the one Flink derives from its cluster's id.
pub(crate) const CONF_PREFIX: &str = "flink-config-";
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
    let bucket = plan.grant()?.buckets.iter().find(|b| b.name == state.bucket)?;
    Some(format!("s3://{}/{}", bucket.bucket_name, state.prefix))
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
}

impl FlinkStart {
    /// As the status says.
    pub(crate) fn of(stored: &FlinkAttempt) -> Self {
        let claim = if stored.claims == Some(true) { ClaimMode::Claim } else { ClaimMode::NoClaim };
        let path = stored.restored_from.clone().filter(|path| path != EMPTY);
        Self { job_id: stored.job_id.clone(), restore: path.map(|path| (path, claim)) }
    }
}

impl Engine for Flink {
    fn suffix(&self) -> &'static str {
        "jobmanager"
    }

    fn memory(&self) -> (&'static str, &Quantity) {
        ("flink.jobManager.memory", &self.job_manager.1)
    }

    fn scheme(&self) -> &'static str {
        "s3"
    }

    fn children(&self, plan: &Plan<'_>) -> Vec<Child> {
        let Some(stored) = plan.flink else { return Vec::new() };
        let start = FlinkStart::of(stored);
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
        let ip = pod.ip.as_deref()?;
        Some(if ip.contains(':') { format!("http://[{ip}]:{REST_PORT}") } else { format!("http://{ip}:{REST_PORT}") })
    }
}
