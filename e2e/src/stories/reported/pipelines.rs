//! Pipelines: values with dollars, a finished step's job touched, a run before its pipeline, and one without.

use std::time::Duration;

use serde_json::{Value, json};

use super::tools::{LIMIT, head, object, told};
use crate::stage::{Stage, at, condition};
use crate::stories::jobs::{IMAGE, running, succeeded};
use crate::stories::tools::{Space, check, same};
use crate::ui::{Failure, Outcome, Ui};

/// What a run waits for its pipeline, and then some.
const NEVER: Duration = Duration::from_secs(900);
/// What somebody may type: each of them means something to a shell, a kubelet, a template or a Spark.
const ODD: [(&str, &str); 3] = [
    ("quoted", "it's \"said\" \\n `so`\nand é on {{ line }} two: %s ${HOME} $HOME $(HOME)"),
    ("doubled", "pa$$word, 5$$, $$$ and $"),
    ("ours", "$(params.odd) $$(MILLRACE_RUN) $$$(bucket.notes) $(steps.say.results.arg)"),
];
const SAY: &str = "import json, os, sys
json.dump({'arg': sys.argv[1], 'env': os.environ['ODD']}, open('/dev/termination-log', 'w'))";
/// Returns at once in its first run, and takes its time in another.
const ANSWER: &str = "import json, os, time
time.sleep(900 if os.environ['MILLRACE_RUN'] != '1' else 0)
json.dump({'x': 42}, open('/dev/termination-log', 'w'))";
const HOLD: &str = "import os, time
while not os.path.exists('/tmp/end'): time.sleep(0.2)";
const COMPARE: &str = "import sys
sys.exit(0 if sys.argv[1:] == ['42'] else f'got {sys.argv[1:]}')";

pub(in crate::stories) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let space = Space::new(stage, "story-reported-runs")?;
    let runs = ODD.map(|(name, text)| run(name, &json!({"pipeline": "odd", "params": {"odd": text}})));
    let tidy = json!({"pipeline": "tidy"});
    space.apply(&[
        object("DataBucket", "notes", &json!({"deletionPolicy": "DeleteAll"})),
        odd(),
        tidy_pipeline(),
        run("deleted", &tidy),
        run("again", &tidy),
        run("early", &json!({"pipeline": "written-after"})),
    ])?;
    space.apply(&runs)?;
    early(&space, ui)?;
    touched(&space, ui)?;
    for (name, text) in ODD {
        byte_for_byte(&space, name, text, ui)?;
    }
    well(&space, "early")?;
    space.delete("databucket", "notes")
}

/// A run of a pipeline that never comes has an end, and says so before.
pub(in crate::stories) fn never(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let space = Space::new(stage, "story-reported-never")?;
    space.apply(&[run("never", &json!({"pipeline": "nobody-wrote-it"}))])?;
    let step = ui.step("a run of a pipeline that never comes", "");
    told(&space, "mlpipelinerun", "never", "nobody-wrote-it")?;
    let run = over(&space, "never", NEVER)?;
    let (flag, reason, message) = condition(&run, "Succeeded").unwrap_or_default();
    same("whether it succeeded", &flag, &"False")?;
    check(message.contains("nobody-wrote-it"), "its end does not name the pipeline", message)?;
    step.done(format!("{reason}: {}", head(message)));
    Ok(())
}

fn run(name: &str, spec: &Value) -> Value {
    object("MLPipelineRun", name, spec)
}

fn step(name: &str, script: &str) -> Value {
    let container = json!({"image": IMAGE, "command": ["python3", "-c", script], "cpu": "25m", "memory": "128Mi"});
    json!({"name": name, "container": container})
}

/// A step with more fields at a place of it.
fn with(mut step: Value, pointer: &str, more: Value) -> Value {
    if let (Some(Value::Object(into)), Value::Object(more)) = (step.pointer_mut(pointer), more) {
        into.extend(more);
    }
    step
}

