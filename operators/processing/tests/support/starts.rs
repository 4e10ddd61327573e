//! What stands nowhere but in Events, and pods that the application asks for itself.

use k8s_openapi::{
    api::core::v1::{
        ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting, Event, Pod, Secret,
    },
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::ResourceExt;
use millrace_kit::sim::{Actor, World};
use serde_json::json;

use super::{condition, says_why, set};

pub(crate) fn is_worker(pod: &Pod) -> bool {
    pod.labels().get("millrace.dev/role").is_some_and(|role| role == "executor")
}

/// How often a kubelet repeats itself, in seconds.
const AGAIN: i64 = 120;

/// Tells of the pod's trouble in an Event, again and again, until what it waits for is there. Returns whether it moved.
pub(crate) fn warned(world: &World, pod: &Pod, reason: &str, message: &str) -> bool {
    if world.get::<Secret>("ml", "late").is_some() {
        let running = Some(ContainerStateRunning::default());
        set(world, pod, "Running", Some(ContainerState { running, ..ContainerState::default() }));
        return true;
    }
    if pod.status.is_none() {
        let waiting = Some(ContainerStateWaiting { reason: Some("ContainerCreating".to_owned()), message: None });
        set(world, pod, "Pending", Some(ContainerState { waiting, ..ContainerState::default() }));
        return true;
    }
    let name = format!("{}.1", pod.name_any());
    match world.get::<Event>("ml", &name) {
        None => {
            let event: Event = serde_json::from_value(json!({
                "metadata": {"name": name, "namespace": "ml"},
                "involvedObject": {"kind": "Pod", "name": pod.name_any(), "uid": pod.uid()},
                "type": "Warning", "reason": reason, "message": message, "lastTimestamp": world.now().to_string(),
            }))
            .unwrap();
            world.apply(&event);
            true
        }
        Some(told) => {
            let last = told.last_timestamp.map_or(0, |t| t.0.as_second());
            let again = world.now().as_second() >= last + AGAIN;
            if again {
                world.change::<Event>("ml", &name, |event| event.last_timestamp = Some(Time(world.now())));
            }
            again
        }
    }
}

/// What a kubelet says of a container that never ran, once its pod is deleted.
pub(crate) fn give_up(world: &World, pod: &Pod) -> bool {
    if pod.status.as_ref().is_some_and(|s| s.phase.as_deref() == Some("Failed")) {
        return false;
    }
    let terminated = Some(ContainerStateTerminated {
        exit_code: 137,
        reason: Some("ContainerStatusUnknown".to_owned()),
        message: Some("The container could not be located when the pod was deleted".to_owned()),
        ..ContainerStateTerminated::default()
    });
    set(world, pod, "Failed", Some(ContainerState { terminated, ..ContainerState::default() }));
    true
}

/// What becomes of workers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Worker {
    /// They are made, and no node takes them.
    Unplaced,
    /// They are made, and run once the job has told that they do not.
    Late,
    /// They run.
    Runs,
}

/// A driver or JobManager that asks for one worker, and what becomes of that.
pub(crate) fn workers(life: Worker) -> Actor {
    Box::new(move |world| {
        for pod in world.list::<Pod>() {
            let name = pod.name_any();
            let base = name.strip_suffix("-driver").or_else(|| name.strip_suffix("-jobmanager"));
            let runs = pod.status.as_ref().is_some_and(|s| s.phase.as_deref() == Some("Running"));
            let worker = base.map(|base| format!("{base}-exec-1"));
            let due = worker.filter(|_| runs && pod.metadata.deletion_timestamp.is_none());
            if let Some(worker) = due.filter(|name| world.get::<Pod>("ml", name).is_none()) {
                make(world, &pod, base.unwrap_or_default(), &worker);
                return true;
            }
            if is_worker(&pod) && step(world, &pod, life) {
                return true;
            }
        }
        false
    })
}

fn make(world: &World, owner: &Pod, base: &str, name: &str) {
    let worker: Pod = serde_json::from_value(json!({
        "metadata": {
            "name": name, "namespace": "ml",
            "labels": {"spark-app-selector": base, "app": base, "millrace.dev/role": "executor"},
            "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": owner.name_any(), "uid": owner.uid(), "controller": true}],
        },
        "spec": {"containers": [{"name": "spark-kubernetes-executor"}]},
    }))
    .unwrap();
    world.apply(&worker);
}

fn step(world: &World, pod: &Pod, life: Worker) -> bool {
    let phase = pod.status.as_ref().and_then(|s| s.phase.clone()).unwrap_or_default();
    let told = super::status(world).conditions.iter().any(|c| c.type_ == "WorkersReady" && c.status == "False");
    match (phase.as_str(), life) {
        ("", Worker::Unplaced | Worker::Late) => {
            let words = "0/1 nodes are available: 1 Insufficient cpu.";
            says_why(world, pod, ("PodScheduled", "False", "Unschedulable"), Some(words));
            set(world, pod, "Pending", None);
            true
        }
        ("", Worker::Runs) => runs(world, pod),
        ("Pending", Worker::Late) if told => {
            world.effect("told of a worker");
            runs(world, pod)
        }
        _ => false,
    }
}

fn runs(world: &World, pod: &Pod) -> bool {
    condition(world, pod, ("PodScheduled", "True", ""));
    let running = Some(ContainerStateRunning::default());
    set(world, pod, "Running", Some(ContainerState { running, ..ContainerState::default() }));
    true
}
