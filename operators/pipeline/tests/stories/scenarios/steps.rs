//! Steps and their children: jobs that fail, are deleted, need help, or have ended and change all the same.

use std::time::Duration;

use millrace_crds::{DataBucket, MLPipelineRun, ProcessingJob, Reason, ml_pipeline_run::StepPhase};
use millrace_kit::sim::Scenario;
use millrace_pipeline::children::step_child;

use super::{
    super::{
        actors::{self, Script},
        objects::{self, chain, fork, single},
    },
    a_pipeline, alone, by_hand, ends, never, of, plain, with_scripts,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        with_scripts(
            "a step fails and the others go on",
            |step| {
                if step == "bad" { Script::Fail } else { Script::Good }
            },
        )
        .given(a_pipeline(fork()))
        .given(plain)
        .then(ends("Failed", "3/4 bad failed (Application), after-bad skipped (UpstreamFailed)")),
        with_scripts("the condition of the last step is false", |_| Script::Poor)
            .given(a_pipeline(chain("i")))
            .given(by_hand)
            .then(ends("Succeeded", "3/3 register skipped (WhenFalse)")),
        with_scripts("a job needs two attempts", |step| if step == "train" { Script::Retry } else { Script::Good })
            .given(a_pipeline(chain("i")))
            .given(by_hand)
            .then(ends("Succeeded", "3/3")),
        of("a job of somebody else has the name of a step's job")
            .given(a_pipeline(single()))
            .given(plain)
            .given(|world| {
                let name = step_child(&world.get::<MLPipelineRun>("ml", "r").unwrap(), "only");
                world.apply(&objects::job(&name));
            })
            .then(ends("Failed", "0/1 only failed (NameTaken)")),
        with_scripts("somebody deletes a running job", |_| {
            Script::Until(|world, job| {
                let first = job.metadata.labels.clone().unwrap_or_default()["millrace.dev/step"] == "features";
                !first || world.created::<ProcessingJob>("ml", job.metadata.name.as_ref().unwrap()) > 1
            })
        })
        .given(a_pipeline(chain("i")))
        .given(by_hand)
        .actor(actors::thief)
        .then(ends("Succeeded", "3/3")),
        with_scripts("the job of a finished step is deleted while others run", |step| {
            if step == "hold" { Script::Until(|world, _| !actors::has_job(world, "a")) } else { Script::Good }
        })
        .given(a_pipeline(objects::tidy()))
        .given(plain)
        .when(
            |world| actors::steps(world, "a") == Some(StepPhase::Succeeded),
            |world| world.delete::<ProcessingJob>("ml", &actors::job(world, "a").unwrap().metadata.name.unwrap()),
        )
        .then(ends("Succeeded", "3/3")),
        with_scripts("the job of a finished step is run again while others run", |step| {
            if step == "hold" { Script::Until(|world, _| actors::runs_again(world, "a")) } else { Script::Good }
        })
        .given(a_pipeline(objects::tidy()))
        .given(plain)
        .when(|world| actors::steps(world, "a") == Some(StepPhase::Succeeded), |world| actors::run_again(world, "a"))
        .then(ends("Succeeded", "3/3")),
        with_scripts("a run begun by a Millrace that left results in the jobs", |step| {
            if step == "hold" { Script::Until(|world, _| actors::is_older(world)) } else { Script::Good }
        })
        .given(a_pipeline(objects::tidy()))
        .given(plain)
        .actor(actors::older)
        .then(ends("Succeeded", "3/3")),
        with_scripts("a job needs help that comes", |_| {
            Script::Stalled("Waits", |world| world.get::<DataBucket>("ml", "late").is_some())
        })
        .given(a_pipeline(single()))
        .given(plain)
        .when(
            |world| actors::waits(world, "only"),
            |world| {
                world.pass_time(Duration::from_secs(600));
                world.apply(&objects::bucket("late"));
            },
        )
        .then(ends("Succeeded", "1/1")),
        with_scripts("a job needs help that never comes", |_| Script::Stalled("Waits", |_| false))
            .given(a_pipeline(single()))
            .given(plain)
            .then(never(|world| actors::job(world, "only").is_some(), "the job is still there"))
            .then(ends("Failed", "0/1 only failed (Waits)")),
        with_scripts("a job whose spec cannot work", |_| Script::Stalled(Reason::InvalidSpec.word(), |_| false))
            .given(a_pipeline(single()))
            .given(plain)
            .then(never(|world| actors::job(world, "only").is_some(), "the job is still there"))
            .then(ends("Failed", "0/1 only failed (InvalidSpec)")),
        registration("what a registration needs comes after the run has given it up")
            .when(|world| actors::phase(world, "r") == "Some(Failed)", |world| world.apply(&objects::bucket("late")))
            .then(never(|world| !world.effects().is_empty(), "registered after all"))
            .then(ends("Failed", "0/1 register failed (SourceNotVerified)")),
        registration("what a registration needs comes as the run gives it up")
            .when(
                |world| actors::waits(world, "register"),
                |world| {
                    world.pass_time(Duration::from_secs(3_600));
                    world.apply(&objects::bucket("late"));
                    actors::patient_registry(|_| true)(world);
                },
            )
            .then(ends("Succeeded", "1/1")),
    ]
}

/// A step that registers, where the registry waits for a bucket.
fn registration(name: &str) -> Scenario {
    alone(name, |_| Script::Good)
        .given(a_pipeline(objects::register()))
        .given(plain)
        .actor(|| actors::patient_registry(|world| world.get::<DataBucket>("ml", "late").is_some()))
        .actor(actors::dataplane)
}
