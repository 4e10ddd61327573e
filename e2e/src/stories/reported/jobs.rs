//! Jobs: a pod that its kubelet ends, a volume nobody made, a wait whose cause changes, executors that never come.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::tools::{LIMIT, head, object, ready, says, told};
use crate::stage::{Stage, at};
use crate::stories::jobs::{self, application_failures, ended, record, running, succeeded, with};
use crate::stories::tools::{Space, check, same};
use crate::ui::{Outcome, Ui, short};

/// Jobs with a volume, and from what.
const MISSING: [(&str, &str); 2] = [("no-secret", "nobody-made-it"), ("no-map", "nobody-wrote-it")];
/// How long executors may be missing: the start deadline is theirs too.
const WORKERS: &str = "150s";
const LONELY: Duration = Duration::from_secs(300);
/// Ends well when it is told to end, after half of its work; and at the end of its work, when a file says so.
const POLITE: &str = "import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while not os.path.exists('/tmp/end'): time.sleep(0.2)";

pub(in crate::stories) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let space = Space::new(stage, "story-reported")?;
    let tight = tight(stage)?;
    space.apply(&[
        with(jobs::container("polite", &["-c", POLITE]), json!({"retry": {"backoff": {"initial": "1s"}}})),
        mounts("no-secret", &json!({"secret": {"secretName": MISSING[0].1}})),
        mounts("no-map", &json!({"configMap": {"name": MISSING[1].1}})),
        waits(),
        lonely(&json!("64")),
    ])?;
    tight.apply(&[lonely(&json!("100m"))])?;
    let begun = Instant::now();
    for (job, wanted) in MISSING {
        let step = ui.step(format!("a volume from {wanted} is named"), "");
        let message = told(&space, "processingjob", job, wanted)?;
        step.done(format!("{} after the job was made: {}", short(begun.elapsed()), head(&message)));
    }
    changing(&space, ui)?;
    ended_by_its_kubelet(&space, ui)?;
    for (job, wanted) in MISSING {
        missing(&space, job, wanted, ui)?;
    }
    alone(&space, "Insufficient cpu", begun, ui)?;
    alone(&tight, "tight", begun, ui)
}

