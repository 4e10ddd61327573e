//! A pod read into the facts that are judged.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod, PodStatus};
use kube::ResourceExt;

use super::{Beside, ContainerView, WorkloadView};
use crate::job::name;

impl WorkloadView {
    /// The facts of a pod.
    pub(crate) fn of(pod: &Pod) -> Self {
        let meta = &pod.metadata;
        let status = pod.status.clone().unwrap_or_default();
        let grace = meta.deletion_grace_period_seconds;
        let asked = |t: Timestamp| {
            t.saturating_sub(std::time::Duration::from_secs(u64::try_from(grace.unwrap_or(0)).unwrap_or(0)))
        };
        let found = |kind: &str, flag: &str| {
            status.conditions.iter().flatten().find(move |c| c.type_ == kind && c.status == flag).cloned()
        };
        let condition = |kind: &str, flag: &str| {
            found(kind, flag).map(|c| (c.reason.unwrap_or_default(), c.message.unwrap_or_default()))
        };
        let name = name::container(pod);
        let ours = status.container_statuses.iter().flatten().find(|c| c.name == name);
        Self {
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
