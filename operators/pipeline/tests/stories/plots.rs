//! What each plot begins with, who plays in it, and how it must end.

use std::time::Duration;

use k8s_openapi::api::apps::v1::ControllerRevision;
use millrace_crds::{
    DataBucket, DataTopic, MLPipeline, MLPipelineRun, ProcessingJob, Reason,
    ml_pipeline_run::{RunPhase, StepPhase},
};
use millrace_kit::sim::{Actor, World, once};
use millrace_pipeline::children::step_child;
use serde_json::json;

use super::{
    Plot, actors,
    actors::{Script, Scripts},
    objects,
    objects::{asking, chain, fork, pipeline, registry, run, single},
};

fn scripts(plot: Plot) -> Scripts {
    match plot {
        Plot::Fails => |step| if step == "bad" { Script::Fail } else { Script::Good },
        Plot::WhenFalse => |_| Script::Poor,
        Plot::Retried => |step| if step == "train" { Script::Retry } else { Script::Good },
        Plot::Edited => |_| Script::Until(|world, _| actors::generation(world) > 1),
        Plot::Thief => |_| {
            Script::Until(|world, job| {
                let first = job.metadata.labels.clone().unwrap_or_default()["millrace.dev/step"] == "features";
                !first || world.created::<ProcessingJob>("ml", job.metadata.name.as_ref().unwrap()) > 1
            })
        },
        Plot::Deleted => |_| Script::Until(|_, _| false),
        Plot::Tidied => {
            |step| if step == "hold" { Script::Until(|world, _| !actors::has_job(world, "a")) } else { Script::Good }
        }
        Plot::Again => {
            |step| if step == "hold" { Script::Until(|world, _| actors::runs_again(world, "a")) } else { Script::Good }
        }
        Plot::Older => {
            |step| if step == "hold" { Script::Until(|world, _| actors::is_older(world)) } else { Script::Good }
        }
        Plot::Heals => |_| Script::Stalled("Waits", |world| world.get::<DataBucket>("ml", "late").is_some()),
        Plot::Helpless => |_| Script::Stalled("Waits", |_| false),
        Plot::Invalid => |_| Script::Stalled(Reason::InvalidSpec.word(), |_| false),
        _ => |_| Script::Good,
    }
}

pub(crate) fn setup(plot: Plot, world: &World) {
    world.apply(&registry());
    let by_hand = || world.apply(&run("r", &json!({"pipeline": "p", "params": {"day": "2"}})));
    match plot {
        Plot::Single => {
            world.apply(&pipeline(&single()));
            world.apply(&run("r", &json!({"pipeline": "p"})));
        }
        Plot::Chain
        | Plot::WhenFalse
        | Plot::Retried
        | Plot::Edited
        | Plot::Thief
        | Plot::Deleted
        | Plot::Undeclared => {
            world.apply(&pipeline(&chain("i")));
            by_hand();
        }
        Plot::Foreign => {
            world.apply(&pipeline(&single()));
            world.apply(&run("r", &json!({"pipeline": "p"})));
            let name = step_child(&world.get::<MLPipelineRun>("ml", "r").unwrap(), "only");
            world.apply(&objects::job(&name));
        }
        Plot::Touched | Plot::Swapped => {
            world.apply(&pipeline(&chain("i")));
            by_hand();
        }
        Plot::Fails => {
            world.apply(&pipeline(&fork()));
            world.apply(&run("r", &json!({"pipeline": "p"})));
        }
        Plot::Early => by_hand(),
        Plot::Two => {
            world.apply(&pipeline(&chain("i")));
            by_hand();
            world.apply(&run("s", &json!({"pipeline": "p"})));
        }
        Plot::Requested => world.apply(&asking(&chain("i"), "1")),
        Plot::Pinned => world.apply(&pipeline(&chain("i"))),
        Plot::Squatter => {}
        Plot::Mended => {
            let mut bad = chain("i");
            bad["steps"][0]["needs"] = json!(["train"]);
            world.apply(&pipeline(&bad));
            by_hand();
        }
        Plot::Suspended => {
            let mut still = chain("i");
            still["suspend"] = json!(true);
            world.apply(&asking(&still, "1"));
            by_hand();
        }
        Plot::Tidied | Plot::Again | Plot::Older => {
            world.apply(&pipeline(&objects::tidy()));
            world.apply(&run("r", &json!({"pipeline": "p"})));
        }
        Plot::Heals | Plot::Helpless | Plot::Invalid => {
            world.apply(&pipeline(&single()));
            world.apply(&run("r", &json!({"pipeline": "p"})));
        }
        Plot::Late | Plot::LastMoment => {
            world.apply(&pipeline(&objects::register()));
            world.apply(&run("r", &json!({"pipeline": "p"})));
        }
        Plot::Never => by_hand(),
        Plot::Forgotten => {
            let mut still = chain("i");
            still["suspend"] = json!(true);
            world.apply(&pipeline(&still));
            by_hand();
        }
        Plot::Dry => {
            world.apply(&pipeline(&chain("i")));
            by_hand();
        }
        Plot::TakenAway => {
            world.admission(Some(actors::no_runs));
            world.apply(&asking(&single(), "1"));
        }
    }
}

