//! What goes wrong in a job is told apart: its own fault, the cluster's, an image that is not there.
//!
//! All jobs run at once; each verdict is read from the job, where a user would read it.

use std::time::Duration;

use serde_json::{Value, json};

use super::jobs::{self, application_failures, ended, record, running, with};
use super::tools::{Space, check, same, took};
use crate::stage::{Stage, at, condition};
use crate::ui::{Outcome, Ui};

/// Longest time for a job of a few seconds.
const LIMIT: Duration = Duration::from_secs(180);
/// The start deadline of the job without an image.
const START: &str = "20s";

pub(super) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let space = Space::new(stage, "story-failures")?;
    let soon = json!({"backoff": {"initial": "1s"}});
    let retried = json!({"limit": 1, "backoff": {"initial": "1s"}});
    let lost = jobs::spark("lost", "/app/sleep.py", &["8", "--spark"]);
    let mut missing = jobs::container("missing", &["/app/sleep.py", "1"]);
    if let Some(image) = missing.pointer_mut("/spec/container/image") {
        *image = json!("docker.io/millrace/no-such-image:1");
    }
    space.apply(&[
        with(lost, json!({"retry": soon})),
        jobs::spark("raises", "/app/fail.py", &["the", "gates", "do", "not", "add", "up"]),
        with(jobs::container("raises-again", &["/app/fail.py", "twice"]), json!({"retry": retried})),
        with(missing, json!({"deadlines": {"start": START}})),
    ])?;
    image(&space, ui)?;
    driver(&space, ui)?;
    script(&space, ui)?;
    let again = ended(&space, "raises-again", LIMIT)?;
    same("the attempts of raises-again", &again.pointer("/status/attempt/number").and_then(Value::as_i64), &Some(2))?;
    same("the failures of raises-again", &application_failures(&again), &2)
}

/// The image that does not exist: the reason stands there while it waits, and the verdict comes with the deadline.
fn image(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    let step = ui.step("an image that does not exist", "");
    // On a busy machine the deadline may be over before its kubelet has tried.
    let told = space.wait(("processingjob", "missing"), LIMIT, |job| {
        let told = condition(job, "Ready").is_some_and(|(_, reason, _)| reason == "ImageUnavailable");
        let over = condition(job, "Succeeded").is_some_and(|(flag, ..)| flag == "False");
        Ok((told || over).then_some(told))
    })?;
    let job = ended(space, "missing", LIMIT)?;
    let last = record(&job, 1);
    same("the class of a missing image", &at(&last, "/class"), &"Image")?;
    check(at(&last, "/message").contains("no-such-image"), "the message does not name the image", &last)?;
    let told = if told { "told while it waited, " } else { "" };
    step.done(format!("{told}{} after it was made; its deadline was {START}", took(&job, "Succeeded")));
    Ok(())
}

/// The driver's pod deleted: not the user's fault, so not on the user's account.
fn driver(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    let step = ui.step("a driver's pod deleted", "");
    let job = running(space, ("lost", 1), LIMIT)?;
    let pod = at(&job, "/status/attempt/pod").to_owned();
    space.text(&["delete", "pod", &pod, "--wait=false"])?;
    let job = jobs::succeeded(space, "lost", LIMIT)?;
    let first = record(&job, 1);
    same("the result of the attempt whose driver was deleted", &at(&first, "/result"), &"Failed")?;
    let class = at(&first, "/class");
    check(["DriverLost", "Infrastructure"].contains(&class), "a deleted driver is classed wrongly", &first)?;
    same("the user's retries used up", &application_failures(&job), &0)?;
    same("the attempts", &job.pointer("/status/attempt/number").and_then(Value::as_i64), &Some(2))?;
    step.done(format!("classed {class}, well at attempt 2"));
    Ok(())
}

/// A script that raises: the user's fault, and the message shows what Python said.
fn script(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    let step = ui.step("a script that raises", "");
    let job = ended(space, "raises", LIMIT)?;
    let first = record(&job, 1);
    same("the class of a script that raises", &at(&first, "/class"), &"Application")?;
    let message = at(&first, "/message");
    let line =
        message.lines().find(|l| l.contains("ValueError: the gates do not add up")).unwrap_or_default().to_owned();
    check(!line.is_empty(), "the message does not show the Python error", message)?;
    step.done(line.trim());
    Ok(())
}
