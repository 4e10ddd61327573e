//! DataTopic in the simulated world: every workload under every cut and many orders, the seeded bugs, the budget.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod kafka_support;
mod topic_plots;
mod topic_seeded_bugs;

use millrace_kit::sim::{
    self, Seeded,
    faults::{self, KernelBug},
};
use topic_plots::{ORDERS, Plot, scenario, scenarios, sound, with};

#[test]
fn same_end_under_every_cut_and_order() {
    sim::all_end_alike(&scenarios(), &sound, ORDERS).unwrap_or_else(|faults| panic!("{faults}"));
}

#[test]
fn the_reasons_that_stories_reach() {
    let runs = scenarios().into_iter().map(|one| sim::recorded(&one, &sound, sim::Schedule::UNDISTURBED));
    let checked = sim::golden::reached(env!("CARGO_MANIFEST_DIR"), "topic", runs);
    checked.unwrap_or_else(|diff| panic!("{diff}"));
}

/// Bugs of the kernel, each with what exposes it. Four have nothing to break here: nothing is done upon a stale object, since
/// each deed goes with a status write and the conflict stops both, and there are no children.
const OF_THE_KERNEL: [(KernelBug, Plot); 5] = [
    (KernelBug::ActBeforeListed, Plot::Create),
    (KernelBug::ActBeforeStatus, Plot::Delete),
    (KernelBug::LateFinalizer, Plot::Delete),
    (KernelBug::UnconditionalStatus, Plot::Edit),
    (KernelBug::ActAfterConflict, Plot::Edit),
];

fn caught(bugs: &[Seeded]) {
    sim::all_bugs_caught(bugs, &scenarios(), ORDERS).unwrap_or_else(|missed| panic!("{missed}"));
}

#[test]
fn bugs_of_the_kernel_are_caught() {
    caught(&OF_THE_KERNEL.map(|(bug, plot)| {
        let broken = with(move |topics, env, _| faults::kernel(bug, topics, env.reader.clone()));
        Seeded::new(format!("{bug:?}"), <&str>::from(plot), sound, broken)
    }));
}

#[test]
fn bugs_of_the_operator_are_caught() {
    caught(&topic_seeded_bugs::all());
}

/// The writes of an undisturbed run, by what they write to.
fn writes(plot: Plot) -> Vec<String> {
    let outcome = sim::run(&scenario(plot), &sound, sim::Schedule::UNDISTURBED);
    outcome.writes.into_iter().filter(|w| !w.contains("DataPlane")).collect()
}

#[test]
fn the_budget_is_kept() {
    let count = |plot, prefix: &str| writes(plot).iter().filter(|w| w.starts_with(prefix)).count();
    // The topic, then its outcome.
    assert_eq!(writes(Plot::Create), ["create topic mr.ml.t", "status DataTopic ml/t"]);
    // One that is to be deleted some day: finalizer and intent come first, and the finalizer goes last.
    assert_eq!(count(Plot::Delete, "status"), 3, "{:#?}", writes(Plot::Delete));
    // Found, with an event; then as declared.
    assert_eq!(writes(Plot::Adopt).len(), 3, "{:#?}", writes(Plot::Adopt));
    // An outage costs a settled topic nothing.
    assert_eq!(count(Plot::OutageWhenReady, "status DataTopic"), 1, "{:#?}", writes(Plot::OutageWhenReady));
}
