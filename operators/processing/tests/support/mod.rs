//! The world around a job: a kubelet that lives a pod's life, a dataplane operator that answers grants, users.

#![allow(dead_code, reason = "each test binary uses a part")]

pub(crate) mod flink;
mod graph;
pub(crate) mod scenarios;
pub(crate) mod starts;

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{
        ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting, ContainerStatus, Pod,
        PodCondition,
    },
    apimachinery::pkg::apis::meta::v1::Time,
};
use millrace_crds::{
    DataGrant, ProcessingJob, ProcessingJobStatus, Reason,
    data_grant::{GrantedBucket, GrantedTopic},
};
use millrace_kit::{
    Standing, conditions,
    sim::{Actor, Scenario, World, once},
};
use serde_json::{Value, json};

/// What becomes of a pod.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Life {
    /// Runs, then exits with this code and these last words.
    Exit(i32, &'static str),
    /// Runs until somebody stops it.
    Forever,
    /// Its image cannot be pulled.
    NoImage,
    /// No node has room.
    NoRoom,
    /// No node takes it, in these words of the scheduler.
    Unplaced(&'static str),
    /// It is never set up: an Event of this reason says so in these words, until the Secret `late` is there.
    Warned(&'static str, &'static str),
    /// Runs, then its node is lost.
    NodeLost,
    /// Runs, then ends with 0, which the kubelet reports before the phase: this phase, if any, with this `reason: message`.
    Late(&'static str, &'static str),
    /// Runs, then exits with this code beside a container that was injected and runs on.
    Beside(i32, &'static str),
    /// As many pods, each with a life of its own.
    Ranks(&'static [Life]),
}

/// Who answers grants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Plane {
    /// Grants become ready.
    Answers,
    /// Grants say what is wrong with them.
    Refuses,
}

pub(crate) fn job(spec: Value) -> ProcessingJob {
    serde_json::from_value(json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob",
        "metadata": {"name": "features", "namespace": "ml"},
        "spec": spec,
    }))
    .unwrap()
}

pub(crate) fn live(world: &World) -> Option<ProcessingJob> {
    world.get::<ProcessingJob>("ml", "features")
}

pub(crate) fn status(world: &World) -> ProcessingJobStatus {
    live(world).and_then(|j| j.status).unwrap_or_default()
}

/// Run and attempt of a pod, from what it was told.
pub(crate) fn numbers(pod: &Pod) -> (i64, i64) {
    let env = pod.spec.as_ref().and_then(|s| s.containers.first()).and_then(|c| c.env.clone()).unwrap_or_default();
    let of = |name: &str| env.iter().find(|v| v.name == name).and_then(|v| v.value.clone()).unwrap_or_default();
    (of("MILLRACE_RUN").parse().unwrap_or(0), of("MILLRACE_ATTEMPT").parse().unwrap_or(0))
}

/// Rank of a pod among its peers, from what it was told.
fn rank(pod: &Pod) -> usize {
    let env = pod.spec.as_ref().and_then(|s| s.containers.first()).and_then(|c| c.env.clone()).unwrap_or_default();
    env.iter().find(|v| v.name == "RANK").and_then(|v| v.value.as_ref()?.parse().ok()).unwrap_or(0)
}

fn set(world: &World, pod: &Pod, phase: &str, state: Option<ContainerState>) {
    let now = Time(world.now());
    world.change::<Pod>("ml", &pod.metadata.name.clone().unwrap(), |p| {
        let container = p.spec.as_ref().unwrap().containers[0].name.clone();
        let status = p.status.get_or_insert_default();
        status.phase = Some(phase.to_owned());
        status.pod_ip = Some("10.0.0.9".to_owned());
        if let Some(mut state) = state {
            if let Some(running) = &mut state.running {
                running.started_at = Some(now.clone());
            }
            if let Some(ended) = &mut state.terminated {
                ended.started_at = p_started(status);
                ended.finished_at = Some(now.clone());
            }
            let one = ContainerStatus { name: container, state: Some(state), ..ContainerStatus::default() };
            status.container_statuses = Some(vec![one]);
        }
    });
}

/// Its main container ends.
fn exits(world: &World, pod: &Pod, end: (&str, i32, &str)) {
    let (phase, code, words) = end;
    let terminated = Some(ContainerStateTerminated {
        exit_code: code,
        reason: Some(if code == 0 { "Completed" } else { "Error" }.to_owned()),
        message: Some(words.to_owned()),
        ..ContainerStateTerminated::default()
    });
    set(world, pod, phase, Some(ContainerState { terminated, ..ContainerState::default() }));
}

fn ended(pod: &Pod) -> bool {
    let states = pod.status.iter().flat_map(|s| s.container_statuses.iter().flatten());
    states.filter_map(|c| c.state.as_ref()).any(|s| s.terminated.is_some())
}

