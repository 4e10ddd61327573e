//! Everybody else: the operators of jobs, of models and of data, and people.

use jiff::Timestamp;
use k8s_openapi::{
    api::apps::v1::ControllerRevision,
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
};
use millrace_crds::{
    DataBucket, DataTopic, HasConditions, MLPipeline, MLPipelineRun, ModelVersion, ProcessingJob,
    processing_job::{Attempt, AttemptRecord, FailureClass},
    well_known::LABEL_STEP,
};
use millrace_kit::{
    Object, conditions,
    sim::{Actor, World},
};
use serde_json::{Value, json};

use super::objects::{asking, pipeline, run};

/// How the job of a step goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Script {
    /// Well, with an AUC of 0.8.
    Good,
    /// Well, with an AUC of 0.6.
    Poor,
    /// The first attempt fails, the second goes well.
    Retry,
    /// It fails for good.
    Fail,
    /// It runs until the world lets it go on.
    Until(fn(&World, &ProcessingJob) -> bool),
}

pub(crate) type Scripts = fn(&str) -> Script;

fn fresh<S: HasConditions>(status: &mut S, generation: Option<i64>, told: (&str, &str, &str)) {
    let (kind, flag, message) = told;
    status.set_observed_generation(generation.unwrap_or(0));
    let now = Time(Timestamp::UNIX_EPOCH);
    let list = status.conditions_mut();
    list.retain(|c| c.type_ != kind);
    list.push(Condition {
        type_: kind.into(),
        status: flag.into(),
        reason: "Simulated".into(),
        message: message.into(),
        last_transition_time: now,
        observed_generation: None,
    });
}

fn name<K: Object>(object: &K) -> String {
    object.meta().name.clone().unwrap()
}

/// The processing operator: one move at a time.
pub(crate) fn processing(scripts: Scripts) -> Actor {
    Box::new(move |world| {
        world.list::<ProcessingJob>().into_iter().any(|job| {
            let status = job.status.clone().unwrap_or_default();
            if conditions::get(&status, "Succeeded").is_some_and(|c| c.status != "Unknown") {
                return false;
            }
            let number = status.attempt.as_ref().map_or(0, |a| a.number);
            let script = scripts(&job.metadata.labels.clone().unwrap_or_default()[LABEL_STEP]);
            let hold = matches!(script, Script::Until(free) if !free(world, &job));
            if hold && number > 0 {
                return false;
            }
            let again = number == 0 || (number == 1 && matches!(script, Script::Retry));
            world.change::<ProcessingJob>("ml", &name(&job), |job| {
                let generation = job.metadata.generation;
                let status = job.status.get_or_insert_default();
                if again {
                    status.attempt = Some(Attempt { number: number + 1, name: "a".into(), ..Attempt::default() });
                    fresh(status, generation, ("Succeeded", "Unknown", "running"));
                } else if matches!(script, Script::Fail) {
                    let class = Some(FailureClass::Application);
                    status.last_attempts = vec![AttemptRecord { run: 1, number, class, ..AttemptRecord::default() }];
                    fresh(status, generation, ("Succeeded", "False", "exit 1: KeyError: day"));
                } else {
                    let auc = if matches!(script, Script::Poor) { json!(0.6) } else { json!(0.8) };
                    status.results = [("auc".to_owned(), auc), ("model".to_owned(), json!("s3://b/m"))].into();
                    fresh(status, generation, ("Succeeded", "True", "done"));
                }
            });
            true
        })
    })
}

/// The registry operator.
pub(crate) fn registry() -> Actor {
    Box::new(|world| {
        let open = |v: &ModelVersion| v.status.as_ref().is_none_or(|s| s.version.is_none());
        let Some(version) = world.list::<ModelVersion>().into_iter().find(open) else { return false };
        world.change::<ModelVersion>("ml", &name(&version), |version| {
            let generation = version.metadata.generation;
            let status = version.status.get_or_insert_default();
            status.version = Some(1);
            fresh(status, generation, ("Ready", "True", "registered"));
        });
        true
    })
}

/// The dataplane operator.
pub(crate) fn dataplane() -> Actor {
    Box::new(|world| {
        let bucket = world
            .list::<DataBucket>()
            .into_iter()
            .find(|b| b.status.as_ref().is_none_or(|s| s.observed_generation != b.metadata.generation.unwrap()));
        if let Some(bucket) = bucket {
            world.change::<DataBucket>("ml", &name(&bucket), |b| {
                let generation = b.metadata.generation;
                fresh(b.status.get_or_insert_default(), generation, ("Ready", "True", "there"));
            });
            return true;
        }
        let topic = world
            .list::<DataTopic>()
            .into_iter()
            .find(|t| t.status.as_ref().is_none_or(|s| s.observed_generation != t.metadata.generation.unwrap()));
        let Some(topic) = topic else { return false };
        world.change::<DataTopic>("ml", &name(&topic), |t| {
            let generation = t.metadata.generation;
            fresh(t.status.get_or_insert_default(), generation, ("Ready", "True", "there"));
        });
        true
    })
}

