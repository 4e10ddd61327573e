//! Every workload under every cut of every write and several orders: the same end, no pod twice, nothing leaked.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use millrace_kit::sim::{self, Scenario, Schedule};
use support::{flink, scenarios};

/// Orders tried for each cut; order 0 is the strict one.
const ORDERS: u64 = 2;

fn same_end(all: &[Scenario]) {
    explored(all, ORDERS);
}

fn explored(all: &[Scenario], orders: u64) {
    sim::all_end_alike(all, &flink::build, orders).unwrap_or_else(|faults| panic!("{faults}"));
}

#[test]
fn ends_are_the_same_under_every_cut_and_order() {
    same_end(&scenarios::ends::all());
}

#[test]
fn memory_grows_the_same_under_every_cut_and_order() {
    same_end(&scenarios::memory::all());
}

#[test]
fn ranks_end_the_same_under_every_cut_and_order() {
    same_end(&scenarios::ranks::all());
}

#[test]
fn starts_end_the_same_under_every_cut_and_order() {
    same_end(&scenarios::starts::all());
}

#[test]
fn troubles_end_the_same_under_every_cut_and_order() {
    same_end(&scenarios::troubles::all());
}

#[test]
fn wishes_end_the_same_under_every_cut_and_order() {
    same_end(&scenarios::wishes::all());
}

#[test]
fn priorities_end_the_same_under_every_cut_and_order() {
    same_end(&scenarios::priority::all());
}

#[test]
fn preflights_end_the_same_under_every_cut_and_order() {
    same_end(&scenarios::preflight::all());
}

#[test]
fn flink_batches_end_the_same_under_every_cut_and_order() {
    explored(&scenarios::streams::batches(), 1);
}

#[test]
fn flink_streams_stop_the_same_under_every_cut_and_order() {
    explored(&scenarios::streams::stops(), 1);
}

#[test]
fn flink_streams_survive_the_same_under_every_cut_and_order() {
    explored(&scenarios::streams::losses(), 1);
}

#[test]
fn flink_streams_are_rescaled_the_same_under_every_cut_and_order() {
    explored(&scenarios::rescale::all(), 4);
}

#[test]
fn the_reasons_that_stories_reach() {
    let runs = scenarios::all().into_iter().map(|one| sim::recorded(&one, &flink::build, Schedule::UNDISTURBED));
    let checked = sim::golden::reached(env!("CARGO_MANIFEST_DIR"), "processing", runs);
    checked.unwrap_or_else(|diff| panic!("{diff}"));
}

#[test]
fn writes_keep_the_budget() {
    for scenario in scenarios::all() {
        let outcome = sim::run(&scenario, &flink::build, Schedule::UNDISTURBED);
        assert_eq!(outcome.faults, Vec::<String>::new(), "{}", scenario.name());
        let writes = outcome.writes.len();
        assert_eq!(Some(writes), scenario.expected_writes(), "{}: {:#?}", scenario.name(), outcome.writes);
    }
}
