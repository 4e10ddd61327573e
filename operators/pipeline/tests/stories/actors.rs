//! Everybody else: the operators of jobs, of models and of data, and people.

use jiff::Timestamp;
use k8s_openapi::{
    api::apps::v1::ControllerRevision,
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
};
use millrace_crds::{
    DataBucket, DataTopic, HasConditions, MLPipeline, MLPipelineRun, ModelVersion, ProcessingJob, ReasonText,
    ml_pipeline_run::{StepPhase, StepStatus},
    processing_job::{Attempt, AttemptRecord, FailureClass},
    well_known::LABEL_STEP,
};
use millrace_kit::{
    Address, Failure, Object, Standing, conditions,
    sim::{Actor, World, once},
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
    /// It is Stalled with this reason until the world helps.
    Stalled(&'static str, fn(&World) -> bool),
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
            let script = scripts(&step_of(&job));
            if let Script::Stalled(reason, free) = script
                && !free(world)
            {
                let now = conditions::is_true(&status, "Stalled");
                world.change::<ProcessingJob>("ml", &name(&job), |job| {
                    stall(job.status.get_or_insert_default(), (job.metadata.generation, reason), world.now());
                });
                return !now;
            }
            let hold = matches!(script, Script::Until(free) if !free(world, &job));
            if hold && number > 0 {
                return false;
            }
            let again = number == 0 || (number == 1 && matches!(script, Script::Retry));
            world.change::<ProcessingJob>("ml", &name(&job), |job| {
                let generation = job.metadata.generation;
                let status = job.status.get_or_insert_default();
                conditions::unset(status, "Stalled");
                status.run_number.get_or_insert(1);
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

fn stall<S: HasConditions>(status: &mut S, told: (Option<i64>, &str), now: Timestamp) {
    let (generation, reason) = told;
    status.set_observed_generation(generation.unwrap_or(0));
    conditions::stand(status, &Standing::stalled(ReasonText::as_given(reason), "something is missing"), now);
}

/// The registry operator.
pub(crate) fn registry() -> Actor {
    patient_registry(|_| true)
}

/// The registry operator; what it needs may come late.
pub(crate) fn patient_registry(free: fn(&World) -> bool) -> Actor {
    Box::new(move |world| {
        let open = |v: &ModelVersion| v.status.as_ref().is_none_or(|s| s.version.is_none());
        let Some(version) = world.list::<ModelVersion>().into_iter().find(open) else { return false };
        if !free(world) {
            let now = version.status.as_ref().is_some_and(|s| conditions::is_true(s, "Stalled"));
            world.change::<ModelVersion>("ml", &name(&version), |version| {
                let generation = version.metadata.generation;
                stall(version.status.get_or_insert_default(), (generation, "SourceNotVerified"), world.now());
            });
            return !now;
        }
        world.effect(format!("registered {}", version.spec.model));
        world.change::<ModelVersion>("ml", &name(&version), |version| {
            let generation = version.metadata.generation;
            let status = version.status.get_or_insert_default();
            status.version = Some(1);
            conditions::unset(status, "Stalled");
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

fn step_of(job: &ProcessingJob) -> String {
    job.metadata.labels.clone().unwrap_or_default()[LABEL_STEP].clone()
}

/// The job of a step.
pub(crate) fn job(world: &World, step: &str) -> Option<ProcessingJob> {
    world.list::<ProcessingJob>().into_iter().find(|j| step_of(j) == step)
}

pub(crate) fn has_job(world: &World, step: &str) -> bool {
    job(world, step).is_some()
}

fn step(world: &World, name: &str) -> Option<StepStatus> {
    let steps = world.get::<MLPipelineRun>("ml", "r").and_then(|r| r.status).unwrap_or_default().steps;
    steps.into_iter().find(|s| s.name == name)
}

/// Where a step of the run stands.
pub(crate) fn steps(world: &World, name: &str) -> Option<StepPhase> {
    step(world, name).map(|s| s.phase)
}

/// Whether a step says that it waits for something.
pub(crate) fn waits(world: &World, name: &str) -> bool {
    step(world, name).is_some_and(|s| s.reason.is_some() && s.phase == StepPhase::Running)
}

/// Begins a new run of the job of a step: it has returned nothing yet.
pub(crate) fn run_again(world: &World, step: &str) {
    let Some(job) = job(world, step) else { return };
    world.change::<ProcessingJob>("ml", &name(&job), |job| {
        let status = job.status.get_or_insert_default();
        status.run_number = Some(2);
        status.results.clear();
        status.finished_at = None;
        conditions::unset(status, "Succeeded");
    });
}

/// Whether the job of a step is in its second run.
pub(crate) fn runs_again(world: &World, step: &str) -> bool {
    job(world, step).is_some_and(|j| j.status.is_some_and(|s| s.run_number == Some(2)))
}

/// Takes the stored result away once, as if a Millrace that stores none had written the status.
pub(crate) fn older() -> Actor {
    once(
        |world| step(world, "a").is_some_and(|s| s.results.is_some()),
        |world| {
            world.change::<MLPipelineRun>("ml", "r", |run| {
                let status = run.status.get_or_insert_default();
                status.steps.iter_mut().for_each(|s| s.results = None);
                status.other.insert("older".into(), json!(true));
            });
        },
    )
}

/// Whether [`older`] has been.
pub(crate) fn is_older(world: &World) -> bool {
    let status = world.get::<MLPipelineRun>("ml", "r").and_then(|r| r.status).unwrap_or_default();
    status.other.contains_key("older")
}

/// Refuses to create runs.
pub(crate) fn no_runs(at: &Address, _: &Value) -> Result<(), Failure> {
    if at.kind.kind == "MLPipelineRun" { Err(Failure::http(403, "Forbidden", "exceeded quota: runs")) } else { Ok(()) }
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