pub(crate) fn cast(plot: Plot) -> Vec<Actor> {
    let mut cast = vec![actors::processing(scripts(plot))];
    match plot {
        Plot::Late => cast.push(actors::patient_registry(|world| world.get::<DataBucket>("ml", "late").is_some())),
        Plot::LastMoment => {
            cast.push(actors::patient_registry(|world| world.get::<DataBucket>("ml", "late").is_some()))
        }
        _ => cast.push(actors::registry()),
    }
    if plot != Plot::Dry {
        cast.push(actors::dataplane());
    }
    cast.extend(match plot {
        Plot::Tidied => Some(once(
            |world| actors::steps(world, "a") == Some(StepPhase::Succeeded),
            |world| world.delete::<ProcessingJob>("ml", &actors::job(world, "a").unwrap().metadata.name.unwrap()),
        )),
        Plot::Again => Some(once(
            |world| actors::steps(world, "a") == Some(StepPhase::Succeeded),
            |world| actors::run_again(world, "a"),
        )),
        Plot::Older => Some(actors::older()),
        Plot::Heals => Some(once(
            |world| actors::waits(world, "only"),
            |world| {
                world.pass_time(Duration::from_secs(600));
                world.apply(&objects::bucket("late"));
            },
        )),
        Plot::Late => Some(once(
            |world| actors::phase(world, "r") == "Some(Failed)",
            |world| world.apply(&objects::bucket("late")),
        )),
        Plot::LastMoment => Some(once(
            |world| actors::waits(world, "register"),
            |world| {
                world.pass_time(Duration::from_secs(3_600));
                world.apply(&objects::bucket("late"));
                actors::patient_registry(|_| true)(world);
            },
        )),
        Plot::TakenAway => Some(once(
            |world| world.get::<MLPipeline>("ml", "p").and_then(|p| p.status?.pending_run_request).is_some(),
            |world| {
                world.change::<MLPipeline>("ml", "p", |p| p.metadata.annotations = None);
                world.admission(None);
            },
        )),
        Plot::Edited => Some(actors::editor(chain("i2"))),
        Plot::Early => Some(actors::late(chain("i"))),
        Plot::Requested => Some(actors::clicker(chain("i"), "2")),
        Plot::Thief => Some(actors::thief()),
        Plot::Pinned => Some(actors::pinner()),
        Plot::Deleted => {
            let running = |world: &World| !world.list::<ProcessingJob>().is_empty();
            Some(once(running, |world| world.delete::<MLPipeline>("ml", "p")))
        }
        Plot::Squatter => {
            // The bucket is there first, but the caches may hear of it last.
            Some(once(
                |_| true,
                |world| {
                    world.apply(&objects::bucket("raw"));
                    world.apply(&pipeline(&chain("i")));
                },
            ))
        }
        Plot::Undeclared => Some(actors::editor(objects::other_data())),
        Plot::Swapped => {
            let pruning = |world: &World| actors::frozen(world) && world.get::<DataBucket>("ml", "raw").is_some();
            Some(once(pruning, |world| {
                world.apply(&pipeline(&objects::other_data()));
                world.vanish::<DataBucket>("ml", "raw");
                world.apply(&objects::bucket("raw"));
            }))
        }
        Plot::Touched => Some(actors::toucher()),
        Plot::Mended => {
            let seen = |world: &World| actors::phase(world, "r") == "Some(Pending)";
            Some(once(seen, |world| world.apply(&pipeline(&chain("i")))))
        }
        Plot::Suspended => {
            // Both have been seen while it was suspended, and the asked run is created later than the other.
            let seen = |world: &World| {
                let stored = !world.list::<ControllerRevision>().is_empty();
                actors::phase(world, "r") == "Some(Pending)" && stored
            };
            Some(once(seen, |world| {
                world.pass_time(Duration::from_secs(1));
                world.apply(&asking(&chain("i"), "1"));
            }))
        }
        _ => None,
    });
    cast
}

