//! What surrounds a Flink job beside its pod.

use serde::{Deserialize, Serialize};

use super::child::ChildView;

/// What Flink keeps of a job for its next JobManager, read only where no JobManager can be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HaView {
    /// Whether the job's ConfigMap is there.
    pub found: bool,
    /// Number of the newest checkpoint in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<i64>,
}

/// What an ended attempt left that nobody owns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LeftoverView {
    /// Name of the attempt.
    pub base: String,
    /// Whether its JobManager may still write them.
    pub alive: bool,
    /// Its ConfigMaps of high availability.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maps: Vec<ChildView>,
}
