//! The spec parsed into types that cannot be wrong.
//!
//! Owns every rejection: each names the field and what to write instead, and all of them are found at once. How to run
//! a job ([`Policy`]) is read even where what to run ([`Work`]) is refused, so that a running attempt is never left alone.

mod data;
mod engines;
mod fields;
mod findings;
mod memory;
mod place;
mod pod;
mod quantity;
mod references;
mod section;

use std::{collections::BTreeMap, time::Duration};

use millrace_crds::{
    JobSpec, ProcessingJob, Quantity,
    data_grant::AccessRequest,
    engines::{FlinkMode, SparkMode},
    job::{EnvVar, KeepPods, ReadyWhen, Rerun},
    pod::PodSubset,
    well_known::DEFAULT_DATA_PLANE,
};
use millrace_kit::names;
use serde_json::{Value, json};

pub(crate) use engines::{Container, Engine, Executors, Flink, Program, Size, Spark, flink};
pub(crate) use place::Prefix;
pub(crate) use quantity::{bytes, millis};
pub(crate) use section::{Section, Workers};

use findings::Findings;
use references::{Names, looks_like_grant};

/// How long a start may take where the spec says nothing.
pub(crate) const START_DEADLINE: Duration = Duration::from_secs(900);

/// A job as decide sees it.
pub(crate) struct Model {
    /// How to run it; always known.
    pub policy: Policy,
    /// What to run, or everything that is wrong with it, one finding a line.
    pub work: Result<Work, String>,
    /// Hash of the part of the user's spec that makes another application of it.
    pub hash: String,
    /// Refused by what its DataPlane allows, which may change without the job.
    pub unpermitted: bool,
}

/// What the names of PriorityClasses begin with whose pods may push out any other.
const SYSTEM: &str = "system-";

/// The DataPlane that has to allow the job's priority, if that is one of the system.
pub(crate) fn system_priority(spec: &JobSpec) -> Option<&str> {
    let class = spec.pod.as_ref().and_then(|pod| pod.priority_class_name.as_deref());
    class.filter(|name| name.starts_with(SYSTEM)).map(|_| plane(spec))
}

fn plane(spec: &JobSpec) -> &str {
    spec.data_plane.as_deref().unwrap_or(DEFAULT_DATA_PLANE)
}

/// Retries, deadlines and wishes; a change of them touches the running attempt at once.
pub(crate) struct Policy {
    /// Repetitions after failures of the application.
    pub retries: i32,
    /// Repetitions after failures around it.
    pub infrastructure_retries: i32,
    /// First and longest pause before a repetition.
    pub backoff: (Duration, Duration),
    /// An attempt that ran this long clears the failures before it.
    pub reset_after: Option<Duration>,
    /// What follows when an attempt runs out of memory.
    pub growth: Option<memory::Growth>,
    /// From an attempt's intent to its first running container.
    pub start: Duration,
    /// From the first running container to the end.
    pub run: Option<Duration>,
    /// From the request to stop to the kill.
    pub stop: Duration,
    /// How long it may run without any of the pods that the application asks for itself.
    pub workers: Duration,
    /// Stop, or do not start.
    pub suspend: bool,
    /// What Ready waits for.
    pub ready_when: ReadyWhen,
    /// When a finished job runs again.
    pub rerun: Rerun,
    /// Which finished pods stay.
    pub keep_pods: KeepPods,
}

/// What an attempt runs.
pub(crate) struct Work {
    /// The application.
    pub engine: Engine,
    /// Name of the DataPlane.
    pub plane: String,
    /// What it reads and writes, each target once.
    pub access: Vec<AccessRequest>,
    /// The user's variables.
    pub env: Vec<EnvVar>,
    /// The user's wishes for pods.
    pub pod: PodSubset,
    /// Grace period of its pods.
    pub grace: Duration,
}

