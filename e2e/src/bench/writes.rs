//! What one job and one run cost the API server in writes, all operators summed, from its audit log.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Figure, Limit};
use crate::audit::Audit;
use crate::cluster::tool;
use crate::stage::{self, Stage, TEAM, at, condition};
use crate::ui::{Failure, Outcome, Ui};

/// Longest time for one of the small workloads.
const END: Duration = Duration::from_secs(240);
/// How long nothing may be written by an operator before a workload counts as settled.
const QUIET: Duration = Duration::from_secs(5);

pub(super) fn measure(ui: &Ui) -> Outcome<Vec<Figure>> {
    let stage = stage::local(ui)?;
    let image = "docker.io/millrace/flights:dev";
    let job = |name: &str, spec: Value| json!({"apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob", "metadata": {"name": name, "namespace": TEAM}, "spec": spec});
    let sleep = json!({"image": image, "command": ["python3", "/app/sleep.py", "1"]});
    let spark = json!({
        "image": image, "main": "local:///app/sleep.py", "args": ["1", "--spark"],
        "driver": {"cpu": "300m", "memory": "1Gi"}, "executors": {"count": 1, "cpu": "200m", "memory": "1Gi"},
    });
    let bucket = json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "DataBucket",
        "metadata": {"name": "bench-data", "namespace": TEAM}, "spec": {"deletionPolicy": "DeleteAll"},
    });
    let pipeline = json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "MLPipeline", "metadata": {"name": "bench-run", "namespace": TEAM},
        "spec": {"steps": [{"name": "only", "container": sleep}]},
    });
    let run = json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "MLPipelineRun", "metadata": {"name": "bench-run-1", "namespace": TEAM},
        "spec": {"pipeline": "bench-run"},
    });
    let mut figures = Vec::new();
    // Warm: the namespace's account for drivers is made once, with the first Spark job.
    play(&stage, &job("bench-warm", json!({"spark": spark})), "processingjob")?;
    put(&stage, &bucket)?;
    ready(&stage, "databucket", "bench-data")?;
    for (name, budget, object, kind) in [
        ("container job", 5.0, job("bench-container", json!({"container": sleep})), "processingjob"),
        (
            "Spark job with data",
            10.0,
            job("bench-spark", json!({"spark": spark, "reads": ["bucket/bench-data"]})),
            "processingjob",
        ),
    ] {
        figures.push(figure(name, budget, &play(&stage, &object, kind)?));
    }
    put(&stage, &pipeline)?;
    ready(&stage, "mlpipeline", "bench-run")?;
    figures.push(figure("one-step run", 8.0, &play(&stage, &run, "mlpipelinerun")?));
    stage.text(&[
        "delete",
        "-n",
        TEAM,
        "mlpipelinerun/bench-run-1",
        "mlpipeline/bench-run",
        "databucket/bench-data",
        "processingjob/bench-warm",
        "processingjob/bench-container",
        "processingjob/bench-spark",
    ])?;
    Ok(figures)
}

fn figure(name: &str, budget: f64, writes: &BTreeMap<String, usize>) -> Figure {
    let sum: usize = writes.values().sum();
    let parts: Vec<String> = writes.iter().map(|(what, n)| format!("{what} {n}")).collect();
    Figure::new(format!("writes, {name}"), sum as f64, "").limit(Limit::Budget(budget)).beside(parts.join(", "))
}

fn put(stage: &Stage, object: &Value) -> Outcome<()> {
    stage.apply_text(&object.to_string(), &[])
}

fn ready(stage: &Stage, kind: &str, name: &str) -> Outcome<()> {
    let is = || Ok(stage.find(kind, name)?.and_then(|o| (condition(&o, "Ready")?.0 == "True").then_some(())));
    tool::wait(END, is, || Failure::because(format!("{kind} {name} is not Ready"), "in time"))
}

/// Applies a workload, waits for its end and for quiet, and counts the operators' writes since.
fn play(stage: &Stage, object: &Value, kind: &str) -> Outcome<BTreeMap<String, usize>> {
    let mut audit = Audit::now(stage)?;
    settled(&mut audit)?;
    put(stage, object)?;
    let name = at(object, "/metadata/name");
    let over = || {
        let found = stage.find(kind, name)?;
        match found.as_ref().and_then(|o| condition(o, "Succeeded")) {
            Some(("True", ..)) => Ok(Some(())),
            Some(("False", reason, message)) => {
                Err(Failure::because(format!("{kind} {name} failed"), format!("{reason}: {message}")))
            }
            _ => Ok(None),
        }
    };
    tool::wait(END, over, || Failure::because(format!("{kind} {name} did not end"), "in time"))?;
    settled(&mut audit)
}

/// The operators' successful writes since the last call by verb and resource, leases excepted, once they are quiet.
fn settled(audit: &mut Audit) -> Outcome<BTreeMap<String, usize>> {
    let mut writes: BTreeMap<String, usize> = BTreeMap::new();
    let mut last = Instant::now();
    let quiet = || {
        for entry in audit.more()? {
            if entry.ours() && entry.writes() && !entry.lease() && entry.code < 300 {
                *writes.entry(format!("{} {}", entry.verb, entry.resource)).or_default() += 1;
                last = Instant::now();
            }
        }
        Ok((last.elapsed() > QUIET).then_some(()))
    };
    tool::wait(END, quiet, || Failure::because("the operators do not come to rest", "they write without a pause"))?;
    Ok(writes)
}