/// Somebody who does one thing once, when the time is ripe.
pub(crate) fn once(ripe: impl Fn(&World) -> bool + 'static, act: impl Fn(&World) + 'static) -> Actor {
    let mut done = false;
    Box::new(move |world| {
        let now = !done && ripe(world);
        if now {
            done = true;
            act(world);
        }
        now
    })
}

pub(crate) fn phase(world: &World, run: &str) -> String {
    let status = world.get::<MLPipelineRun>("ml", run).and_then(|r| r.status).unwrap_or_default();
    format!("{:?}", status.phase)
}

pub(crate) fn generation(world: &World) -> i64 {
    world.get::<MLPipeline>("ml", "p").and_then(|p| p.metadata.generation).unwrap_or(0)
}

pub(crate) fn frozen(world: &World) -> bool {
    world.list::<MLPipelineRun>().iter().any(|r| r.status.as_ref().is_some_and(|s| s.revision.is_some()))
}

/// Edits the pipeline as soon as the run has frozen it, or has made a job, which must not come first.
pub(crate) fn editor(spec: Value) -> Actor {
    let begun = |world: &World| frozen(world) || !world.list::<ProcessingJob>().is_empty();
    once(begun, move |world| world.apply(&pipeline(&spec)))
}

/// Creates the pipeline after the run has been seen waiting for it.
pub(crate) fn late(spec: Value) -> Actor {
    once(|world| phase(world, "r") == "Some(Pending)", move |world| world.apply(&pipeline(&spec)))
}

/// Asks for a second run when the first has been remembered and has ended.
pub(crate) fn clicker(spec: Value, value: &'static str) -> Actor {
    let ended = |world: &World| {
        let p = world.get::<MLPipeline>("ml", "p").and_then(|p| p.status).unwrap_or_default();
        let runs = world.list::<MLPipelineRun>();
        let over = |r: &MLPipelineRun| r.status.as_ref().is_some_and(|s| s.finished_at.is_some());
        p.last_handled_run_request.is_some() && !runs.is_empty() && runs.iter().all(over)
    };
    once(ended, move |world| {
        // Two runs of one instant have no order.
        world.pass_time(std::time::Duration::from_secs(1));
        world.apply(&asking(&spec, value));
    })
}

/// Deletes the job of the step `features` while it runs.
pub(crate) fn thief() -> Actor {
    let running = |world: &World| {
        world.list::<ProcessingJob>().into_iter().find(|j| j.status.as_ref().is_some_and(|s| s.attempt.is_some()))
    };
    once(
        move |world| running(world).is_some(),
        move |world| world.delete::<ProcessingJob>("ml", &name(&running(world).unwrap())),
    )
}

/// Creates a run pinned to the pipeline's revision as soon as there is one.
pub(crate) fn pinner() -> Actor {
    once(
        |world| !world.list::<ControllerRevision>().is_empty(),
        |world| {
            let revision = name(&world.list::<ControllerRevision>()[0]);
            world.apply(&run("r", &json!({"pipeline": "p", "revision": revision})));
        },
    )
}

/// Writes into the status of the run, twice.
pub(crate) fn toucher() -> Actor {
    let mut left = 2;
    Box::new(move |world| {
        if left == 0 || !frozen(world) {
            return false;
        }
        left -= 1;
        world.change::<MLPipelineRun>("ml", "r", |r| {
            r.status.get_or_insert_default().other.insert(format!("touched{left}"), json!(true));
        });
        true
    })
}

/// Whether what was written into the status is still there.
pub(crate) fn touched(world: &World) -> bool {
    let other = world.get::<MLPipelineRun>("ml", "r").and_then(|r| r.status).unwrap_or_default().other;
    other.contains_key("touched0") && other.contains_key("touched1")
}

/// Whether every job has the image of the revision its run executes.
pub(crate) fn of_one_revision(world: &World) -> bool {
    let status = world.get::<MLPipelineRun>("ml", "r").and_then(|r| r.status).unwrap_or_default();
    let revision = world.get::<ControllerRevision>("ml", &status.revision.unwrap_or_default());
    let spec = revision.and_then(|r| r.data).map(|d| d.0).unwrap_or_default();
    let want = spec.pointer("/steps/0/container/image").and_then(Value::as_str).unwrap_or_default();
    world.list::<ProcessingJob>().iter().all(|j| j.spec.job.container.as_ref().is_some_and(|c| c.image == want))
}
