//! Starts that stand still for what the pod's own status does not say, and workers that do not come.

use std::cell::Cell;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, Secret};
use millrace_crds::{
    DataGrant, Reason,
    processing_job::{AttemptResult, FailureClass, JobPhase},
};
use millrace_kit::{Address, Failure, Standing, conditions, sim::Actor};
use serde_json::{Value, json};

use super::*;
use crate::support::starts::{Worker, workers};

const NO_SECRET: Life =
    Life::Warned("FailedMount", "MountVolume.SetUp failed for volume \"tls\" : secret \"late\" not found");
const NO_CLAIM: Life = Life::Unplaced("0/1 nodes are available: persistentvolumeclaim \"scratch\" not found.");
const NO_SANDBOX: Life = Life::Warned(
    "FailedCreatePodSandBox",
    "Failed to create pod sandbox: container init was OOM-killed (memory limit too low?): unknown",
);

fn message(world: &World, kind: &str) -> String {
    conditions::get(&status(world), kind).map(|c| c.message.clone()).unwrap_or_default()
}

/// Notes once that a condition says this; a story's effects must be the same in every order.
fn told(kind: &'static str, words: &'static str) -> Actor {
    let mut done = false;
    Box::new(move |world| {
        let now = !done && message(world, kind).contains(words);
        if now {
            done = true;
            world.effect(format!("told: {words}"));
        }
        now
    })
}

fn spark(more: Value) -> Value {
    let mut spec = json!({"spark": {"image": "flights:1", "main": "local:///app/sleep.py", "executors": {"count": 1}}});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    spec
}

/// Failed for good at the first attempt, which never ran.
fn never_ran(world: &World, class: FailureClass, words: &str) -> Result<(), String> {
    phase(world, JobPhase::Failed)?;
    last(world, (1, 1, AttemptResult::Failed, Some(class)))?;
    let record = status(world).last_attempts[0].clone();
    must(record.message.as_ref().is_some_and(|m| m.contains(words)), format!("{:?}", record.message))?;
    must(record.exit_code.is_none(), format!("an exit code of what never ran: {:?}", record.exit_code))?;
    must(world.effects() == [format!("told: {words}")], format!("{:?}", world.effects()))
}

/// As a quota does that is full with the driver.
fn tight(at: &Address, body: &Value) -> Result<(), Failure> {
    let worker = body.pointer("/metadata/labels").is_some_and(|l| l["millrace.dev/role"] == "executor");
    let told = format!(
        "pods \"{}\" is forbidden: exceeded quota: tight, requested: pods=1, used: pods=1, limited: pods=1",
        at.key.name
    );
    if at.kind.kind == "Pod" && worker { Err(Failure::http(403, "Forbidden", told)) } else { Ok(()) }
}

/// The kubelet's turns between pulling and waiting, more often than any start takes.
fn turns() -> Actor {
    let left = Cell::new(12);
    Box::new(move |world| {
        let Some(pod) = world.list::<Pod>().into_iter().find(|pod| pod.metadata.deletion_timestamp.is_none()) else {
            return false;
        };
        let waiting = |pod: &ContainerStatus| pod.state.as_ref()?.waiting.as_ref()?.reason.clone();
        let said = pod.status.as_ref().and_then(|s| waiting(s.container_statuses.as_ref()?.first()?));
        let next = match said.as_deref() {
            Some("ErrImagePull") => ("ImagePullBackOff", "Back-off pulling image \"train:1\""),
            Some("ImagePullBackOff") => ("ErrImagePull", "docker.io/library/train:1: not found"),
            _ => return false,
        };
        if left.get() == 0 {
            return false;
        }
        left.set(left.get() - 1);
        world.change::<Pod>("ml", &pod.metadata.name.clone().unwrap(), |pod| {
            let all = pod.status.as_mut().unwrap().container_statuses.as_mut().unwrap();
            let waiting = all[0].state.as_mut().unwrap().waiting.as_mut().unwrap();
            (waiting.reason, waiting.message) = (Some(next.0.to_owned()), Some(next.1.to_owned()));
        });
        true
    })
}

/// A grant that waits for alpha, then for beta, then gives.
fn alpha_then_beta() -> Actor {
    Box::new(|world| {
        let Some(grant) = world.list::<DataGrant>().into_iter().next() else { return false };
        let said = conditions::get(&grant.status.clone().unwrap_or_default(), "Ready").map(|c| c.message.clone());
        let heard = |words: &str| message(world, "DataReady").contains(words);
        let next = match said.as_deref() {
            None => Standing::progressing(Reason::BucketMissing, "DataBucket alpha does not exist"),
            Some(m) if m.contains("alpha") && heard("alpha") => Standing::progressing(
                Reason::BucketMissing,
                "DataBucket beta names the DataPlane typo, which does not exist",
            ),
            Some(m) if m.contains("beta") && heard("beta") => {
                world.effect("told: beta");
                crate::support::says(world, &grant, Plane::Answers);
                return true;
            }
            _ => return false,
        };
        world.change::<DataGrant>("ml", &grant.metadata.name.clone().unwrap(), |grant| {
            let status = grant.status.get_or_insert_default();
            status.observed_generation = 1;
            conditions::stand(status, &next, world.now());
        });
        true
    })
}

