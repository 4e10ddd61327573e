//! Flink jobs, and what must become of their state.

use k8s_openapi::api::{
    apps::v1::{ControllerRevision, Deployment},
    core::v1::{ConfigMap, Pod},
};
use millrace_crds::{
    ProcessingJob,
    processing_job::{AttemptResult, FailureClass, JobPhase},
};
use millrace_kit::{conditions, sim::Actor};
use serde_json::json;

use super::*;
use crate::support::flink::{self, Job, Traps};

/// A batch job.
fn batch(more: Value) -> Value {
    let mut spec =
        json!({"flink": {"image": "streams:1", "main": "local:///opt/flink/usrlib/job.jar", "mode": "Batch"}});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    spec
}

/// A streaming job with state and these settings of it; `version` is an argument of its code.
pub(crate) fn stream(version: &str, state: Value) -> Value {
    let mut own = json!({"bucket": "state", "checkpointEvery": "10s"});
    for (key, value) in state.as_object().unwrap() {
        own[key] = value.clone();
    }
    json!({
        "flink": {"image": "streams:1", "main": "local:///opt/flink/usrlib/job.jar", "args": [version], "state": own},
        "retry": {"infrastructureLimit": 5},
    })
}

pub(crate) fn apply(world: &World, spec: Value) {
    world.apply(&job(spec));
}

pub(crate) fn healthy(world: &World) -> bool {
    is(world, JobPhase::Running) && conditions::is_true(&status(world), "Healthy")
}

pub(crate) fn run(world: &World) -> i64 {
    status(world).run_number.unwrap_or(0)
}

/// Kills the JobManager right after one more checkpoint.
pub(crate) fn kill(world: &World) {
    flink::one_more(world);
    world.delete::<Pod>("ml", &status(world).attempt.unwrap().pod.unwrap());
}

/// A stream that is asked for new code once it is healthy, of a Flink with these traps from then on.
fn upgraded(traps: Traps) -> Vec<Actor> {
    let mut traps = Some(traps);
    let ask = Box::new(move |world: &World| {
        let Some(traps) = healthy(world).then(|| traps.take()).flatten() else { return false };
        flink::store(world).lock().traps = traps;
        apply(world, stream("2", json!({})));
        true
    });
    vec![flink::flink(|_, _| Job::Streams), ask]
}

/// The attempt that runs started from a path that ends so.
pub(crate) fn restored(world: &World, end: &str) -> Result<(), String> {
    let attempt = status(world).attempt.unwrap_or_default();
    let from = attempt.flink.unwrap_or_default().restored_from.unwrap_or_default();
    must(from.ends_with(end), format!("attempt {} started from {from}, not {end}", attempt.number))
}

/// Whether somebody speaks for the state against expiry rules.
fn kept(world: &World) -> bool {
    world.list::<DataGrant>().iter().filter(|grant| grant.spec.protect_only).count() == 1
}

fn maps(world: &World) -> usize {
    let names = world.list::<ConfigMap>().into_iter().filter_map(|m| m.metadata.name);
    names.filter(|n| n.ends_with("-config-map")).count()
}

/// One cluster and nothing else is left.
pub(crate) fn one_runs(world: &World) -> Result<(), String> {
    must(healthy(world), format!("not healthy: {:#?}", status(world).conditions))?;
    must(kept(world), "nobody speaks for the state")?;
    must(maps(world) == 2, format!("{} ConfigMaps of high availability", maps(world)))?;
    must(world.list::<Deployment>().len() == 1, "anchors were leaked")?;
    must(world.list::<Pod>().len() == 1, "pods were leaked")?;
    must(status(world).state.unwrap_or_default().leftovers.is_empty(), "leftovers are not cleaned")
}

fn nothing(world: &World) -> Result<(), String> {
    must(maps(world) == 0, "ConfigMaps of high availability were leaked")?;
    must(world.list::<Deployment>().is_empty() && world.list::<Pod>().is_empty(), "something outlives the job")
}

/// A Flink job whose data is there.
pub(crate) fn stream_job(name: &str, spec: Value) -> Scenario {
    scenario(name, spec, |_, _| Life::Forever).actor(|| dataplane(Plane::Answers))
}

