//! Flink jobs that take over another parallelism while they run.

use millrace_crds::ProcessingJob;
use millrace_kit::conditions;
use serde_json::{Value, json};

use super::{
    streams::{apply, healthy, kill, one_runs, restored, run, stream, stream_job},
    *,
};
use crate::support::flink::{self, Job};

/// A stream of so many TaskManagers.
fn wide(count: i32) -> Value {
    let mut spec = stream("1", json!({}));
    spec["flink"]["taskManagers"] = json!({"count": count, "rescale": "InPlace"});
    spec
}

/// The first run has so many tasks of the source, the sink its own one, and nothing was restarted for it.
fn runs(world: &World, (attempt, tasks): (i64, i32)) -> Result<(), String> {
    one_runs(world)?;
    must(run(world) == 1, format!("run {}", run(world)))?;
    let live = status(world).attempt.unwrap_or_default();
    must(live.number == attempt, format!("attempt {}, not {attempt}", live.number))?;
    let store = flink::store(world);
    let state = store.lock();
    let cluster = state.clusters.values().find(|c| c.base == live.name).ok_or("no such job")?;
    let have: Vec<(&str, i32)> = cluster.vertices.iter().map(|v| (v.id.as_str(), v.tasks)).collect();
    must(have == [("source", tasks), ("sink", 1)], format!("{have:?}, not {tasks}"))?;
    let said = conditions::get(&status(world), "Healthy").map(|c| c.reason.clone());
    must(said.as_deref() == Some("Healthy"), format!("Healthy says {said:?}"))
}

/// The attempt is stored, and in most orders its job is not there yet.
fn begins(world: &World) -> bool {
    status(world).attempt.is_some()
}

fn grown(world: &World) -> bool {
    flink::store(world).lock().clusters.values().any(|c| c.vertices.iter().any(|v| v.tasks == 3))
}

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        stream_job("stream rescaled in place", wide(2))
            .actors(|| {
                vec![
                    flink::flink(|_, _| Job::Streams),
                    once(healthy, |w| apply(w, wide(3))),
                    once(|w| healthy(w) && grown(w), |w| apply(w, wide(1))),
                ]
            })
            .then(|w| runs(w, (1, 1)))
            .writes(15),
        stream_job("stream rescaled before its job is there", wide(2))
            .actors(|| vec![flink::flink(|_, _| Job::Streams), once(begins, |w| apply(w, wide(3)))])
            .then(|w| runs(w, (1, 3)))
            .writes(13),
        stream_job("JobManager of a rescaled stream killed", wide(2))
            .actors(|| {
                vec![
                    flink::flink(|_, _| Job::Streams),
                    once(healthy, |w| apply(w, wide(3))),
                    once(|w| healthy(w) && grown(w), kill),
                ]
            })
            .then(|w| runs(w, (2, 3)).and_then(|()| restored(w, "/chk-2")))
            .writes(26),
    ]
}

/// How many TaskManagers the spec asks for.
#[allow(dead_code, reason = "each test binary uses a part")]
pub(crate) fn count(job: &ProcessingJob) -> Option<i32> {
    job.spec.job.flink.as_ref()?.task_managers.as_ref()?.count
}
