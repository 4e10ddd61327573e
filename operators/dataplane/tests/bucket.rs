//! DataBucket in the simulated world: every story under every cut and several orders, and seeded bugs that must show.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod bucket_stories;
mod store_sim;

use std::path::Path;

use bucket_stories::{Bug, Plot, mutants, told, with_story};
use millrace_dataplane::bucket::Buckets;
use millrace_kit::sim::{self, Schedule, World, story::Story};
use strum::IntoEnumIterator;

/// Orders tried for each cut; order 0 is the strict one.
const ORDERS: u64 = 3;

#[test]
fn golden() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/databucket");
    let cases = sim::golden::check::<Buckets>(&dir).unwrap_or_else(|faults| panic!("{faults}"));
    println!("golden cases: {cases}");
}

#[test]
fn same_end_under_every_cut_and_order() {
    let mut schedules = 0;
    for plot in Plot::iter() {
        let report = with_story(plot, (None, Bug::None), |story| sim::story::explore(story, ORDERS));
        report.settled().unwrap_or_else(|faults| panic!("{faults}"));
        println!("{plot:?}: {} schedules, {} writes", report.schedules, report.writes.len());
        schedules += report.schedules;
    }
    println!("schedules: {schedules}");
}

#[test]
fn the_reasons_that_stories_reach() {
    let run = |plot| with_story(plot, (None, Bug::None), |story| sim::story::recorded(story, Schedule::UNDISTURBED));
    let checked = sim::golden::reached(env!("CARGO_MANIFEST_DIR"), "bucket", Plot::iter().map(run));
    checked.unwrap_or_else(|diff| panic!("{diff}"));
}

/// Writes to the Kubernetes API (events included) of the undisturbed run.
fn writes(plot: Plot) -> Vec<String> {
    let outcome = with_story(plot, (None, Bug::None), |story| sim::story::run(story, Schedule::UNDISTURBED));
    assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
    let kubernetes = |w: &String| {
        ["create ", "status ", "put ", "finalizers ", "apply ", "delete "].iter().any(|v| w.starts_with(v))
            && !w.contains(" bucket ")
    };
    outcome.writes.into_iter().filter(kubernetes).collect()
}

#[test]
fn a_bucket_costs_two_writes_and_an_idle_or_unreachable_one_none() {
    assert_eq!(writes(Plot::Create), ["status DataBucket ml/raw"; 2]);
    // The horizon of these is ten minutes: the bucket is looked at a dozen times, with the store away in between.
    assert_eq!(writes(Plot::Idle), ["status DataBucket ml/raw"; 2]);
    assert_eq!(writes(Plot::AwayWhileReady), ["status DataBucket ml/raw"; 2]);
}

#[test]
fn what_happened_is_told_once() {
    for plot in Plot::iter() {
        // The end of an undisturbed run is the only place where events can be counted exactly.
        with_story(plot, (None, Bug::None), |story| {
            let end = |world: &World| told(plot, world);
            let story = Story { end: &end, ..*story };
            let outcome = sim::story::run(&story, Schedule::UNDISTURBED);
            assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
        });
    }
}

#[test]
fn every_bug_is_caught() {
    let mut missed = Vec::new();
    let all = mutants();
    for (plot, mutation, bug) in &all {
        let caught = with_story(*plot, (None, Bug::None), |sound| {
            with_story(*plot, (*mutation, *bug), |mutant| sim::story::caught(sound, mutant, ORDERS))
        });
        if !caught {
            missed.push((plot, mutation, bug));
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
    println!("mutants caught: {}", all.len());
}