/// What must be so at the end, in words of the status.
pub(crate) fn ends(plot: Plot, world: &World) -> Result<(), String> {
    let told = |name: &str| {
        let status = world.get::<MLPipelineRun>("ml", name).and_then(|r| r.status).unwrap_or_default();
        (format!("{:?}", status.phase), status.progress.unwrap_or_default())
    };
    let is = |want: (&str, &str)| {
        let (phase, progress) = told("r");
        let same = phase == format!("Some({})", want.0) && progress == want.1;
        if same { Ok(()) } else { Err(format!("run r is {phase}, `{progress}`, expected {want:?}")) }
    };
    let runs = world.list::<MLPipelineRun>();
    // A run that has begun and not ended has something to wait for.
    let idle = |run: &&MLPipelineRun| {
        let status = run.status.clone().unwrap_or_default();
        status.phase == Some(RunPhase::Running) && !status.steps.iter().any(|s| s.phase == StepPhase::Running)
    };
    if let Some(run) = runs.iter().find(idle) {
        return Err(format!("run {:?} has no step that runs, and has not ended", run.metadata.name));
    }
    let all_ended = || {
        let open = runs.iter().find(|r| r.status.as_ref().is_none_or(|s| s.finished_at.is_none()));
        open.map_or(Ok(()), |r| Err(format!("run {:?} has not ended", r.metadata.name)))
    };
    match plot {
        Plot::Single | Plot::Heals => is(("Succeeded", "1/1")),
        Plot::Helpless if actors::job(world, "only").is_some() => Err("the job is still there".into()),
        Plot::Helpless => is(("Failed", "0/1 only failed (Waits)")),
        Plot::Invalid if actors::job(world, "only").is_some() => Err("the job is still there".into()),
        Plot::Invalid => is(("Failed", "0/1 only failed (InvalidSpec)")),
        Plot::Late if !world.effects().is_empty() => Err("registered after all".into()),
        Plot::Late => is(("Failed", "0/1 register failed (SourceNotVerified)")),
        Plot::LastMoment => is(("Succeeded", "1/1")),
        Plot::Never => is(("Failed", "")),
        Plot::Forgotten | Plot::Dry => is(("Failed", "")),
        Plot::TakenAway if runs.len() != 1 => Err(format!("{} runs, expected the one asked for", runs.len())),
        Plot::TakenAway => all_ended(),
        Plot::Fails => is(("Failed", "3/4 bad failed (Application), after-bad skipped (UpstreamFailed)")),
        Plot::WhenFalse => is(("Succeeded", "3/3 register skipped (WhenFalse)")),
        Plot::Foreign => is(("Failed", "0/1 only failed (NameTaken)")),
        Plot::Touched if !actors::touched(world) => Err("a foreign write into the status was lost".into()),
        Plot::Swapped if world.get::<DataBucket>("ml", "raw").is_none() => Err("deleted somebody else's bucket".into()),
        Plot::Deleted => is((
            "Failed",
            "0/3 features failed (RevisionLost), train failed (RevisionLost), register failed (RevisionLost)",
        )),
        Plot::Requested if runs.len() != 1 => Err(format!("{} runs are kept", runs.len())),
        Plot::Suspended if runs.len() != 2 => {
            Err(format!("{} runs, expected one by hand and one asked for", runs.len()))
        }
        Plot::Two | Plot::Requested | Plot::Suspended => all_ended(),
        Plot::Squatter if runs.is_empty() && world.list::<ProcessingJob>().is_empty() => {
            let bucket = world.get::<DataBucket>("ml", "raw").unwrap();
            if bucket.metadata.owner_references.is_none() { Ok(()) } else { Err("took over a foreign bucket".into()) }
        }
        Plot::Squatter => Err("something ran".into()),
        Plot::Undeclared if world.get::<DataTopic>("ml", "events").is_some_and(|t| !t.spec.topic.config.is_empty()) => {
            Err("a setting that is no longer declared stays".into())
        }
        Plot::Undeclared if world.get::<DataBucket>("ml", "raw").is_some() => Err("raw was not taken away".into()),
        Plot::Edited if !actors::of_one_revision(world) => Err("an edit reached a run in flight".into()),
        _ => is(("Succeeded", "3/3")),
    }
}
