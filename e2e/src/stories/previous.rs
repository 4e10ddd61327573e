//! The operator killed while jobs are in every phase; Helm goes back to the previous landing's chart and operators, and
//! forward to ours again.
//!
//! No attempt is made twice, and nothing that runs is touched: neither on the way back nor on the way forward.

use std::time::Duration;

use serde_json::{Value, json};

use super::jobs::{self, running, with};
use super::killed;
use super::streams::Scene;
use super::tools::{Space, same};
use crate::audit::Audit;
use crate::cluster;
use crate::previous::{self, Landing};
use crate::stage::{LOCAL_IMAGES, OPERATORS, Stage, at, condition};
use crate::ui::{Outcome, Ui};

/// Longest time for one step of one job.
const LIMIT: Duration = Duration::from_secs(180);
/// Longer than the story.
const LONG: &str = "900";
/// Does not hear SIGTERM.
const DEAF: &str =
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(900)";

/// Puts our chart back, whatever happens.
struct Restore<'a>(&'a Stage, &'a Ui);

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        // Nothing to add to the failure that led here.
        let _ = self.0.install_operators(self.1);
    }
}

pub(super) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let landing = previous::landing(ui)?;
    if let Some(landing) = &landing {
        cluster::import_images(&[landing.image()?], ui)?;
    }
    let space = Space::new(stage, "story-previous")?;
    let flink = Scene::new(stage, ui, "story-previous-flink")?;
    flink.job("CountFlights", &json!({}))?;
    let mut audit = Audit::now(stage)?;
    let begun = begin(&space, ui)?;
    let counting = flink.healthy("")?;
    let restore = Restore(stage, ui);
    switch(stage, landing.as_ref(), ("the previous landing takes over", ui))?;
    // What was due while nobody lived.
    phase(&space, "stops", "Suspended")?;
    attempt(&space, "fails", 2)?;
    ended_well(&space, "ends")?;
    untouched(&space, &begun)?;
    space.apply(&[jobs::container("theirs", &["/app/sleep.py", LONG]), deaf(false)])?;
    running(&space, ("theirs", 1), LIMIT)?;
    running(&space, ("stops", 2), LIMIT)?;
    space.apply(&[deaf(true)])?;
    phase(&space, "stops", "Stopping")?;
    phase(&space, "fails", "Retrying")?;
    let begun = pods(&space)?;
    switch(stage, None, ("ours takes over again", ui))?;
    phase(&space, "stops", "Suspended")?;
    attempt(&space, "fails", 3)?;
    untouched(&space, &begun)?;
    for (name, number) in [("runs", 1), ("spark", 1), ("theirs", 1)] {
        running(&space, (name, number), Duration::from_secs(5))?;
    }
    let uid = |job: &Value| at(job, "/status/attempt/podUid").to_owned();
    same("the JobManager of the Flink job", &uid(&flink.healthy("")?), &uid(&counting))?;
    space.text(&["patch", "processingjob", "fails", "--type=merge", "--patch", r#"{"spec":{"suspend":true}}"#])?;
    phase(&space, "fails", "Suspended")?;
    let made = killed::once(&space, &audit.more()?)?;
    let stored = space.list("processingjobs", &[])?;
    let attempts = stored.iter().map(|job| {
        let number = job.pointer("/status/attempt/number").and_then(Value::as_u64).unwrap_or(0);
        let bare = number > 0 && at(job, "/status/attempt/podUid").is_empty();
        number - u64::from(bare)
    });
    same("the pods made, by the stored attempts", &(made as u64), &attempts.sum())?;
    ui.say(format!("{made} attempts, each pod created once, by either landing"));
    drop(restore);
    flink.end()
}

/// A job whose container takes all the time it has to stop.
fn deaf(suspend: bool) -> Value {
    let mut job = with(jobs::container("stops", &[]), json!({"deadlines": {"stop": "40s"}, "suspend": suspend}));
    if let Some(command) = job.pointer_mut("/spec/container/command") {
        *command = json!(["python3", "-c", DEAF]);
    }
    job
}

/// A job in every phase; the pods there are then.
fn begin(space: &Space<'_>, ui: &Ui) -> Outcome<Vec<Value>> {
    let step = ui.step("a job in every phase", "");
    let mut crowded = jobs::container("no-room", &["/app/sleep.py", LONG]);
    if let Some(container) = crowded.pointer_mut("/spec/container").and_then(Value::as_object_mut) {
        container.insert("cpu".into(), json!("64"));
    }
    let patient = json!({"retry": {"limit": 5, "backoff": {"initial": "20s"}}});
    space.apply(&[
        jobs::container("runs", &["/app/sleep.py", LONG]),
        jobs::spark("spark", "/app/sleep.py", &[LONG, "--spark"]),
        deaf(false),
        with(jobs::container("fails", &["/app/fail.py", "again"]), patient),
        crowded,
        with(jobs::container("no-data", &["/app/sleep.py", LONG]), json!({"reads": ["bucket/nobody-made"]})),
        with(jobs::container("asleep", &["/app/sleep.py", LONG]), json!({"suspend": true})),
        jobs::container("done", &["/app/sleep.py", "1"]),
    ])?;
    ended_well(space, "done")?;
    running(space, ("runs", 1), LIMIT)?;
    running(space, ("spark", 1), LIMIT)?;
    jobs::executor(space, LIMIT)?;
    running(space, ("stops", 1), LIMIT)?;
    phase(space, "asleep", "Suspended")?;
    reason(space, "no-room", "Unschedulable")?;
    reason(space, "no-data", "DataNotReady")?;
    space.apply(&[jobs::container("ends", &["/app/sleep.py", "12"])])?;
    running(space, ("ends", 1), LIMIT)?;
    phase(space, "fails", "Retrying")?;
    space.apply(&[deaf(true)])?;
    phase(space, "stops", "Stopping")?;
    step.done("");
    pods(space)
}

/// SIGKILL, then Helm upgrades to that landing, or to ours; until its process leads.
fn switch(stage: &Stage, landing: Option<&Landing>, (what, ui): (&str, &Ui)) -> Outcome<()> {
    let step = ui.step(what, "");
    killed::kill(stage, "processing")?;
    let ours = format!("{LOCAL_IMAGES}/operators");
    let image = match landing {
        Some(landing) => {
            stage.install_chart(&landing.chart, Some(previous::IMAGE), ui)?;
            previous::IMAGE
        }
        None => {
            stage.install_operators(ui)?;
            &ours
        }
    };
    let space = Space::of(stage, OPERATORS);
    space.wait(("lease", "millrace-processing"), LIMIT, |lease| {
        // Nobody, where the last one went in peace.
        let holder = at(lease, "/spec/holderIdentity");
        let Some(pod) = (if holder.is_empty() { None } else { space.find("pod", holder)? }) else { return Ok(None) };
        let alive = pod.pointer("/metadata/deletionTimestamp").is_none();
        Ok((alive && at(&pod, "/spec/containers/0/image") == format!("{image}:dev")).then_some(()))
    })?;
    step.done("");
    Ok(())
}

fn phase(space: &Space<'_>, name: &str, phase: &str) -> Outcome<()> {
    space.wait(("processingjob", name), LIMIT, |job| Ok((at(job, "/status/phase") == phase).then_some(())))
}

fn reason(space: &Space<'_>, name: &str, reason: &str) -> Outcome<()> {
    space.wait(("processingjob", name), LIMIT, |job| {
        Ok(condition(job, "Ready").is_some_and(|(_, said, _)| said == reason).then_some(()))
    })
}

/// That attempt, or a later one, is stored.
fn attempt(space: &Space<'_>, name: &str, number: i64) -> Outcome<()> {
    space.wait(("processingjob", name), LIMIT, |job| {
        let have = job.pointer("/status/attempt/number").and_then(Value::as_i64).unwrap_or(0);
        Ok((have >= number).then_some(()))
    })
}

fn ended_well(space: &Space<'_>, name: &str) -> Outcome<()> {
    let job = jobs::succeeded(space, name, LIMIT)?;
    same(&format!("the attempts of {name}"), &job.pointer("/status/attempt/number").and_then(Value::as_i64), &Some(1))
}

/// Pods that wait or run, but for those of jobs that end or fail meanwhile.
fn pods(space: &Space<'_>) -> Outcome<Vec<Value>> {
    let mut pods = space.list("pods", &[])?;
    let leaves = |pod: &Value| ["ends-", "fails-", "stops-"].iter().any(|n| at(pod, "/metadata/name").starts_with(n));
    pods.retain(|pod| !leaves(pod));
    Ok(pods)
}

/// The same pods, none on its way out.
fn untouched(space: &Space<'_>, before: &[Value]) -> Outcome<()> {
    let names = |pods: &[Value]| -> Vec<String> {
        let name = |p: &Value| {
            let going = if p.pointer("/metadata/deletionTimestamp").is_some() { " (deleted)" } else { "" };
            format!("{} {}{going}", at(p, "/metadata/name"), at(p, "/metadata/uid"))
        };
        let mut all: Vec<String> = pods.iter().map(name).collect();
        all.sort();
        all
    };
    same("the pods that run or wait", &names(&pods(space)?), &names(before))
}
