//! Scenarios of pipelines and runs: what is there, who acts, and how it must end.

mod data;
mod runs;
mod steps;

use std::time::Duration;

use millrace_crds::{
    MLPipelineRun,
    ml_pipeline_run::{RunPhase, StepPhase},
};
use millrace_kit::sim::{Scenario, World};
use serde_json::{Value, json};

use super::{
    actors::{self, Script, Scripts},
    objects::{pipeline, registry, run},
};

/// All of them.
pub(crate) fn all() -> Vec<Scenario> {
    [runs::scenarios(), steps::scenarios(), data::scenarios()].concat()
}

/// A registry, the operator that runs jobs as their scripts say, and nobody else yet.
fn alone(name: &str, scripts: Scripts) -> Scenario {
    Scenario::new(name)
        .within(Duration::from_secs(2 * 86_400))
        .given(|world| world.apply(&registry()))
        .actor(move || actors::processing(scripts))
        .then(nothing_is_idle)
}

/// The same with the operators of registries and of data.
fn with_scripts(name: &str, scripts: Scripts) -> Scenario {
    alone(name, scripts).actor(actors::registry).actor(actors::dataplane)
}

/// The same where every job ends well.
fn of(name: &str) -> Scenario {
    with_scripts(name, |_| Script::Good)
}

/// A pipeline is there.
fn a_pipeline(spec: Value) -> impl Fn(&World) {
    move |world| world.apply(&pipeline(&spec))
}

/// The run `r`, made by hand, with a parameter.
fn by_hand(world: &World) {
    world.apply(&run("r", &json!({"pipeline": "p", "params": {"day": "2"}})));
}

/// The run `r`, made by hand.
fn plain(world: &World) {
    world.apply(&run("r", &json!({"pipeline": "p"})));
}

/// The run `r` ends in this phase, with this line of progress.
fn ends(phase: &'static str, progress: &'static str) -> impl Fn(&World) -> Result<(), String> {
    move |world| {
        let status = world.get::<MLPipelineRun>("ml", "r").and_then(|r| r.status).unwrap_or_default();
        let (is, told) = (format!("{:?}", status.phase), status.progress.unwrap_or_default());
        if is == format!("Some({phase})") && told == progress {
            return Ok(());
        }
        Err(format!("run r is {is}, `{told}`, expected {phase}, `{progress}`"))
    }
}

/// It does not hold, in words.
fn never(holds: fn(&World) -> bool, what: &'static str) -> impl Fn(&World) -> Result<(), String> {
    move |world| if holds(world) { Err(what.into()) } else { Ok(()) }
}

/// A run that has begun and not ended has something to wait for.
fn nothing_is_idle(world: &World) -> Result<(), String> {
    let idle = |run: &MLPipelineRun| {
        let status = run.status.clone().unwrap_or_default();
        status.phase == Some(RunPhase::Running) && !status.steps.iter().any(|s| s.phase == StepPhase::Running)
    };
    match world.list::<MLPipelineRun>().iter().find(|run| idle(run)) {
        Some(run) => Err(format!("run {:?} has no step that runs, and has not ended", run.metadata.name)),
        None => Ok(()),
    }
}

/// So many runs are there.
fn runs(count: usize) -> impl Fn(&World) -> Result<(), String> {
    move |world| match world.list::<MLPipelineRun>().len() {
        there if there == count => Ok(()),
        there => Err(format!("{there} runs, expected {count}")),
    }
}

/// Every run has ended.
fn all_ended(world: &World) -> Result<(), String> {
    let runs = world.list::<MLPipelineRun>();
    let open = runs.iter().find(|r| r.status.as_ref().is_none_or(|s| s.finished_at.is_none()));
    open.map_or(Ok(()), |r| Err(format!("run {:?} has not ended", r.metadata.name)))
}
