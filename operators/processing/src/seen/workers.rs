//! The pods that an application asks for itself.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use millrace_kit::{causes, conditions::cut};
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

/// Longest words that are kept, in bytes.
pub(crate) const MAX_WORDS: usize = 1_024;

impl WaitingWorker {
    /// What a pod's own status says of its start, if it says anything.
    pub(crate) fn of(pod: &Pod) -> Option<Self> {
        let status = pod.status.clone().unwrap_or_default();
        let unscheduled = status.conditions.iter().flatten().find(|c| c.type_ == "PodScheduled" && c.status == "False");
        let unscheduled = unscheduled.map(|c| (c.reason.clone(), c.message.clone()));
        let waiting = status.container_statuses.iter().flatten().filter_map(|c| c.state.as_ref()?.waiting.as_ref());
        let mut words = unscheduled.into_iter().chain(waiting.map(|w| (w.reason.clone(), w.message.clone())));
        words.find_map(|(reason, message)| {
            let (reason, message) = (reason.unwrap_or_default(), message.unwrap_or_default());
            causes::of(&reason, &message)?;
            Some(Self { pod: pod.name_any(), reason, message: cut(&message, MAX_WORDS).to_owned() })
        })
    }
}

impl WorkersView {
    /// How often they are looked at.
    pub(crate) const fn pace(&self) -> &'static Pace {
        if self.idle > 0 || self.refused.is_some() { &MISSING } else { &CALM }
    }
}
