//! A job's spec read into a [`Model`]: each engine reads its own section, all else is the same for every engine.

use std::collections::BTreeMap;

use kube::ResourceExt;
use millrace_crds::{JobSpec, ProcessingJob, job::ENGINES, processing_job::Attempt};
use millrace_kit::names;
use serde_json::{Map, Value, json};

use crate::{
    engines,
    model::{
        Memory, Model, Policy, Section, Work, data,
        findings::Findings,
        memory, plane, pod, policy,
        references::{Names, looks_like_grant},
    },
};

/// Reads a job.
pub(crate) fn model(job: &ProcessingJob) -> Model {
    let spec = &job.spec.job;
    let mut findings = Findings::default();
    let policy = policy(spec, streams(spec), &mut findings);
    let work = work(spec, &job.name_any(), &policy, &mut findings);
    if let Some(work) = &work {
        memory::check(policy.growth, work.section.memory(), &mut findings);
    }
    let work = match (work, findings.told()) {
        (Some(work), None) => Ok(work),
        (_, wrong) => Err(wrong.unwrap_or_default()),
    };
    Model { policy, work, hash: hash(spec), unpermitted: false }
}

/// What an attempt runs whose memory has grown beyond what the spec says; `None` if it has not.
pub(crate) fn grown(job: &ProcessingJob, attempt: &Attempt) -> Option<Work> {
    let memory = Memory { own: attempt.memory.as_ref(), workers: attempt.worker_memory.as_ref() };
    memory.own.or(memory.workers)?;
    let mut spec = job.spec.job.clone();
    for engine in engines::given(&job.spec.job) {
        engine.set_memory(&mut spec, memory);
    }
    // It is no more wrong than the user's own.
    let mut findings = Findings::default();
    let policy = policy(&spec, streams(&spec), &mut findings);
    work(&spec, &job.name_any(), &policy, &mut findings)
}

fn streams(spec: &JobSpec) -> bool {
    engines::given(spec).any(|engine| engine.streams(spec))
}

fn work(spec: &JobSpec, job: &str, policy: &Policy, findings: &mut Findings) -> Option<Work> {
    let places = engines::given(spec).flat_map(|engine| engine.places(spec, job, findings)).collect();
    let access = data::access(spec, places, findings);
    let names = Names::of(&access);
    let section = section(spec, job, &names, findings);
    env(spec, &names, findings);
    let overrides = spec.pod.clone().unwrap_or_default();
    pod::check(&overrides, section.as_deref(), findings);
    Some(Work {
        section: section?,
        plane: plane(spec).to_owned(),
        access,
        env: spec.env.clone(),
        pod: overrides,
        grace: policy.stop,
    })
}

/// Exactly one engine, parsed.
fn section(spec: &JobSpec, job: &str, names: &Names, findings: &mut Findings) -> Option<Box<dyn Section>> {
    let mut given = engines::given(spec);
    let problem = match (given.next(), given.next()) {
        (Some(engine), None) => return engine.parse(spec, job, names, findings),
        (None, _) => "no engine",
        (Some(_), Some(_)) => "two engines",
    };
    findings.note("spark", format!("the job has {problem}; give exactly one of {}", ENGINES.join(", ")));
    None
}

/// Variables Millrace sets itself, beside the prefixes `AWS_`, `MILLRACE_`, `BUCKET_`, `TOPIC_` and `SPARK_`.
const OUR_VARIABLES: [&str; 1] = ["KAFKA_BOOTSTRAP_SERVERS"];

fn env(spec: &JobSpec, names: &Names, findings: &mut Findings) {
    for (at, var) in spec.env.iter().enumerate() {
        for advice in engines::given(spec).filter_map(|engine| engine.reserves(spec, &var.name)) {
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

/// The user's own words and nothing else: neither our defaults nor our rendering, so that a new version of Millrace
/// restarts nothing, and no field that only says how attempts are handled. See [`crate::model::is_application`].
fn hash(spec: &JobSpec) -> String {
    let mut words = Map::new();
    for engine in engines::ALL {
        words.insert(engine.name().to_owned(), engine.application(spec));
    }
    words.insert("dataPlane".to_owned(), json!(spec.data_plane));
    words.insert("reads".to_owned(), json!(spec.reads));
    words.insert("writes".to_owned(), json!(spec.writes));
    words.insert("env".to_owned(), json!(spec.env));
    words.insert("pod".to_owned(), json!(spec.pod));
    names::hash(&[&sorted(Value::Object(words)).to_string()], 16)
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
