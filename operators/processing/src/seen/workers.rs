//! The pods that an application asks for itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::looks::{CALM, MISSING, Pace};

/// The workers of a live attempt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkersView {
    /// Since when they could come: the start of the pod that asks for them.
    pub since: Timestamp,
    /// How many run.
    pub running: usize,
    /// How many are there and do not run.
    pub idle: usize,
    /// One of those of which something is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<WaitingWorker>,
    /// Why the API server would not make one more, where there are too few.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Whether none has run since the attempt does, as far as this process has seen all of that time.
    pub never: bool,
}

/// A worker that does not run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingWorker {
    /// Name of its pod.
    pub pod: String,
    /// Who says why, as a reason of a condition, of a container or of an Event.
    pub reason: String,
    /// Why.
    pub message: String,
}

impl WorkersView {
    /// How often they are looked at.
    pub(crate) const fn pace(&self) -> &'static Pace {
        if self.idle > 0 || self.refused.is_some() { &MISSING } else { &CALM }
    }
}
