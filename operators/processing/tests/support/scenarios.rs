//! The scenarios of a ProcessingJob.

pub(crate) mod ends;
pub(crate) mod memory;
pub(crate) mod preflight;
pub(crate) mod priority;
pub(crate) mod ranks;
pub(crate) mod rescale;
pub(crate) mod starts;
pub(crate) mod streams;
pub(crate) mod troubles;
pub(crate) mod wishes;

use k8s_openapi::api::core::v1::Pod;
use millrace_crds::{
    DataGrant,
    processing_job::{AttemptResult, FailureClass, JobPhase},
};
use millrace_kit::{
    conditions,
    sim::{Scenario, World},
};
use serde_json::{Value, json};

use crate::support::{Life, Plane, dataplane, job, live, must, once, scenario, status};

pub(crate) fn container(more: Value) -> Value {
    let mut spec = json!({"container": {"image": "train:1", "command": ["python3", "/app/train.py"]}});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    spec
}

pub(crate) fn phase(world: &World, want: JobPhase) -> Result<(), String> {
    let status = status(world);
    must(status.phase == Some(want), format!("phase {:?}, not {want:?}: {:#?}", status.phase, status.conditions))
}

pub(crate) fn last(world: &World, want: (i64, i64, AttemptResult, Option<FailureClass>)) -> Result<(), String> {
    let record = status(world).last_attempts.first().cloned().unwrap_or_default();
    let have = (record.run, record.number, record.result, record.class);
    must(have == want, format!("last attempt {have:?}, not {want:?}: {:?}", record.message))
}

pub(crate) fn no_grants(world: &World) -> Result<(), String> {
    must(world.list::<DataGrant>().is_empty(), "a grant was leaked")
}

pub(crate) fn ready(world: &World, want: &str) -> Result<(), String> {
    let status = status(world);
    let have = conditions::get(&status, "Ready").map(|c| c.reason.clone()).unwrap_or_default();
    must(have == want, format!("Ready says {have}, not {want}"))
}

pub(crate) const OK: Life = Life::Exit(0, "");

pub(crate) fn all() -> Vec<Scenario> {
    let streams = [streams::batches(), streams::stops(), streams::losses(), rescale::all()].concat();
    [
        ends::all(),
        memory::all(),
        preflight::all(),
        priority::all(),
        ranks::all(),
        starts::all(),
        troubles::all(),
        wishes::all(),
        streams,
    ]
    .concat()
}

#[allow(dead_code, reason = "each test binary uses a part")]
pub(crate) fn named(name: &str) -> Scenario {
    Scenario::find(&all(), name).unwrap().clone()
}

pub(crate) fn spark(more: Value) -> Value {
    let mut spec = json!({
        "spark": {"image": "flights:1", "main": "local:///app/features.py", "args": ["$(bucket.raw)"],
            "executors": {"count": 2}},
        "reads": ["bucket/raw"], "writes": ["bucket/features/day=1/"],
    });
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    spec
}

/// Somebody else's pod.
pub(crate) fn foreign(name: &str) -> Pod {
    let body = json!({"metadata": {"name": name, "namespace": "ml"}, "spec": {"containers": [{"name": "x"}]},
        "status": {"phase": "Succeeded"}});
    serde_json::from_value(body).unwrap()
}

pub(crate) fn change(world: &World, more: Value) {
    world.apply(&job(container(more)));
}

pub(crate) fn is(world: &World, want: JobPhase) -> bool {
    status(world).phase == Some(want)
}
