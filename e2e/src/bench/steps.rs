//! Resident memory of the pipeline operator beside runs of many steps, while their jobs live and after these have ended.
//!
//! Each step has a spec as large as real ones are; nobody runs the jobs, so they live until this file says that they ended.

use std::path::Path;

use serde_json::{Value, json};

use super::{Figure, local};
use crate::audit::Audit;
use crate::stage::TEAM;
use crate::ui::{Failure, Outcome, Ui};

/// Runs, each of [`STEPS`] steps: the most a pipeline may have.
const RUNS: usize = 10;
const STEPS: usize = 100;
/// Variables of each step, of some 100 bytes each.
const VARIABLES: usize = 20;
/// Repetitions, each on a fresh API server with a fresh process.
const TIMES: usize = 5;

/// Memory in MiB.
struct Sample {
    idle: f64,
    live: f64,
    finished: f64,
}

pub(super) fn measure(binaries: &Path, ui: &Ui) -> Outcome<Vec<Figure>> {
    let mut samples = Vec::new();
    for n in 1..=TIMES {
        let step = ui.step(format!("memory of pipeline with steps, repetition {n} of {TIMES}"), "");
        let sample = once(binaries, ui)?;
        step.done(format!("{:.1}, {:.1}, {:.1} MiB", sample.idle, sample.live, sample.finished));
        samples.push(sample);
    }
    let all = |f: fn(&Sample) -> f64| samples.iter().map(f).collect::<Vec<_>>();
    let steps = RUNS * STEPS;
    let name = |what: &str| format!("pipeline, resident, {what}");
    Ok(vec![
        Figure::of(name(&format!("{RUNS} pipelines of {STEPS} steps")), &all(|s| s.idle), "MiB")?,
        Figure::of(name(&format!("{steps} live steps")), &all(|s| s.live), "MiB")?,
        Figure::of(name("each live step"), &all(|s| (s.live - s.idle) * 1_024.0 / (RUNS * STEPS) as f64), "KiB")?,
        Figure::of(name(&format!("{steps} finished steps")), &all(|s| s.finished), "MiB")?,
    ])
}

fn once(binaries: &Path, ui: &Ui) -> Outcome<Sample> {
    let api = local::server(&[TEAM], ui)?;
    let operator = local::operator(&api, ("pipeline", binaries), &[])?;
    let mut audit = Audit::of(&api.audit_log)?;
    local::apply(&api, &pipelines())?;
    local::settled(&mut audit)?;
    let idle = operator.resident()?;
    local::apply(&api, &runs())?;
    local::settled(&mut audit)?;
    let jobs = api.target.run(&["get", "processingjobs", "-n", TEAM, "-o", "name"])?;
    let names: Vec<&str> = jobs.lines().filter_map(|line| line.split_once('/').map(|(_, name)| name)).collect();
    if names.len() != RUNS * STEPS {
        let what = format!("{} jobs were made, not {}", names.len(), RUNS * STEPS);
        return Err(Failure::because(what, api.audit_log.display()));
    }
    let live = operator.resident()?;
    local::apply_status(&api, &names.iter().map(|name| ended(name)).collect::<Vec<_>>())?;
    local::settled(&mut audit)?;
    let phases = ["get", "mlpipelineruns", "-n", TEAM, "-o", "jsonpath={.items[*].status.phase}"];
    let phases = api.target.run(&phases)?;
    if phases.split_whitespace().filter(|phase| *phase == "Succeeded").count() != RUNS {
        return Err(Failure::because(format!("the runs are {phases}"), "all of them should have succeeded"));
    }
    Ok(Sample { idle, live, finished: operator.resident()? })
}

fn object(kind: &str, name: &str, part: &str, value: &Value) -> Value {
    json!({"apiVersion": "millrace.dev/v1alpha1", "kind": kind, "metadata": {"name": name, "namespace": TEAM}, part: value})
}

fn pipelines() -> Vec<Value> {
    let variable = |n: usize| json!({"name": format!("SETTING_{n}"), "value": "a value of some length, ".repeat(4)});
    let env: Vec<Value> = (0..VARIABLES).map(variable).collect();
    let container = json!({"image": "docker.io/millrace/flights:dev", "command": ["python3", "/app/sleep.py", "1"]});
    let step = |n: usize| json!({"name": format!("step-{n}"), "container": container, "env": env});
    let steps: Vec<Value> = (0..STEPS).map(step).collect();
    let spec = json!({"steps": steps});
    (0..RUNS).map(|n| object("MLPipeline", &format!("pipeline-{n}"), "spec", &spec)).collect()
}

fn runs() -> Vec<Value> {
    let spec = |n: usize| json!({"pipeline": format!("pipeline-{n}")});
    (0..RUNS).map(|n| object("MLPipelineRun", &format!("run-{n}"), "spec", &spec(n))).collect()
}

fn ended(name: &str) -> Value {
    let condition = json!({
        "type": "Succeeded", "status": "True", "reason": "Succeeded", "message": "exit code 0",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    });
    object("ProcessingJob", name, "status", &json!({"observedGeneration": 1, "conditions": [condition]}))
}
