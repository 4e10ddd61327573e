//! DataBucket in the simulated world: every story under every cut and several orders, and seeded bugs that must show.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod bucket_stories;
mod store_sim;

use std::path::Path;

use bucket_stories::{Plot, checked, scenario, scenarios, seeded_bugs, sound, told};
use millrace_dataplane::bucket::Buckets;
use millrace_kit::sim::{self, Schedule};
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
    sim::all_end_alike(&scenarios(), &sound, ORDERS).unwrap_or_else(|faults| panic!("{faults}"));
}

#[test]
fn the_reasons_that_stories_reach() {
    let runs = scenarios().into_iter().map(|one| sim::recorded(&one, &sound, Schedule::UNDISTURBED));
    let checked = sim::golden::reached(env!("CARGO_MANIFEST_DIR"), "bucket", runs);
    checked.unwrap_or_else(|diff| panic!("{diff}"));
}

/// Writes to the Kubernetes API (events included) of the undisturbed run.
fn writes(plot: Plot) -> Vec<String> {
    let outcome = sim::run(&scenario(plot), &sound, Schedule::UNDISTURBED);
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
        let outcome = sim::run(&checked(plot, move |world| told(plot, world)), &sound, Schedule::UNDISTURBED);
        assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
    }
}

#[test]
fn every_bug_is_caught() {
    sim::all_bugs_caught(&seeded_bugs::all(), &scenarios(), ORDERS).unwrap_or_else(|missed| panic!("{missed}"));
}
