//! A pod, reduced to the few facts that [`crate::evidence`] judges.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerState, Pod};
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
    /// Reason and message of the condition PodScheduled, if False.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unscheduled: Option<(String, String)>,
    /// Whether its volumes and its network were there, so that only its containers are to be made.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sandboxed: bool,
    /// What its Events warn of, newest first; asked for where its start is slow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Its container.
    pub container: ContainerView,
}

impl PodView {
    /// Whether nothing of it runs any more.
    pub(crate) fn over(&self) -> bool {
        matches!(self.phase.as_str(), "Succeeded" | "Failed") || matches!(self.container, ContainerView::Ended { .. })
    }
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
    let condition = |kind: &str, flag: &str| {
        let found = status.conditions.iter().flatten().find(|c| c.type_ == kind && c.status == flag);
        found.map(|c| (c.reason.clone().unwrap_or_default(), c.message.clone().unwrap_or_default()))
    };
    let states = status.container_statuses.iter().flatten();
    let ours = states.clone().find(|c| engine::CONTAINERS.contains(&c.name.as_str())).or_else(|| states.clone().next());
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
        unscheduled: condition("PodScheduled", "False"),
        sandboxed: condition("PodReadyToStartContainers", "True").is_some(),
        warnings: Vec::new(),
        container: ours.and_then(|c| c.state.as_ref()).map_or(ContainerView::Unknown, container),
    }
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
