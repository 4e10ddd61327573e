//! Pipelines and runs in the simulated world: every write cut off before and after, caches lagging and reordered, with
//! actors for the other operators. Every schedule must end like the undisturbed one; every seeded bug must be caught.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod actors;
mod objects;
mod scenarios;
mod seeded_bugs;

use millrace_kit::{
    Controller, Env,
    sim::{
        self, Scenario, Schedule, Seeded, World,
        faults::{self, KernelBug},
    },
};
use millrace_pipeline::{pipeline::Pipelines, run::Runs};

/// Orders tried for each cut; order 0 is the strict one.
const ORDERS: u64 = 2;

pub(crate) fn sound(env: &Env, _: &World) -> Vec<Box<dyn Controller>> {
    millrace_pipeline::controllers(env)
}

#[test]
fn same_end_under_every_cut_and_order() {
    sim::all_end_alike(&scenarios::all(), &sound, ORDERS).unwrap_or_else(|faults| panic!("{faults}"));
}

#[test]
fn the_reasons_that_stories_reach() {
    let runs = scenarios::all().into_iter().map(|one| sim::recorded(&one, &sound, Schedule::UNDISTURBED));
    let checked = sim::golden::reached(env!("CARGO_MANIFEST_DIR"), "pipeline", runs);
    checked.unwrap_or_else(|diff| panic!("{diff}"));
}

#[test]
fn a_one_step_run_costs_three_writes() {
    let all = scenarios::all();
    let outcome = sim::run(Scenario::find(&all, "one step, made by hand").unwrap(), &sound, Schedule::UNDISTURBED);
    assert_eq!(outcome.faults, Vec::<String>::new());
    let of_run = |w: &&String| !w.contains("MLPipeline ml/p") && !w.contains("ControllerRevision");
    let run: Vec<&String> = outcome.writes.iter().filter(of_run).collect();
    assert_eq!(run.len(), 3, "{run:#?}");
    assert!(run[0].starts_with("status MLPipelineRun") && run[2].starts_with("status MLPipelineRun"), "{run:#?}");
    assert!(run[1].starts_with("create ProcessingJob"), "{run:#?}");
    // Beside it the pipeline's own, whatever the number of runs: storing the spec, and saying so before and after.
    assert_eq!(outcome.writes.len(), 3 + 3, "{:#?}", outcome.writes);
}

/// Bugs of the kernel, each with the scenario that exposes it. Three cannot show here: a stale pass ends at the conflict of
/// its status, nothing is ever held, and no webhook changes what is applied.
const OF_THE_KERNEL: [(KernelBug, &str); 6] = [
    (KernelBug::AdoptByName, "a job of somebody else has the name of a step's job"),
    (KernelBug::ActBeforeStatus, "the pipeline changes while a run goes"),
    (KernelBug::UnconditionalStatus, "somebody else writes into the status"),
    (KernelBug::ActAfterConflict, "somebody else writes into the status"),
    (KernelBug::DeleteByName, "a declared bucket is replaced while it is taken out of the declarations"),
    (KernelBug::ActBeforeListed, "three steps over declared data"),
];

#[test]
fn every_bug_of_the_kernel_is_caught() {
    let bugs = OF_THE_KERNEL.map(|(bug, scenario)| {
        Seeded::new(format!("{bug:?}"), scenario, sound, move |env: &Env, _: &World| {
            vec![faults::kernel(bug, Pipelines, env.reader.clone()), faults::kernel(bug, Runs, env.reader.clone())]
        })
    });
    sim::all_bugs_caught(&bugs, &scenarios::all(), ORDERS).unwrap_or_else(|missed| panic!("{missed}"));
}

#[test]
fn every_bug_of_the_operators_is_caught() {
    let bugs = seeded_bugs::all();
    sim::all_bugs_caught(&bugs, &scenarios::all(), ORDERS).unwrap_or_else(|missed| panic!("{missed}"));
}