pub(crate) fn batches() -> Vec<Scenario> {
    vec![
        stream_job("flink batch ends well", batch(json!({})))
            .actors(|| vec![flink::flink(|_, _| Job::Finishes)])
            .then(|w| {
                phase(w, JobPhase::Succeeded)?;
                must(w.list::<Pod>().is_empty() && w.list::<Deployment>().is_empty(), "the cluster was left alone")
            })
            .writes(10),
        stream_job("flink batch fails once", batch(json!({"retry": {"limit": 1}})))
            .actors(|| {
                vec![flink::flink(|_, n| {
                    if n == 1 { Job::Fails("java.lang.ArithmeticException: / by zero") } else { Job::Finishes }
                })]
            })
            .then(|w| {
                phase(w, JobPhase::Succeeded)?;
                let record = status(w).last_attempts[1].clone();
                must(record.class == Some(FailureClass::Application), "wrong class")?;
                must(record.message.unwrap_or_default().contains("/ by zero"), "the cause is lost")
            })
            .writes(17),
        stream_job("flink batch is changed while it starts", batch(json!({})))
            .actors(|| {
                vec![
                    flink::flink(|run, _| if run == 1 { Job::Sick } else { Job::Finishes }),
                    once(
                        |w| !flink::store(w).lock().clusters.is_empty(),
                        |w| apply(w, batch(json!({"writes": ["bucket/out"]}))),
                    ),
                ]
            })
            .then(|w| phase(w, JobPhase::Succeeded).and_then(|()| last(w, (2, 1, AttemptResult::Succeeded, None))))
            .writes(23),
    ]
}

pub(crate) fn stops() -> Vec<Scenario> {
    vec![
        stream_job("stream suspended and resumed", stream("1", json!({})))
            .actors(|| {
                vec![
                    flink::flink(|_, _| Job::Streams),
                    once(healthy, |w| {
                        let mut spec = stream("1", json!({}));
                        spec["suspend"] = json!(true);
                        apply(w, spec);
                    }),
                    once(
                        |w| is(w, JobPhase::Suspended) && maps(w) == 0 && kept(w),
                        |w| apply(w, stream("1", json!({}))),
                    ),
                ]
            })
            .then(|w| one_runs(w).and_then(|()| restored(w, "/savepoint-1")))
            .writes(23),
        stream_job("stream upgraded with its savepoint", stream("1", json!({})))
            .actors(|| vec![flink::flink(|_, _| Job::Streams), once(healthy, |w| apply(w, stream("2", json!({}))))])
            .then(|w| {
                one_runs(w)?;
                restored(w, "/savepoint-1")?;
                must(run(w) == 2, "not a new run")
            })
            .writes(28),
        stream_job(
            "stream upgraded from its last state with a dead JobManager",
            stream("1", json!({"upgrade": "LastState"})),
        )
        .actors(|| {
            vec![
                flink::flink(|_, _| Job::Streams),
                once(healthy, kill),
                once(|w| is(w, JobPhase::Retrying), |w| apply(w, stream("2", json!({"upgrade": "LastState"})))),
            ]
        })
        .then(|w| one_runs(w).and_then(|()| restored(w, "/chk-2")))
        .writes(22),
        stream_job("the first savepoint has no location", stream("1", json!({})))
            .actors(|| upgraded(Traps { first_savepoint_fails: true, ..Traps::default() }))
            .then(|w| one_runs(w).and_then(|()| restored(w, "/savepoint-1")))
            .writes(31),
        stream_job("Flink forgets the savepoint it took", stream("1", json!({})))
            .actors(|| upgraded(Traps { forgets_triggers: true, ..Traps::default() }))
            .then(|w| one_runs(w).and_then(|()| restored(w, "/savepoint-1")))
            .writes(28),
        stream_job("a savepoint never ends", stream("1", json!({})))
            .actors(|| upgraded(Traps { never_ends: true, ..Traps::default() }))
            .then(|w| one_runs(w).and_then(|()| restored(w, "/chk-1")))
            .writes(28),
        stream_job("stream deleted with a savepoint", stream("1", json!({"onDelete": "Savepoint"})))
            .actors(|| {
                vec![flink::flink(|_, _| Job::Streams), once(healthy, |w| w.delete::<ProcessingJob>("ml", "features"))]
            })
            .then(|w| {
                nothing(w)?;
                must(
                    flink::store(w).lock().bucket.iter().any(|p| p.ends_with("/savepoint-1")),
                    "no savepoint was taken",
                )
            })
            .writes(20),
        stream_job("stream deleted with a dead JobManager", stream("1", json!({"onDelete": "Savepoint"})))
            .actors(|| {
                vec![
                    flink::flink(|_, _| Job::Streams),
                    once(healthy, kill),
                    once(|w| is(w, JobPhase::Retrying), |w| w.delete::<ProcessingJob>("ml", "features")),
                ]
            })
            .then(nothing)
            .writes(18),
    ]
}

