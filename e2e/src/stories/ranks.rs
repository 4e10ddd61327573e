//! Three pods of one job that work together: one dies, all of them start again, and go on from what they kept.
//!
//! The result is that of one process that nobody disturbed.

use std::time::Duration;

use serde_json::{Value, json};

use super::jobs::{self, application_failures, record, running, succeeded, with};
use super::tools::{Space, check, number, same};
use crate::stage::{Stage, at};
use crate::ui::{Outcome, Ui, short};

const LIMIT: Duration = Duration::from_secs(180);
const STEPS: &str = "40";
/// Between two steps, so that there is time to disturb them.
const PACE: &str = "0.5";
/// How far apart two sums of the same numbers may be when they are added in another order.
const EQUAL: f64 = 1e-9;

pub(super) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let space = Space::new(stage, "story-ranks")?;
    let bucket = json!({"deletionPolicy": "DeleteAll"});
    space.apply(&[json!({"apiVersion": "millrace.dev/v1alpha1", "kind": "DataBucket", "metadata": {"name": "state"}, "spec": bucket})])?;
    space.condition(("databucket", "state"), "Ready", Duration::from_secs(60))?;
    let mut three = jobs::container("together", &["/app/ranks.py", STEPS, "--pace", PACE]);
    let more = [("replicas", json!(3)), ("checkpoint", json!("bucket/state/ranks")), ("sharedMemory", json!("64Mi"))];
    if let Some(container) = three.pointer_mut("/spec/container").and_then(Value::as_object_mut) {
        container.extend(more.map(|(key, value)| (key.to_owned(), value)));
    }
    let soon = json!({"retry": {"backoff": {"initial": "1s"}}, "deadlines": {"stop": "10s"}});
    space.apply(&[with(three, soon), jobs::container("alone", &["/app/ranks.py", STEPS])])?;

    let step = ui.step("three pods of one job find each other and keep their progress", "");
    let job = running(&space, ("together", 1), LIMIT)?;
    let main = at(&job, "/status/attempt/pod").to_owned();
    let base = at(&job, "/status/attempt/name").to_owned();
    space.until(("a checkpoint of the first attempt", LIMIT), || {
        let log = space.text(&["logs", &main, "--tail=100"])?;
        Ok(log.contains("kept step 10").then_some(()))
    })?;
    step.done("10 steps kept");

    let step = ui.step("one of them dies, all of them start again", "");
    let begun = std::time::Instant::now();
    space.text(&["delete", "pod", &format!("{base}-rank1"), "--wait=false"])?;
    let again = space.until(("processingjob together", LIMIT), || {
        let pods = space.list("pods", &["-l", "millrace.dev/owner-name=together"])?;
        let working = |pod: &&Value| !["Succeeded", "Failed"].contains(&at(pod, "/status/phase"));
        let mut attempts: Vec<&str> = pods.iter().filter(working).map(attempt_of).collect();
        attempts.sort_unstable();
        attempts.dedup();
        check(attempts.len() < 2, "pods of two attempts at once", format!("{attempts:?}"))?;
        let job = space.find("processingjob", "together")?.unwrap_or_default();
        let number = job.pointer("/status/attempt/number").and_then(Value::as_i64);
        Ok((number == Some(2) && at(&job, "/status/phase") == "Running").then_some(pods))
    })?;
    let told: Vec<String> = again.iter().filter(|pod| attempt_of(pod) == "2").map(|pod| env(pod, "RANK")).collect();
    same("the pods of the second attempt", &told.len(), &3)?;
    for pod in again.iter().filter(|pod| attempt_of(pod) == "2") {
        same("the attempt in the environment", &env(pod, "MILLRACE_ATTEMPT"), &"2".to_owned())?;
    }
    step.done(format!("all run again after {}", short(begun.elapsed())));

    let step = ui.step("the second attempt goes on from what the first kept", "");
    let job = succeeded(&space, "together", LIMIT)?;
    let alone = succeeded(&space, "alone", LIMIT)?;
    let first = record(&job, 1);
    let class = at(&first, "/class");
    check(["DriverLost", "Infrastructure"].contains(&class), "a deleted rank is classed wrongly", &first)?;
    same("the user's retries used up", &application_failures(&job), &0)?;
    let of = |job: &Value, name: &str| number(job, &format!("/status/results/{name}")).unwrap_or(f64::NAN);
    same("the attempt that ended", &of(&job, "attempt"), &2.0)?;
    check(of(&job, "resumed") >= 10.0, "it began anew", of(&job, "resumed"))?;
    for name in ["a", "b", "loss"] {
        let apart = (of(&job, name) - of(&alone, name)).abs();
        check(apart < EQUAL, "three pods found something else than one", format!("{name} is {apart} apart"))?;
    }
    let left = space.list("services", &[])?;
    same("the Services left", &left.len(), &0)?;
    step.done(format!("{class}; resumed after step {}; the same result as one process", of(&job, "resumed")));
    space.delete("databucket", "state")
}

fn attempt_of(pod: &Value) -> &str {
    at(pod, "/metadata/labels/millrace.dev~1attempt")
}

/// What a pod's container is told by this name.
fn env(pod: &Value, name: &str) -> String {
    let all = pod.pointer("/spec/containers/0/env").and_then(Value::as_array);
    let found = all.into_iter().flatten().find(|var| at(var, "/name") == name);
    found.map(|var| at(var, "/value").to_owned()).unwrap_or_default()
}