/// A container that a webhook put before ours, and that runs.
fn beside(world: &World, pod: &Pod) {
    world.change::<Pod>("ml", &pod.metadata.name.clone().unwrap(), |p| {
        let running = Some(ContainerStateRunning::default());
        let state = Some(ContainerState { running, ..ContainerState::default() });
        let one = ContainerStatus { name: "istio-proxy".to_owned(), state, ..ContainerStatus::default() };
        p.status.get_or_insert_default().container_statuses.get_or_insert_default().insert(0, one);
    });
}

fn p_started(status: &k8s_openapi::api::core::v1::PodStatus) -> Option<Time> {
    let states = status.container_statuses.as_ref()?;
    states.first()?.state.as_ref()?.running.as_ref()?.started_at.clone()
}

fn condition(world: &World, pod: &Pod, kind: (&str, &str, &str)) {
    says_why(world, pod, kind, None);
}

fn says_why(world: &World, pod: &Pod, kind: (&str, &str, &str), message: Option<&str>) {
    world.change::<Pod>("ml", &pod.metadata.name.clone().unwrap(), |p| {
        let one = PodCondition {
            type_: kind.0.to_owned(),
            status: kind.1.to_owned(),
            reason: Some(kind.2.to_owned()),
            message: message.map(str::to_owned),
            ..PodCondition::default()
        };
        p.status.get_or_insert_default().conditions = Some(vec![one]);
    });
}

/// Moves pods on, one step at a time.
pub(crate) fn kubelet(life: fn(i64, i64) -> Life) -> Actor {
    Box::new(move |world| {
        for pod in world.list::<Pod>().into_iter().filter(|pod| !starts::is_worker(pod)) {
            let (run, attempt) = numbers(&pod);
            if pod.metadata.deletion_timestamp.is_some() {
                if matches!(life(run, attempt), Life::Warned(..)) && starts::give_up(world, &pod) {
                    return true;
                }
                continue;
            }
            let status = pod.status.clone().unwrap_or_default();
            let phase = status.phase.unwrap_or_default();
            let life = match life(run, attempt) {
                Life::Ranks(lives) => lives[rank(&pod)],
                alike => alike,
            };
            match (phase.as_str(), life) {
                ("", Life::NoImage) => {
                    let reason = Some("ErrImagePull".to_owned());
                    let message = Some("not found".to_owned());
                    let waiting = Some(ContainerStateWaiting { reason, message });
                    set(world, &pod, "Pending", Some(ContainerState { waiting, ..ContainerState::default() }));
                }
                ("", Life::NoRoom) => {
                    condition(world, &pod, ("PodScheduled", "False", "Unschedulable"));
                    set(world, &pod, "Pending", None);
                }
                ("", Life::Unplaced(words)) => {
                    says_why(world, &pod, ("PodScheduled", "False", "Unschedulable"), Some(words));
                    set(world, &pod, "Pending", None);
                }
                ("" | "Pending", Life::Warned(reason, words)) => {
                    if !starts::warned(world, &pod, reason, words) {
                        continue;
                    }
                }
                ("", _) => {
                    let running = Some(ContainerStateRunning::default());
                    set(world, &pod, "Running", Some(ContainerState { running, ..ContainerState::default() }));
                }
                ("Running", Life::Exit(code, words)) => {
                    exits(world, &pod, (if code == 0 { "Succeeded" } else { "Failed" }, code, words));
                }
                ("Running", Life::Late(..)) if !ended(&pod) => exits(world, &pod, ("Running", 0, "")),
                ("Running", Life::Late(phase, words)) if !phase.is_empty() => {
                    let (reason, message) = words.split_once(": ").unwrap_or((words, ""));
                    world.change::<Pod>("ml", &pod.metadata.name.clone().unwrap(), |p| {
                        let status = p.status.get_or_insert_default();
                        status.phase = Some(phase.to_owned());
                        status.reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
                        status.message = Some(message.to_owned()).filter(|message| !message.is_empty());
                    });
                }
                ("Running", Life::Beside(code, words)) if !ended(&pod) => {
                    exits(world, &pod, ("Running", code, words));
                    beside(world, &pod);
                }
                ("Running", Life::NodeLost) => {
                    condition(world, &pod, ("DisruptionTarget", "True", "DeletionByTaintManager"));
                    set(world, &pod, "Failed", None);
                }
                _ => continue,
            }
            return true;
        }
        false
    })
}

/// Answers grants.
pub(crate) fn dataplane(plane: Plane) -> Actor {
    Box::new(move |world| {
        let grants = world.list::<DataGrant>();
        let open = grants.iter().find(|g| g.status.as_ref().is_none_or(|s| s.observed_generation <= 0));
        open.is_some_and(|grant| {
            says(world, grant, plane);
            true
        })
    })
}