pub(crate) fn losses() -> Vec<Scenario> {
    vec![
        stream_job("JobManager killed", stream("1", json!({})))
            .actors(|| vec![flink::flink(|_, _| Job::Streams), once(healthy, kill)])
            .then(|w| one_runs(w).and_then(|()| restored(w, "/chk-2")))
            .writes(24),
        stream_job("the JobManager forgets its job", stream("1", json!({})))
            .actors(|| {
                vec![
                    flink::flink(|_, _| Job::Streams),
                    once(healthy, |w| {
                        flink::one_more(w);
                        flink::forget(w);
                    }),
                ]
            })
            .then(|w| {
                one_runs(w)?;
                restored(w, "/chk-2")?;
                last(w, (1, 1, AttemptResult::Failed, Some(FailureClass::Infrastructure)))
            })
            .writes(26),
        stream_job("an unknown restore point", stream("1", json!({})))
            .actors(|| {
                vec![
                    flink::flink(|_, _| Job::Streams),
                    once(healthy, |w| {
                        flink::lose_maps(w);
                        w.delete::<Pod>("ml", &status(w).attempt.unwrap().pod.unwrap());
                    }),
                ]
            })
            .then(|w| {
                ready(w, "RestorePointUnknown")?;
                must(conditions::is_true(&status(w), "Stalled"), "not Stalled")?;
                nothing(w)
            })
            .writes(19),
        stream_job("an unknown restore point, given up", stream("1", json!({})))
            .actors(|| {
                vec![
                    flink::flink(|_, _| Job::Streams),
                    once(healthy, |w| {
                        flink::lose_maps(w);
                        w.delete::<Pod>("ml", &status(w).attempt.unwrap().pod.unwrap());
                    }),
                    once(
                        |w| conditions::is_true(&status(w), "Stalled"),
                        |w| apply(w, stream("1", json!({"restoreFrom": "Empty"}))),
                    ),
                ]
            })
            .then(|w| one_runs(w).and_then(|()| restored(w, "Empty")))
            .writes(27),
        stream_job("an upgrade that cannot restore goes back", stream("1", json!({"rollbackAfter": "5m"})))
            .actors(|| {
                vec![
                    flink::flink(|run, _| if run == 2 { Job::Incompatible } else { Job::Streams }),
                    once(healthy, |w| apply(w, stream("2", json!({"rollbackAfter": "5m"})))),
                ]
            })
            .then(rolled_back)
            .writes(42),
        stream_job("an upgrade that does not become healthy goes back", stream("1", json!({"rollbackAfter": "1m"})))
            .actors(|| {
                vec![
                    flink::flink(|run, _| if run == 2 { Job::Sick } else { Job::Streams }),
                    once(healthy, |w| apply(w, stream("2", json!({"rollbackAfter": "1m"})))),
                ]
            })
            .then(rolled_back)
            .writes(44),
        stream_job("an upgrade that cannot restore", stream("1", json!({"upgrade": "LastState"})))
            .actors(|| {
                vec![
                    flink::flink(|run, _| if run == 2 { Job::Incompatible } else { Job::Streams }),
                    once(healthy, |w| apply(w, stream("2", json!({"upgrade": "LastState"})))),
                ]
            })
            .then(|w| {
                phase(w, JobPhase::Failed)?;
                ready(w, "Configuration")?;
                must(maps(w) == 0 && w.list::<Deployment>().is_empty(), "something was leaked")?;
                let next = status(w).state.unwrap_or_default().next_restore.unwrap_or_default();
                must(next.ends_with("/chk-1"), format!("the restore point is lost: {next}"))
            })
            .writes(32),
        stream_job("savepoints now and then", stream("1", json!({"savepointEvery": "100s", "keep": 1})))
            .actors(|| vec![flink::flink(|_, _| Job::Streams)])
            .then(|w| {
                one_runs(w)?;
                let state = status(w).state.unwrap_or_default();
                must(state.restore_points.len() >= 2, format!("{:?}", state.restore_points))?;
                let kept = flink::store(w).lock().bucket.iter().filter(|p| p.contains("/savepoint-")).count();
                must(kept == 1, format!("{kept} savepoints are kept"))
            })
            .writes(18),
    ]
}

/// The old version runs on from where it was stopped.
fn rolled_back(world: &World) -> Result<(), String> {
    one_runs(world)?;
    restored(world, "/savepoint-1")?;
    must(run(world) == 3, format!("run {}", run(world)))?;
    must(conditions::is_true(&status(world), "Degraded"), "it is not told")?;
    ready(world, "RolledBack")?;
    must(world.list::<ControllerRevision>().len() == 1, "kept specs were leaked")
}