pub(crate) fn all() -> Vec<Scenario> {
    let soon = json!({"deadlines": {"start": "2m"}});
    vec![
        scenario("a Secret of a volume is missing", container(soon.clone()), |_, _| NO_SECRET)
            .actors(|| vec![told("Ready", "secret \"late\" not found")])
            .then(|w| never_ran(w, FailureClass::Configuration, "secret \"late\" not found"))
            .writes(7),
        scenario("a Secret of a volume comes late", container(soon.clone()), |_, _| NO_SECRET)
            .actors(|| {
                vec![once(
                    |w| message(w, "Ready").contains("\"late\" not found"),
                    |w| {
                        let secret = json!({"metadata": {"name": "late", "namespace": "ml"}});
                        w.apply(&serde_json::from_value::<Secret>(secret).unwrap());
                    },
                )]
            })
            .then(|w| phase(w, JobPhase::Running).and_then(|()| ready(w, "Running")))
            .writes(4),
        scenario("a sandbox of one byte", container(soon.clone()), |_, _| NO_SANDBOX)
            .actors(|| vec![told("Ready", "memory limit too low")])
            .then(|w| never_ran(w, FailureClass::Configuration, "memory limit too low"))
            .writes(7),
        scenario("a claim is missing", container(soon.clone()), |_, _| NO_CLAIM)
            .actors(|| vec![told("Ready", "create the PersistentVolumeClaim scratch")])
            .then(|w| never_ran(w, FailureClass::Configuration, "create the PersistentVolumeClaim scratch"))
            .writes(7),
        scenario("an image is pulled in turns", container(soon), |_, _| Life::NoImage)
            .actors(|| vec![turns()])
            .then(|w| {
                phase(w, JobPhase::Failed)?;
                last(w, (1, 1, AttemptResult::Failed, Some(FailureClass::Image)))
            })
            // One more than if it were not: at a look the newest words are told.
            .writes(8),
        scenario(
            "the cause of a wait for data changes",
            container(json!({"reads": ["bucket/alpha", "bucket/beta"], "deadlines": {"start": "20m"}})),
            |_, _| OK,
        )
        .actors(|| vec![alpha_then_beta()])
        .then(|w| {
            phase(w, JobPhase::Succeeded)?;
            must(w.effects().len() == 1, "the second cause was not told")
        })
        .writes(10),
        scenario(
            "executors find no node",
            spark(json!({"deadlines": {"workers": "3m"}, "retry": {"infrastructureLimit": 0}})),
            |_, _| Life::Forever,
        )
        .actors(|| vec![workers(Worker::Unplaced), told("WorkersReady", "1 Insufficient cpu")])
        .then(|w| ended_without_workers(w, "1 Insufficient cpu"))
        .writes(12),
        scenario(
            "executors over the quota",
            spark(json!({"deadlines": {"workers": "3m"}, "retry": {"infrastructureLimit": 0}})),
            |_, _| Life::Forever,
        )
        .given(|w| w.admission(Some(tight)))
        .actors(|| vec![told("WorkersReady", "exceeded quota: tight")])
        .then(|w| ended_without_workers(w, "exceeded quota: tight"))
        .writes(12),
        scenario("executors come late", spark(json!({"deadlines": {"run": "20m"}})), |_, _| Life::Forever)
            .actors(|| vec![workers(Worker::Late), told("WorkersReady", "1 executors run")])
            .then(|w| {
                last(w, (1, 1, AttemptResult::Failed, Some(FailureClass::Deadline)))?;
                must(w.effects().len() == 2, format!("told {:?}", w.effects()))
            })
            .writes(13),
        scenario("executors run", spark(json!({"deadlines": {"run": "20m"}})), |_, _| Life::Forever)
            .actors(|| vec![workers(Worker::Runs)])
            .then(|w| last(w, (1, 1, AttemptResult::Failed, Some(FailureClass::Deadline))))
            .writes(11),
        scenario(
            "TaskManagers find no node",
            json!({
                "flink": {"image": "streams:1", "main": "local:///opt/flink/usrlib/streams.jar"},
                "deadlines": {"workers": "70s", "start": "10m"}, "retry": {"infrastructureLimit": 0},
            }),
            |_, _| Life::Forever,
        )
        .actors(|| {
            vec![
                crate::support::flink::flink(|_, _| crate::support::flink::Job::Waits),
                workers(Worker::Unplaced),
                told("WorkersReady", "1 Insufficient cpu"),
            ]
        })
        .then(|w| ended_without_workers(w, "1 Insufficient cpu"))
        .writes(13),
    ]
}

fn ended_without_workers(world: &World, words: &str) -> Result<(), String> {
    phase(world, JobPhase::Failed)?;
    last(world, (1, 1, AttemptResult::Failed, Some(FailureClass::Capacity)))?;
    let record = status(world).last_attempts[0].clone();
    let said = record.message.unwrap_or_default();
    must(said.contains("deadlines.workers") && said.contains(words), said)?;
    must(conditions::get(&status(world), "WorkersReady").is_none(), "told of workers of what is over")?;
    must(world.effects().contains(&format!("told: {words}")), "not told before the end")
}