/// One answer.
pub(crate) fn says(world: &World, grant: &DataGrant, plane: Plane) {
    let now: Timestamp = world.now();
    world.change::<DataGrant>("ml", &grant.metadata.name.clone().unwrap(), |g| {
        let status = g.status.get_or_insert_default();
        status.observed_generation = 1;
        let standing = match plane {
            Plane::Answers => Standing::ready(Reason::Granted, "ok"),
            Plane::Refuses => Standing::progressing(Reason::BucketMissing, "DataBucket raw does not exist"),
        };
        conditions::stand(status, &standing, now);
        if plane == Plane::Answers {
            status.secret_name = g.metadata.name.clone();
            status.endpoint = Some("http://minio:9000".into());
            status.region = Some("us-east-1".into());
            status.path_style = Some(true);
            status.bootstrap_servers = Some("kafka:9092".into());
            let names = g.spec.access.iter().filter_map(|a| a.bucket.clone());
            status.buckets = names.map(|name| GrantedBucket { bucket_name: format!("ml-{name}"), name }).collect();
            let names = g.spec.access.iter().filter_map(|a| a.topic.clone());
            status.topics = names.map(|name| GrantedTopic { topic_name: format!("ml.{name}"), name }).collect();
        }
    });
}

/// Run and attempt of the status.
fn told(status: &ProcessingJobStatus) -> (i64, i64) {
    (status.run_number.unwrap_or(0), status.attempt.as_ref().map_or(0, |a| a.number))
}

/// What must hold after every step.
pub(crate) fn invariant(world: &World) -> Result<(), String> {
    let mut pods = world.list::<Pod>();
    pods.retain(|pod| !starts::is_worker(pod));
    let running = |p: &&Pod| {
        let phase = p.status.as_ref().and_then(|s| s.phase.clone()).unwrap_or_default();
        !matches!(phase.as_str(), "Succeeded" | "Failed")
    };
    let alive: Vec<_> = pods.iter().filter(running).collect();
    let attempts: BTreeSet<_> = alive.iter().map(|p| numbers(p)).collect();
    let names: BTreeSet<_> = alive.iter().map(|p| rank(p)).collect();
    if attempts.len() > 1 || names.len() < alive.len() {
        let names: Vec<_> = alive.iter().filter_map(|p| p.metadata.name.clone()).collect();
        return Err(format!("two attempts of one job at once: {names:?}"));
    }
    let Some(job) = live(world) else { return Ok(()) };
    let status = job.status.unwrap_or_default();
    let size = status.attempt.as_ref().and_then(|a| a.replicas).unwrap_or(1);
    if attempts.iter().next() == Some(&told(&status)) && alive.len() > usize::try_from(size).unwrap() {
        return Err(format!("{} pods, not {size}", alive.len()));
    }
    for pod in &pods {
        let name = pod.metadata.name.clone().unwrap_or_default();
        if numbers(pod) > told(&status) {
            return Err(format!("{name} exists before its attempt is stored"));
        }
        if world.created::<Pod>("ml", &name) > 1 {
            return Err(format!("{name} was created twice"));
        }
    }
    if let Some(attempt) = &status.attempt
        && let Some(name) = &attempt.pod
    {
        let ranks = (1..attempt.replicas.unwrap_or(1)).map(|rank| format!("{}-rank{rank}", attempt.name));
        if let Some(name) = ranks.chain([name.clone()]).find(|name| world.created::<Pod>("ml", name) > 1) {
            return Err(format!("{name} was created twice"));
        }
    }
    let wants = |name: &str| pods.iter().any(|p| p.metadata.name.as_deref() == Some(name));
    if let Some(attempt) = &status.attempt
        && let (Some(grant), Some(pod)) = (&attempt.grant, &attempt.pod)
        && wants(pod)
        && attempt.pod_uid.is_none()
        && world.get::<DataGrant>("ml", grant).is_none_or(|g| g.status.unwrap_or_default().secret_name.is_none())
        && millrace_kit::conditions::get(&status, "Succeeded").is_none()
    {
        return Err(format!("{pod} exists before its grant is ready"));
    }
    Ok(())
}

/// A job whose pods live like this, by run and attempt. A stream is looked at again and again for as long as it runs, so it
/// gets minutes.
pub(crate) fn scenario(name: &str, spec: Value, life: fn(i64, i64) -> Life) -> Scenario {
    let horizon = Duration::from_secs(if spec.get("flink").is_some() { 240 } else { 6 * 3600 });
    Scenario::new(name)
        .within(horizon)
        .given(move |world| world.apply(&job(spec.clone())))
        .actor(move || kubelet(life))
        .invariant(invariant)
}

/// A check of the end, in words.
pub(crate) fn must(holds: bool, what: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.into()) }
}
