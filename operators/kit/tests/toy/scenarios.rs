//! What happens around a toy job.

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::core::ObjectMeta;
use millrace_crds::ProcessingJob;
use millrace_kit::{
    Address, conditions, names,
    sim::{Actor, Scenario, World},
};
use serde_json::{Value, json};

use super::{Outside, name, pod};

/// All scenarios.
pub(crate) fn all() -> Vec<Scenario> {
    vec![
        of("nothing happens"),
        of("deleted while it runs").when(something_is_outside, delete),
        of("somebody else writes into the status").actor(editor),
        of("somebody else writes into the status, and the job is deleted").when(succeeded, delete).actor(editor),
        of("a pod of the first attempt's name is there already").given(|world| {
            let job = world.get::<ProcessingJob>("ml", "j").unwrap();
            world.apply(&pod(&first_pod(&job)));
        }),
        of("the first pod vanishes").when(|world| first_pod_is_known(world).is_some(), vanish),
        of("another's pod stands under the name of the first").when(
            |world| second_attempt(world).is_some(),
            |world| {
                vanish(world);
                world.apply(&pod(&first_pod(&job(world).unwrap())));
            },
        ),
        of("a webhook sets back what is applied").given(|world| {
            world.apply(&config("webhook"));
            world.webhook(blue);
        }),
    ]
}

/// A job, the quota it needs, and a kubelet.
fn of(name: &str) -> Scenario {
    Scenario::new(name)
        .given(|world| {
            world.apply(&config("quota"));
            world.apply(&new_job());
        })
        .actor(kubelet)
        .invariant(one_pod_for_each_attempt)
        .invariant(nothing_is_missed_that_was_not_listed)
        .then(nothing_is_leaked)
}

fn config(name: &str) -> ConfigMap {
    let metadata = ObjectMeta { name: Some(name.into()), namespace: Some("ml".into()), ..ObjectMeta::default() };
    ConfigMap { metadata, ..ConfigMap::default() }
}

fn new_job() -> ProcessingJob {
    serde_json::from_value(json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob",
        "metadata": {"name": "j", "namespace": "ml"},
        "spec": {"container": {"image": "x", "command": ["true"]}},
    }))
    .unwrap()
}

/// Whatever is asked for, settings are blue.
fn blue(at: &Address, body: &mut Value) {
    if at.key.name == "settings" {
        body["data"]["colour"] = json!("blue");
    }
}

fn job(world: &World) -> Option<ProcessingJob> {
    world.get::<ProcessingJob>("ml", "j")
}

fn first_pod(job: &ProcessingJob) -> String {
    names::child("toy", &name(job), &["1"])
}

/// The pod of attempt 1 fails, any other succeeds; pods of others are left alone.
fn kubelet() -> Actor {
    Box::new(move |world| {
        let fresh =
            |p: &Pod| p.status.as_ref().is_none_or(|s| s.phase.is_none()) && p.metadata.owner_references.is_some();
        let Some(pod) = world.list::<Pod>().into_iter().find(fresh) else { return false };
        let name = pod.metadata.name.unwrap();
        let owner = pod.metadata.owner_references.unwrap()[0].uid.clone();
        let phase = if name == names::child("toy", &owner, &["1"]) { "Failed" } else { "Succeeded" };
        world.change::<Pod>("ml", &name, |p| p.status.get_or_insert_default().phase = Some(phase.into()));
        true
    })
}

/// Writes into the status beside the operator, so that the operator decides upon an object that has just changed.
fn editor() -> Actor {
    let mut left = 3;
    Box::new(move |world| {
        if left == 0 {
            return false;
        }
        left -= 1;
        world.change::<ProcessingJob>("ml", "j", |j| {
            j.status.get_or_insert_default().url = Some(format!("edit-{left}"));
        });
        true
    })
}

fn something_is_outside(world: &World) -> bool {
    !world.shelf::<Outside>().0.lock().unwrap().is_empty()
}

fn succeeded(world: &World) -> bool {
    job(world).and_then(|job| job.status).is_some_and(|status| conditions::is_true(&status, "Succeeded"))
}

fn first_pod_is_known(world: &World) -> Option<String> {
    job(world)?.status?.attempt?.pod_uid
}

fn second_attempt(world: &World) -> Option<()> {
    (job(world)?.status?.attempt?.number == 2).then_some(())
}

fn delete(world: &World) {
    world.delete::<ProcessingJob>("ml", "j");
}

fn vanish(world: &World) {
    world.vanish::<Pod>("ml", &first_pod(&job(world).unwrap()));
}

fn one_pod_for_each_attempt(world: &World) -> Result<(), String> {
    for job in world.list::<ProcessingJob>() {
        let number = job.status.as_ref().and_then(|s| s.attempt.as_ref()).map_or(0, |a| a.number);
        for n in 1..=number + 1 {
            let times = world.created::<Pod>("ml", &names::child("toy", &name(&job), &[&n.to_string()]));
            if times > u32::from(n <= number) {
                return Err(format!(
                    "pod of attempt {n} created {times} times, the status speaks of {number} attempts"
                ));
            }
        }
    }
    Ok(())
}

fn nothing_is_missed_that_was_not_listed(world: &World) -> Result<(), String> {
    let reason = |job: ProcessingJob| Some(conditions::get(&job.status?, "Stalled")?.reason.clone());
    if world.list::<ProcessingJob>().into_iter().filter_map(reason).any(|reason| reason == "NoQuota") {
        return Err("what was only not listed yet was called missing".into());
    }
    Ok(())
}

fn nothing_is_leaked(world: &World) -> Result<(), String> {
    let left = world.shelf::<Outside>().0.lock().unwrap().len();
    if left <= world.list::<ProcessingJob>().len() { Ok(()) } else { Err("an external thing was leaked".into()) }
}
