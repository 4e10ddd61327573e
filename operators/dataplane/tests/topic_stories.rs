//! DataTopic in the simulated world: every workload under every cut and many orders, the seeded mutations, the budget.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod kafka_support;
mod topic_mutants;
mod topic_plots;

use millrace_kit::sim::{self, faults::KernelBug};
use strum::IntoEnumIterator;
use topic_mutants::{Bug, with_bug};
use topic_plots::{ORDERS, Plot, with_story};

#[test]
fn same_end_under_every_cut_and_order() {
    let mut schedules = 0;
    for plot in Plot::iter() {
        let report = with_story(plot, None, |story| sim::story::explore(story, ORDERS));
        report.settled().unwrap_or_else(|faults| panic!("{faults}"));
        println!("{plot:?}: {} schedules, {} writes", report.schedules, report.writes.len());
        schedules += report.schedules;
    }
    println!("schedules: {schedules}");
}

#[test]
fn the_reasons_that_stories_reach() {
    let run = |plot| with_story(plot, None, |story| sim::story::recorded(story, sim::Schedule::UNDISTURBED));
    let checked = sim::golden::reached(env!("CARGO_MANIFEST_DIR"), "topic", Plot::iter().map(run));
    checked.unwrap_or_else(|diff| panic!("{diff}"));
}

/// The plot that brings a broken rule of the kernel to light; none where this kind gives it nothing to break.
fn exposes(mutation: KernelBug) -> Option<Plot> {
    match mutation {
        KernelBug::ActBeforeListed => Some(Plot::Create),
        KernelBug::ActBeforeStatus | KernelBug::LateFinalizer => Some(Plot::Delete),
        KernelBug::UnconditionalStatus | KernelBug::ActAfterConflict => Some(Plot::Edit),
        // Nothing is done upon a stale object here: each deed goes with a status write, and the conflict stops both. There
        // are no children.
        KernelBug::TrustStaleCache | KernelBug::AdoptByName | KernelBug::DeleteByName | KernelBug::FightAdmission => {
            None
        }
    }
}

#[test]
fn kernel_mutations_are_caught() {
    let caught = |(mutation, plot): &(KernelBug, Plot)| {
        with_story(*plot, None, |sound| {
            with_story(*plot, Some(*mutation), |mutant| sim::story::caught(sound, mutant, ORDERS))
        })
    };
    let all: Vec<_> = KernelBug::iter().filter_map(|m| exposes(m).map(|plot| (m, plot))).collect();
    let missed: Vec<_> = all.iter().filter(|m| !caught(m)).collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
    println!("kernel mutants caught: {}", all.len());
}

#[test]
fn operator_mutations_are_caught() {
    let missed: Vec<_> = Bug::iter().filter(|bug| !with_bug(*bug)).collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
    println!("operator mutants caught: {}", Bug::iter().count());
}

/// The writes of an undisturbed run, by what they write to.
fn writes(plot: Plot) -> Vec<String> {
    let outcome = with_story(plot, None, |story| sim::story::run(story, sim::Schedule::UNDISTURBED));
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
