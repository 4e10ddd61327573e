//! What decide may know of a job's surroundings, as plain data; [`crate::observe`] fills it in.

mod child;
mod flink;
mod grant;
mod pod;
mod preflight;
mod workers;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use child::ChildView;
pub use flink::{HaView, LeftoverView};
pub use grant::GrantView;
pub use pod::{Beside, ContainerView, WorkloadView};
pub use preflight::{Answer, Preflight};
pub(crate) use workers::MAX_WORDS;
pub use workers::{WaitingWorker, WorkersView};

use crate::engines::flink::rest::FlinkView;

/// Everything decide knows beside the job itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Observed {
    /// What the live attempt runs: a pod, or what makes pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<WorkloadView>,
    /// The live attempt's workload was stored with its uid and is proved to be gone.
    pub lost: bool,
    /// The live attempt's other pods, in order of rank, as far as they are there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ranks: Vec<WorkloadView>,
    /// Names of those that were stored and are proved to be gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost_ranks: Vec<String>,
    /// Uid of the Service by which the live attempt's pods find each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The live attempt's grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantView>,
    /// Uid of the live attempt's ConfigMap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conf: Option<String>,
    /// Uid of the live attempt's Deployment, by which TaskManagers are owned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
    /// What its JobManager says of the live Flink attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flink: Option<FlinkView>,
    /// Savepoints that Flink has taken to delete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disposed: Vec<String>,
    /// What a Flink attempt without a JobManager has left for the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ha: Option<HaView>,
    /// The JobManager of the last attempt, if none is live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<WorkloadView>,
    /// What earlier Flink attempts left that nobody owns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<LeftoverView>,
    /// Specs that are kept to go back to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<ChildView>,
    /// The words of the last healthy spec, if the object's own was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<Value>,
    /// Whether the engine's ServiceAccount is there.
    pub account: bool,
    /// Whether its RoleBinding is there.
    pub binding: bool,
    /// Whether the disruption budget of drivers is there.
    pub budget: bool,
    /// Whether a new spec may take a running attempt's place; looked at only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preflight: Option<Preflight>,
    /// The pods that the application asks for itself, as they were at the last look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<WorkersView>,
    /// Whether this pass looked again, so that what changes by numbers and wordings only is told as it is now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub look: bool,
    /// Whether the job's DataPlane allows it a priority of the system; asked only where it names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_priority: Option<bool>,
    /// Grants that speak for the job's state while no attempt does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keepers: Vec<ChildView>,
    /// What earlier attempts left: pods, ConfigMaps, Deployments, Services, grants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub old: Vec<ChildView>,
}