/// The pod's end counts, not the exit code of a container that was told to end: repeated, on nobody's account.
fn ended_by_its_kubelet(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    let step = ui.step("a pod ended by its kubelet, exit code 0", "");
    let job = running(space, ("polite", 1), LIMIT)?;
    let pod = at(&job, "/status/attempt/pod");
    space.text(&["patch", "pod", pod, "--type=merge", "--patch", r#"{"spec":{"activeDeadlineSeconds":1}}"#])?;
    let job = space.wait(("processingjob", "polite"), LIMIT, |job| {
        let ended = record(job, 1);
        Ok((!at(&ended, "/result").is_empty()).then(|| job.clone()))
    })?;
    let first = record(&job, 1);
    same("the result of half the work", &at(&first, "/result"), &"Failed")?;
    same("its class", &at(&first, "/class"), &"Infrastructure")?;
    let job = running(space, ("polite", 2), LIMIT)?;
    space.text(&["exec", at(&job, "/status/attempt/pod"), "--", "touch", "/tmp/end"])?;
    let job = succeeded(space, "polite", LIMIT)?;
    same("the user's retries used up", &application_failures(&job), &0)?;
    step.done(head(at(&first, "/message")));
    Ok(())
}

/// A job with one volume.
fn mounts(name: &str, from: &Value) -> Value {
    let mut volume = json!({"mountPath": "/etc/lookup"});
    if let (Some(volume), Some(from)) = (volume.as_object_mut(), from.as_object()) {
        volume.extend(from.clone());
    }
    let retry = json!({"limit": 2, "infrastructureLimit": 2, "backoff": {"initial": "1s"}});
    let more = json!({"pod": {"volumes": [volume]}, "deadlines": {"start": "75s"}, "retry": retry});
    with(jobs::container(name, &["/app/sleep.py", "1"]), more)
}

/// The kubelet's Events name what is missing; nothing gets better by repeating it.
fn missing(space: &Space<'_>, job: &str, wanted: &str, ui: &Ui) -> Outcome<()> {
    let step = ui.step(format!("a volume from {wanted} that never comes"), "");
    let job = ended(space, job, LIMIT)?;
    let last = record(&job, 1);
    same("the class of a volume nobody made", &at(&last, "/class"), &"Configuration")?;
    check(at(&last, "/message").contains(wanted), "the message does not name it", &last)?;
    same("the attempts", &job.pointer("/status/attempt/number").and_then(Value::as_i64), &Some(1))?;
    step.done(head(at(&last, "/message")));
    Ok(())
}

fn waits() -> Value {
    let data = json!({"reads": ["bucket/alpha", "bucket/beta"], "deadlines": {"start": "20m"}});
    with(jobs::container("waits", &["/app/sleep.py", "1"]), data)
}

/// The message says what is true now, each time that changes.
fn changing(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    let step = ui.step("a wait whose cause changes", "");
    let wait = |what: &dyn Fn(&str) -> bool| {
        space.wait(("processingjob", "waits"), LIMIT, |job| Ok(Some(ready(job)).filter(|said| what(said))))
    };
    let first = wait(&|said| said.contains("alpha") || said.contains("beta"))?;
    space.apply(&[object("DataBucket", "alpha", &json!({"deletionPolicy": "DeleteAll"}))])?;
    let second = wait(&|said| said.contains("beta") && !said.contains("alpha"))?;
    space.apply(&[object("DataBucket", "beta", &json!({"dataPlane": "typo"}))])?;
    let third = wait(&|said| said.contains("beta") && said != second && said != first)?;
    step.done(format!("{}; then {}; then {}", head(&first), head(&second), head(&third)));
    space.delete("processingjob", "waits")?;
    space.delete("databucket", "alpha")
}

/// A namespace that has room for one pod, the driver's.
fn tight(stage: &Stage) -> Outcome<Space<'_>> {
    let space = Space::new(stage, "story-reported-tight")?;
    space.apply(&[json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight"}, "spec": {"hard": {"pods": "1"}},
    })])?;
    // Until the quota has been counted once everything is refused.
    space.wait(("resourcequota", "tight"), LIMIT, |quota| Ok(quota.pointer("/status/used").map(|_| ())))?;
    Ok(space)
}

/// A Spark job whose only executor asks for so much.
fn lonely(cpu: &Value) -> Value {
    let sizes = json!({
        "driver": {"cpu": "100m", "memory": "1Gi"}, "executors": {"count": 1, "cpu": cpu, "memory": "900Mi"},
    });
    let job = jobs::with_spark(jobs::spark("lonely", "/app/sleep.py", &["1", "--spark"]), sizes);
    let once = json!({"limit": 0, "infrastructureLimit": 0});
    with(job, json!({"deadlines": {"start": WORKERS, "stop": "5s"}, "retry": once}))
}

/// Its driver runs and waits; that is told in the words of whoever refuses the executors, and it ends.
fn alone(space: &Space<'_>, words: &str, begun: Instant, ui: &Ui) -> Outcome<()> {
    let step = ui.step(format!("executors that never come: {words}"), "");
    let message = space.wait(("processingjob", "lonely"), LONELY, |job| Ok(says(job, words)))?;
    let after = begun.elapsed();
    let job = ended(space, "lonely", LONELY)?;
    let last = record(&job, 1);
    same("the class of executors that never come", &at(&last, "/class"), &"Capacity")?;
    check(at(&last, "/message").contains(words), "the end does not say why", &last)?;
    step.done(format!("told at most {} after the job was made: {}", short(after), head(&message)));
    Ok(())
}