fn odd() -> Value {
    let say = with(step("say", SAY), "/container", json!({"args": ["$(params.odd)"]}));
    let say = with(say, "", json!({"env": [{"name": "ODD", "value": "$(params.odd)"}], "reads": ["bucket/notes"]}));
    object("MLPipeline", "odd", &json!({"params": {"odd": ""}, "steps": [say]}))
}

/// The value as an argument and as a variable, as the program has it.
fn byte_for_byte(space: &Space<'_>, name: &str, text: &str, ui: &Ui) -> Outcome<()> {
    let step = ui.step(format!("a value with odd characters: {name}"), "");
    let run = well(space, name)?;
    let job = succeeded(space, at(&of(&run, "say"), "/child/name"), LIMIT)?;
    for place in ["arg", "env"] {
        same(&format!("the value as {place}"), &at(&job, &format!("/status/results/{place}")), &text)?;
    }
    step.done(head(text));
    Ok(())
}

fn tidy_pipeline() -> Value {
    let compare = with(step("compare", COMPARE), "/container", json!({"args": ["$(steps.answer.results.x)"]}));
    let compare = with(compare, "", json!({"needs": ["hold"]}));
    object("MLPipeline", "tidy", &json!({"steps": [step("answer", ANSWER), step("hold", HOLD), compare]}))
}

/// The job of a finished step deleted, and run again: what it returned is the run's.
fn touched(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    let line = ui.step("the job of a finished step deleted, and another run again", "");
    let job = |run: &str| answered(space, run);
    space.delete("processingjob", &job("deleted")?)?;
    let again = job("again")?;
    space.text(&["annotate", "processingjob", &again, "millrace.dev/run-requested=once-more"])?;
    space.wait(("processingjob", &again), LIMIT, |job| {
        Ok((job.pointer("/status/runNumber").and_then(Value::as_i64) == Some(2)).then_some(()))
    })?;
    for name in ["deleted", "again"] {
        let run = space.find("mlpipelinerun", name)?.unwrap_or_default();
        let hold = running(space, (at(&of(&run, "hold"), "/child/name"), 1), LIMIT)?;
        space.text(&["exec", at(&hold, "/status/attempt/pod"), "--", "touch", "/tmp/end"])?;
        well(space, name)?;
    }
    line.done("both runs succeeded");
    Ok(())
}

/// Waits until the first step has answered while the second one holds; the first one's job.
fn answered(space: &Space<'_>, run: &str) -> Outcome<String> {
    space.wait(("mlpipelinerun", run), LIMIT, |run| {
        let (answer, hold) = (of(run, "answer"), of(run, "hold"));
        let there = at(&answer, "/phase") == "Succeeded" && at(&hold, "/phase") == "Running";
        Ok(there.then(|| at(&answer, "/child/name").to_owned()))
    })
}

/// A directory is applied in the order of its files: the run may come before its pipeline.
fn early(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    let line = ui.step("a run before its pipeline", "");
    let message = told(space, "mlpipelinerun", "early", "written-after")?;
    let one = step("one", "print('here')");
    space.apply(&[object("MLPipeline", "written-after", &json!({"steps": [one]}))])?;
    line.done(head(&message));
    Ok(())
}

/// What a run says of a step.
fn of(run: &Value, step: &str) -> Value {
    let all = run.pointer("/status/steps").and_then(Value::as_array);
    all.into_iter().flatten().find(|s| at(s, "/name") == step).cloned().unwrap_or_default()
}

/// Waits until the run has ended, well or not.
pub(super) fn over(space: &Space<'_>, name: &str, limit: Duration) -> Outcome<Value> {
    space.wait(("mlpipelinerun", name), limit, |run| {
        Ok(matches!(condition(run, "Succeeded"), Some(("True" | "False", ..))).then(|| run.clone()))
    })
}

fn well(space: &Space<'_>, name: &str) -> Outcome<Value> {
    let run = over(space, name, LIMIT)?;
    match condition(&run, "Succeeded") {
        Some(("True", ..)) => Ok(run),
        other => Err(Failure::because(format!("the run {name} failed"), format!("{other:?}\n{run:#}"))),
    }
}
