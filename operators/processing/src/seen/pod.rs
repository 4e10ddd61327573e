//! A workload, reduced to the few facts that [`crate::diagnosis`] judges.

mod read;

use std::collections::BTreeMap;

use jiff::Timestamp;
use millrace_kit::Warning;
use serde::{Deserialize, Serialize};

/// What an attempt runs: a driver or main pod. Of a workload that is no pod only the facts that it has are filled in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadView {
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: String,
    /// `status.phase`.
    pub phase: String,
    /// When it was asked to go, its grace period not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Timestamp>,
    /// Seconds it has for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace: Option<i64>,
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// The node it is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// `status.reason` and `status.message`, as the kubelet writes them when it evicts or refuses a pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<(String, String)>,
    /// Reason and message of the condition DisruptionTarget, if True.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disrupted: Option<(String, String)>,
    /// Since when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disrupted_at: Option<Timestamp>,
    /// Reason and message of the condition PodScheduled, if False.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unscheduled: Option<(String, String)>,
    /// Whether its volumes and its network were there, so that only its containers are to be made.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sandboxed: bool,
    /// What its Events warn of, newest first; asked for where its start is slow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// The container of the program.
    pub container: ContainerView,
    /// What others have put beside it, by name: a service mesh's container, for one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub beside: BTreeMap<String, Beside>,
    /// Since when all its containers have ended and its phase does not say so, as far as this process knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unconfirmed: Option<Timestamp>,
}

impl WorkloadView {
    /// Whether nothing of it runs any more.
    pub(crate) fn over(&self) -> bool {
        self.closed() || self.ended() && self.beside.values().all(|one| matches!(one, Beside::Ended(_)))
    }

    /// Whether the node has said so: the last word on a pod.
    pub(crate) fn closed(&self) -> bool {
        matches!(self.phase.as_str(), "Succeeded" | "Failed")
    }

    /// Since when the program runs, as far as its node says; `None` if it does not run.
    pub(crate) fn running(&self) -> Option<Option<Timestamp>> {
        match self.container {
            ContainerView::Running { since } => Some(since),
            _ => None,
        }
    }

    /// `http://address:port`, once it has an address.
    pub(crate) fn url(&self, port: i32) -> Option<String> {
        let ip = self.ip.as_deref()?;
        Some(if ip.contains(':') { format!("http://[{ip}]:{port}") } else { format!("http://{ip}:{port}") })
    }

    /// Whether the program has ended, whatever else runs.
    pub(crate) fn ended(&self) -> bool {
        matches!(self.container, ContainerView::Ended { .. })
    }
}

/// The state of a container beside the program's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Beside {
    /// It has not ended, and the pod lasts until it does.
    Open,
    /// It runs under the list of init containers: the kubelet ends it after the others.
    Follows,
    /// It has ended, with this exit code.
    Ended(i32),
}

/// The state of the pod's container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ContainerView {
    /// The kubelet has not said anything.
    #[default]
    Unknown,
    /// It does not run yet.
    Waiting {
        /// Why, in one word.
        reason: String,
        /// Why.
        message: String,
    },
    /// It runs.
    Running {
        /// Since when.
        since: Option<Timestamp>,
    },
    /// It has ended.
    Ended {
        /// Exit code.
        code: i32,
        /// `Completed`, `Error`, `OOMKilled`, …
        reason: String,
        /// The termination log, or the last lines of the log.
        message: String,
        /// When it started.
        started: Option<Timestamp>,
        /// When it ended.
        finished: Option<Timestamp>,
    },
}