impl Model {
    /// Reads a job.
    pub(crate) fn of(job: &ProcessingJob) -> Self {
        let spec = &job.spec.job;
        let mut findings = Findings::default();
        let policy = policy(spec, &mut findings);
        let name = job.metadata.name.as_deref().unwrap_or_default();
        let work = work(spec, (name, &policy), &mut findings);
        if let Some(work) = &work {
            memory::check(policy.growth, work.engine.section().memory(), &mut findings);
        }
        let work = match (work, findings.told()) {
            (Some(work), None) => Ok(work),
            (_, wrong) => Err(wrong.unwrap_or_default()),
        };
        Self { policy, work, hash: hash(spec), unpermitted: false }
    }

    /// The same job on a DataPlane that allows it a priority of the system or not. Admission cannot tell, since a rule of
    /// one kind does not see objects of another.
    pub(crate) fn permitted(mut self, job: &ProcessingJob, allowed: Option<bool>) -> Self {
        let plane = system_priority(&job.spec.job).filter(|_| allowed != Some(true));
        if let Some(plane) = plane {
            let told = format!(
                "spec.pod.priorityClassName: classes that begin with `{SYSTEM}` are the cluster's own; name another one, or let those who run the platform choose this namespace in spec.systemPriority of DataPlane {plane}"
            );
            self.work = Err(match self.work {
                Ok(_) => told,
                Err(others) => format!("{others}\n{told}"),
            });
            self.unpermitted = true;
        }
        self
    }

    /// What an attempt runs whose memory has grown to this much: its own, its workers'.
    pub(crate) fn grown(job: &ProcessingJob, memory: (Option<&Quantity>, Option<&Quantity>)) -> Option<Work> {
        let spec = memory::grown(&job.spec.job, memory);
        let (mut findings, name) = (Findings::default(), job.metadata.name.as_deref().unwrap_or_default());
        let policy = policy(&spec, &mut findings);
        // It is no more wrong than the user's own.
        work(&spec, (name, &policy), &mut findings)
    }
}

fn policy(spec: &JobSpec, findings: &mut Findings) -> Policy {
    let retry = spec.retry.clone().unwrap_or_default();
    let backoff = retry.backoff.clone().unwrap_or_default();
    let deadlines = spec.deadlines.clone().unwrap_or_default();
    let mut time = |field: &str, value: &Option<millrace_crds::Duration>| {
        let value = value.as_ref()?;
        let seconds = value.seconds();
        if seconds.is_none() {
            findings.note(field, format!("`{}` is no length of time; write for example 90s, 10m or 1h30m", value.0));
        }
        seconds.map(Duration::from_secs)
    };
    let initial = time("retry.backoff.initial", &backoff.initial).unwrap_or(Duration::from_secs(10));
    let max = time("retry.backoff.max", &backoff.max).unwrap_or(Duration::from_secs(600));
    let reset_after = time("retry.backoff.resetAfter", &backoff.reset_after);
    let (start, run) = (time("deadlines.start", &deadlines.start), time("deadlines.run", &deadlines.run));
    let (stop, workers) = (time("deadlines.stop", &deadlines.stop), time("deadlines.workers", &deadlines.workers));
    let start = start.unwrap_or(START_DEADLINE);
    Policy {
        reset_after,
        growth: memory::growth(retry.on_out_of_memory.as_ref(), findings),
        retries: retry.limit.unwrap_or(0),
        infrastructure_retries: retry.infrastructure_limit.unwrap_or(10),
        backoff: (initial, max.max(initial)),
        start,
        run,
        stop: stop.unwrap_or(Duration::from_secs(30)),
        workers: workers.unwrap_or(start),
        suspend: spec.suspend.unwrap_or(false),
        ready_when: spec
            .ready_when
            .unwrap_or_else(|| if streams(spec) { ReadyWhen::Healthy } else { ReadyWhen::Submitted }),
        rerun: spec.rerun.unwrap_or_default(),
        keep_pods: spec.keep_pods.unwrap_or_default(),
    }
}

