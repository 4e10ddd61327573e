//! Resident memory of the operators that talk to the Kubernetes API alone, idle and with 500 objects of the kind that
//! costs most: live ones, with everything their operator makes for them. The dataplane's stands in [`super::topics`].

use std::path::Path;

use serde_json::{Value, json};

use super::{Figure, Limit, local, steps};
use crate::audit::Audit;
use crate::stage::TEAM;
use crate::ui::{Failure, Outcome, Ui};

/// Objects of each kind.
const COUNT: usize = 500;
/// Repetitions, each on a fresh API server with a fresh process.
const TIMES: usize = 5;

/// What one operator is given.
struct Load {
    operator: &'static str,
    /// What the objects are, for people.
    what: &'static str,
    objects: fn() -> Vec<Value>,
    /// What must be there when it is at rest: a resource, and how many.
    made: (&'static str, usize),
    /// What each should cost at most, in KiB.
    each: Limit,
}

const LOADS: [Load; 3] = [
    Load {
        operator: "processing",
        what: "live ProcessingJobs, each with its pod, which no node takes",
        objects: jobs,
        made: ("pods", COUNT),
        each: Limit::Aim(20.0),
    },
    Load {
        operator: "pipeline",
        what: "MLPipelines with a live run each",
        objects: pipelines,
        made: ("processingjobs", COUNT),
        each: Limit::None,
    },
    Load {
        operator: "registry",
        what: "ModelVersions of a registry whose bucket is not there",
        objects: versions,
        made: ("modelversions", COUNT),
        each: Limit::None,
    },
];

pub(super) fn measure(ui: &Ui) -> Outcome<Vec<Figure>> {
    let binaries = local::build(&["processing", "pipeline", "registry"], &[], ui)?;
    let key = binaries.join("bench-registry-key");
    crate::cluster::files::write(&key, &"millrace".repeat(8), 0o600)?;
    let env = [("MILLRACE_REGISTRY_KEY_FILE", key.display().to_string())];
    let env: Vec<(&str, &str)> = env.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let mut figures = Vec::new();
    for load in &LOADS {
        let mut samples = Vec::new();
        for n in 1..=TIMES {
            let step = ui.step(format!("memory of {}, repetition {n} of {TIMES}", load.operator), "");
            let sample = once(load, (&binaries, &env), ui)?;
            step.done(format!("{:.1} MiB, {:.1} MiB", sample.idle, sample.full));
            samples.push(sample);
        }
        let name = |what: &str| format!("{}, {what}", load.operator);
        let all = |f: fn(&Sample) -> f64| samples.iter().map(f).collect::<Vec<_>>();
        let kib = all(|s| (s.full - s.idle) * 1_024.0 / COUNT as f64);
        let cpu = all(|s| s.cpu * 1_000.0 / COUNT as f64);
        figures.push(Figure::of(name("resident, idle"), &all(|s| s.idle), "MiB")?);
        let full = Figure::of(name(&format!("resident, {COUNT} objects")), &all(|s| s.full), "MiB")?;
        figures.push(full.beside(load.what));
        figures.push(Figure::of(name("resident, each object"), &kib, "KiB")?.limit(load.each));
        figures.push(Figure::of(name("processor, each object"), &cpu, "ms")?.beside("until all are at rest"));
    }
    figures.extend(steps::measure(&binaries, ui)?);
    Ok(figures)
}

/// Memory in MiB, processor in seconds.
struct Sample {
    idle: f64,
    full: f64,
    cpu: f64,
}

fn once(load: &Load, (binaries, env): (&Path, &[(&str, &str)]), ui: &Ui) -> Outcome<Sample> {
    let api = local::server(&[TEAM], ui)?;
    let operator = local::operator(&api, (load.operator, binaries), env)?;
    let mut audit = Audit::of(&api.audit_log)?;
    local::settled(&mut audit)?;
    let (idle, begun) = (operator.resident()?, operator.cpu()?);
    local::apply(&api, &(load.objects)())?;
    local::settled(&mut audit)?;
    let (resource, wanted) = load.made;
    let there = api.target.run(&["get", resource, "-n", TEAM, "-o", "name"])?.lines().count();
    if there != wanted {
        let what = format!("{} came to rest with {there} {resource}, not {wanted}", load.operator);
        return Err(Failure::because(what, api.audit_log.display()));
    }
    Ok(Sample { idle, full: operator.resident()?, cpu: operator.cpu()? - begun })
}

fn object(kind: &str, name: String, spec: Value) -> Value {
    json!({"apiVersion": "millrace.dev/v1alpha1", "kind": kind, "metadata": {"name": name, "namespace": TEAM}, "spec": spec})
}

fn container() -> Value {
    json!({"image": "docker.io/millrace/flights:dev", "command": ["python3", "/app/sleep.py", "1"]})
}

fn jobs() -> Vec<Value> {
    (0..COUNT).map(|n| object("ProcessingJob", format!("job-{n}"), json!({"container": container()}))).collect()
}

fn pipelines() -> Vec<Value> {
    let one = |n: usize| {
        let pipeline = json!({"steps": [{"name": "only", "container": container()}]});
        let run = json!({"pipeline": format!("pipeline-{n}")});
        [object("MLPipeline", format!("pipeline-{n}"), pipeline), object("MLPipelineRun", format!("run-{n}"), run)]
    };
    (0..COUNT).flat_map(one).collect()
}

fn versions() -> Vec<Value> {
    let registry = json!({"database": {"secretRef": {"name": "database"}}, "artifacts": {"bucket": "models"}});
    let one = |n: usize| {
        let version = json!({"registry": "main", "model": "flight-delays", "source": format!("s3://models/run-{n}")});
        object("ModelVersion", format!("version-{n}"), version)
    };
    [object("ModelRegistry", "main".into(), registry)].into_iter().chain((0..COUNT).map(one)).collect()
}
