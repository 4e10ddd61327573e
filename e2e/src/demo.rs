//! `cargo xtask demo`: from raw flights to a registered model, drawn as it goes.
//!
//! Reads only what any user can read: the objects. On failure the first line says what failed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::tool;
use crate::evidence::{self, About};
use crate::stage::{Stage, TEAM, at, condition, example};
use crate::ui::{Failure, Outcome, Step, Ui, short};

/// Longest time for loading the data, which waits for its bucket.
const LOAD: Duration = Duration::from_secs(180);
/// Longest time for a run, which takes a minute where nobody disturbs it.
const RUN: Duration = Duration::from_secs(600);

/// What the demo ended with.
#[derive(Debug)]
pub struct Shown {
    /// Name of the run.
    pub run: String,
    /// The registered version, as an object.
    pub version: Value,
    /// What the training step returned.
    pub results: Value,
}

/// Plays the example and prints what came of it.
///
/// # Errors
/// The step that failed, why, and what to look at.
pub fn demo(stage: &Stage, ui: &Ui) -> Outcome<Shown> {
    let begun = Instant::now();
    for file in ["flights/namespace.yaml", "flights/registry.yaml", "flights/pipeline.yaml", "flights/load.yaml"] {
        stage.apply(&example(file)?)?;
    }
    load(stage, ui)?;
    let created = stage.text(&["create", "-f", &example("flights/run.yaml")?.display().to_string(), "-o", "name"])?;
    let run = created.trim().rsplit('/').next().unwrap_or_default().to_owned();
    ui.say(format!("run {run}"));
    watch(stage, &run, ui)?;
    let shown = result(stage, run)?;
    tell(stage, &shown, begun);
    Ok(shown)
}

fn load(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let step = ui.step("loading 336,776 flights into the bucket raw", "");
    let job = tool::wait(
        LOAD,
        || {
            let Some(job) = stage.find("processingjob", "load-flights")? else { return Ok(None) };
            step.note(at(&job, "/status/phase"));
            match condition(&job, "Succeeded") {
                Some(("True", ..)) => Ok(Some(job)),
                Some(("False", reason, message)) => Err(failed(stage, ("load-flights", reason, message))),
                _ => Ok(None),
            }
        },
        || late(stage, About { kind: "processingjob", name: "load-flights" }),
    )?;
    let rows = job.pointer("/status/results/rows_flights").and_then(Value::as_i64).unwrap_or(0);
    step.done(format!("{rows} flights"));
    Ok(())
}

fn failed(stage: &Stage, (what, reason, message): (&str, &str, &str)) -> Failure {
    Failure::new(
        format!("{what} failed: {reason}"),
        message,
        format!("{} -n {TEAM} get millrace,modelversions", stage.command()),
    )
}

fn late(stage: &Stage, about: About<'_>) -> Failure {
    let About { kind, name } = about;
    Failure::new(
        format!("{kind} {name} has not ended"),
        evidence::of(&|args| stage.text(args), TEAM, Some(about)),
        format!("{} -n {TEAM} describe {kind} {name}", stage.command()),
    )
}

/// Draws each step of the run as a line of its own until the run has ended.
pub(crate) fn watch(stage: &Stage, run: &str, ui: &Ui) -> Outcome<Value> {
    let mut shown: BTreeMap<String, (Step, String)> = BTreeMap::new();
    let mut ended: Vec<String> = Vec::new();
    tool::wait(
        RUN,
        || {
            let Some(object) = stage.find("mlpipelinerun", run)? else { return Ok(None) };
            for step in object.pointer("/status/steps").and_then(Value::as_array).into_iter().flatten() {
                draw(step, (&mut shown, &mut ended), ui);
            }
            match condition(&object, "Succeeded") {
                Some(("True", ..)) => Ok(Some(object)),
                Some(("False", reason, message)) => Err(failed(stage, (run, reason, message))),
                _ => match condition(&object, "Stalled") {
                    Some(("True", reason, message)) => Err(failed(stage, (run, reason, message))),
                    _ => Ok(None),
                },
            }
        },
        || late(stage, About { kind: "mlpipelinerun", name: run }),
    )
}

fn draw(step: &Value, (shown, ended): (&mut BTreeMap<String, (Step, String)>, &mut Vec<String>), ui: &Ui) {
    let name = at(step, "/name").to_owned();
    let phase = at(step, "/phase");
    if ended.contains(&name) {
        return;
    }
    let attempt = step.pointer("/attempt").and_then(Value::as_i64).unwrap_or(1);
    let line = format!("{phase}, attempt {attempt} {}", at(step, "/reason"));
    match phase {
        "" | "Pending" => {}
        "Succeeded" | "Skipped" => {
            let (live, _) = shown.remove(&name).unwrap_or_else(|| (ui.step(format!("step {name}"), ""), String::new()));
            live.done(if attempt > 1 || phase == "Skipped" { line } else { String::new() });
            ended.push(name);
        }
        "Failed" => {
            shown.remove(&name);
            ended.push(name);
        }
        _ => {
            let (live, last) =
                shown.entry(name.clone()).or_insert_with(|| (ui.step(format!("step {name}"), ""), String::new()));
            if *last != line {
                live.note(&line);
                *last = line;
            }
        }
    }
}

fn result(stage: &Stage, run: String) -> Outcome<Shown> {
    let object = stage.find("mlpipelinerun", &run)?.unwrap_or_default();
    let steps = object.pointer("/status/steps").and_then(Value::as_array).cloned().unwrap_or_default();
    let find = |name: &str| steps.iter().find(|s| at(s, "/name") == name).cloned().unwrap_or_default();
    let register = find("register");
    if at(&register, "/phase") != "Succeeded" {
        return Err(failed(stage, ("the step register", at(&register, "/phase"), at(&register, "/message"))));
    }
    let job = stage.find("processingjob", at(&find("train"), "/child/name"))?.unwrap_or_default();
    let results = job.pointer("/status/results").cloned().unwrap_or_default();
    let version = stage.find("modelversion", at(&register, "/child/name"))?.unwrap_or_default();
    Ok(Shown { run, version, results })
}

fn tell(stage: &Stage, shown: &Shown, begun: Instant) {
    let number = |name: &str| shown.results.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let version = shown.version.pointer("/status/version").map(|v| v.to_string().replace('"', "")).unwrap_or_default();
    let aliases = shown.version.pointer("/status/aliases").map(ToString::to_string).unwrap_or_default();
    let k = stage.command();
    println!();
    println!("model    {} version {version}, aliases {aliases}", at(&shown.version, "/spec/model"));
    println!("source   {}", at(&shown.version, "/status/source"));
    println!(
        "AUC      {:.3}   (a constant {:.3}, the same model on shuffled labels {:.3})",
        number("auc"),
        number("auc_constant"),
        number("auc_shuffled")
    );
    println!("time     {}", short(begun.elapsed()));
    println!();
    println!("look at  the run       {k} -n {TEAM} get mlpipelinerun {}", shown.run);
    println!("         its jobs      {k} -n {TEAM} get processingjobs");
    println!("         its data      {k} -n {TEAM} get datatopics,databuckets");
    println!("         the versions  {k} -n {TEAM} get modelversions");
    println!("         MLflow        {k} -n {TEAM} port-forward service/main-mlflow 5000:5000");
    println!(
        "                       (user and password: {k} -n {TEAM} get secrets --field-selector type=millrace.dev/registry)"
    );
}
