//! A pod, reduced to the few facts that [`crate::evidence`] judges.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod, PodStatus};
use kube::ResourceExt;
use millrace_kit::Warning;
use serde::{Deserialize, Serialize};

use crate::engine;

/// A driver or main pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodView {
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

impl PodView {
    /// Whether nothing of it runs any more.
    pub(crate) fn over(&self) -> bool {
        self.closed() || self.ended() && self.beside.values().all(|one| matches!(one, Beside::Ended(_)))
    }

    /// Whether the node has said so: the last word on a pod.
    pub(crate) fn closed(&self) -> bool {
        matches!(self.phase.as_str(), "Succeeded" | "Failed")
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

/// A pod as evidence.
pub(crate) fn view(pod: &Pod) -> PodView {
    let meta = &pod.metadata;
    let status = pod.status.clone().unwrap_or_default();
    let grace = meta.deletion_grace_period_seconds;
    let asked =
        |t: Timestamp| t.saturating_sub(std::time::Duration::from_secs(u64::try_from(grace.unwrap_or(0)).unwrap_or(0)));
    let found = |kind: &str, flag: &str| {
        status.conditions.iter().flatten().find(move |c| c.type_ == kind && c.status == flag).cloned()
    };
    let condition = |kind: &str, flag: &str| {
        found(kind, flag).map(|c| (c.reason.unwrap_or_default(), c.message.unwrap_or_default()))
    };
    let name = engine::container_of(pod);
    let ours = status.container_statuses.iter().flatten().find(|c| c.name == name);
    PodView {
        name: pod.name_any(),
        uid: pod.uid().unwrap_or_default(),
        phase: status.phase.clone().unwrap_or_default(),
        deleted: meta.deletion_timestamp.as_ref().map(|t| asked(t.0).unwrap_or(t.0)),
        grace,
        created: meta.creation_timestamp.as_ref().map(|t| t.0),
        node: pod.spec.as_ref().and_then(|s| s.node_name.clone()),
        ip: status.pod_ip.clone(),
        verdict: status.reason.clone().map(|r| (r, status.message.clone().unwrap_or_default())),
        disrupted: condition("DisruptionTarget", "True"),
        disrupted_at: found("DisruptionTarget", "True").and_then(|c| c.last_transition_time).map(|t| t.0),
        unscheduled: condition("PodScheduled", "False"),
        sandboxed: condition("PodReadyToStartContainers", "True").is_some(),
        warnings: Vec::new(),
        container: ours.and_then(|c| c.state.as_ref()).map_or(ContainerView::Unknown, container),
        beside: beside(&status, name),
        unconfirmed: None,
    }
}

/// Containers beside the program's. An init container that has ended came before the program and says nothing of its end.
fn beside(status: &PodStatus, ours: &str) -> BTreeMap<String, Beside> {
    let state = |one: &ContainerStatus| {
        let ended = one.state.as_ref().and_then(|s| s.terminated.as_ref());
        (one.name.clone(), ended.map_or(Beside::Open, |t| Beside::Ended(t.exit_code)))
    };
    let runs = |one: &&ContainerStatus| one.state.as_ref().is_some_and(|s| s.running.is_some());
    let inits = status.init_container_statuses.iter().flatten().filter(runs);
    let follow = inits.map(|one| (one.name.clone(), Beside::Follows));
    status.container_statuses.iter().flatten().filter(|one| one.name != ours).map(state).chain(follow).collect()
}

fn container(state: &ContainerState) -> ContainerView {
    if let Some(ended) = &state.terminated {
        return ContainerView::Ended {
            code: ended.exit_code,
            reason: ended.reason.clone().unwrap_or_default(),
            message: ended.message.clone().unwrap_or_default(),
            started: ended.started_at.as_ref().map(|t| t.0),
            finished: ended.finished_at.as_ref().map(|t| t.0),
        };
    }
    if let Some(running) = &state.running {
        return ContainerView::Running { since: running.started_at.as_ref().map(|t| t.0) };
    }
    state.waiting.as_ref().map_or(ContainerView::Unknown, |waiting| ContainerView::Waiting {
        reason: waiting.reason.clone().unwrap_or_default(),
        message: waiting.message.clone().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests;