/// Whether the job has no end of its own.
fn streams(spec: &JobSpec) -> bool {
    spec.flink.as_ref().is_some_and(|own| own.mode.unwrap_or_default() == FlinkMode::Streaming)
        || spec.spark.as_ref().is_some_and(|own| own.mode.unwrap_or_default() == SparkMode::Streaming)
}

fn work(spec: &JobSpec, of: (&str, &Policy), findings: &mut Findings) -> Option<Work> {
    let (name, policy) = of;
    let access = data::access(spec, name, findings);
    let names = Names::of(&access);
    let engine = engines::parse(spec, name, (&names, findings));
    env(spec, &names, findings);
    if spec.flink.is_some() {
        engines::flink::env(&spec.env, findings);
    }
    let wishes = spec.pod.clone().unwrap_or_default();
    pod::check(&wishes, engine.as_ref(), findings);
    Some(Work {
        engine: engine?,
        plane: plane(spec).to_owned(),
        access,
        env: spec.env.clone(),
        pod: wishes,
        grace: policy.stop,
    })
}

/// Variables Millrace sets itself, beside the prefixes `AWS_`, `MILLRACE_`, `BUCKET_`, `TOPIC_` and `SPARK_`.
const OUR_VARIABLES: [&str; 1] = ["KAFKA_BOOTSTRAP_SERVERS"];

/// Variables by which the replicas of a container find each other.
const RANK_VARIABLES: [&str; 4] = ["RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"];

fn env(spec: &JobSpec, names: &Names, findings: &mut Findings) {
    let ranks = spec.container.as_ref().is_some_and(|c| c.replicas.unwrap_or(1) > 1);
    for (at, var) in spec.env.iter().enumerate() {
        if ranks && RANK_VARIABLES.contains(&var.name.as_str()) {
            let advice = format!("`{}` is set by Millrace when container.replicas is above 1; remove it", var.name);
            findings.note(format!("env[{at}].name"), advice);
        }
        let prefixes = ["AWS_", "MILLRACE_", "BUCKET_", "TOPIC_", "SPARK_"];
        if prefixes.iter().any(|p| var.name.starts_with(p)) || OUR_VARIABLES.contains(&var.name.as_str()) {
            findings.note(format!("env[{at}].name"), format!("`{}` is set by Millrace; choose another name", var.name));
        }
        if let Some(value) = &var.value {
            names.check(&format!("env[{at}].value"), value, findings);
        }
        let secret = var.value_from.as_ref().and_then(|s| s.secret_key_ref.as_ref());
        if let Some(secret) = secret.filter(|s| looks_like_grant(&s.name)) {
            findings.note(
                format!("env[{at}].valueFrom.secretKeyRef.name"),
                format!("`{}` is the Secret of a DataGrant; access to data follows from reads and writes", secret.name),
            );
        }
    }
}

/// The fields of a spec that make another application of it.
pub(crate) const WORDS: [&str; 8] = ["spark", "flink", "container", "dataPlane", "reads", "writes", "env", "pod"];

/// The user's own words and nothing else: neither our defaults nor our rendering, so that a new version of Millrace
/// restarts nothing, and no field that only says how attempts are handled.
fn hash(spec: &JobSpec) -> String {
    let words = json!({
        "spark": spec.spark, "flink": spec.flink.as_ref().map(flink::application), "container": spec.container,
        "dataPlane": spec.data_plane, "reads": spec.reads, "writes": spec.writes, "env": spec.env, "pod": spec.pod,
    });
    names::hash(&[&sorted(words).to_string()], 16)
}

/// With keys in order, whatever map serde_json was built with, and without nulls: a field that a newer version adds
/// changes no hash until somebody uses it.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let map: BTreeMap<String, Value> = map.into_iter().filter(|(_, v)| !v.is_null()).collect();
            Value::Object(map.into_iter().map(|(k, v)| (k, sorted(v))).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(sorted).collect()),
        other => other,
    }
}
