//! Every workload under every cut of every write and several orders: the same end, no pod twice, nothing leaked.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use millrace_kit::sim::{self, Schedule};
use support::{Plot, plots};

/// Orders tried for each cut; order 0 is the strict one.
const ORDERS: u64 = 2;

fn same_end(all: Vec<Plot>) {
    explored(all, ORDERS);
}

fn explored(all: Vec<Plot>, orders: u64) {
    let mut schedules = 0;
    for plot in all {
        let report = support::with_story(&plot, &support::flink::build, |story| sim::story::explore(story, orders));
        report.settled().unwrap_or_else(|faults| panic!("{}: {faults}\nwrites: {:#?}", plot.name, report.writes));
        println!("{:>6} schedules, {:>2} writes: {}", report.schedules, report.writes.len(), plot.name);
        schedules += report.schedules;
    }
    println!("schedules: {schedules}");
}

#[test]
fn ends_are_the_same_under_every_cut_and_order() {
    same_end(plots::ends::all());
}

#[test]
fn memory_grows_the_same_under_every_cut_and_order() {
    same_end(plots::memory::all());
}

#[test]
fn ranks_end_the_same_under_every_cut_and_order() {
    same_end(plots::ranks::all());
}

#[test]
fn starts_end_the_same_under_every_cut_and_order() {
    same_end(plots::starts::all());
}

#[test]
fn troubles_end_the_same_under_every_cut_and_order() {
    same_end(plots::troubles::all());
}

#[test]
fn wishes_end_the_same_under_every_cut_and_order() {
    same_end(plots::wishes::all());
}

#[test]
fn priorities_end_the_same_under_every_cut_and_order() {
    same_end(plots::priority::all());
}

#[test]
fn preflights_end_the_same_under_every_cut_and_order() {
    same_end(plots::preflight::all());
}

#[test]
fn flink_batches_end_the_same_under_every_cut_and_order() {
    explored(plots::streams::batches(), 1);
}

#[test]
fn flink_streams_stop_the_same_under_every_cut_and_order() {
    explored(plots::streams::stops(), 1);
}

#[test]
fn flink_streams_survive_the_same_under_every_cut_and_order() {
    explored(plots::streams::losses(), 1);
}

#[test]
fn flink_streams_are_rescaled_the_same_under_every_cut_and_order() {
    explored(plots::rescale::all(), 4);
}

#[test]
fn the_reasons_that_stories_reach() {
    let run = |plot: Plot| {
        support::with_story(&plot, &support::flink::build, |story| sim::story::recorded(story, Schedule::UNDISTURBED))
    };
    let checked = sim::golden::reached(env!("CARGO_MANIFEST_DIR"), "processing", plots::all().into_iter().map(run));
    checked.unwrap_or_else(|diff| panic!("{diff}"));
}

#[test]
fn writes_keep_the_budget() {
    let mut wrong = String::new();
    for plot in plots::all() {
        let outcome =
            support::with_story(&plot, &support::flink::build, |story| sim::story::run(story, Schedule::UNDISTURBED));
        if outcome.writes.len() != plot.writes || !outcome.faults.is_empty() {
            let (have, want) = (outcome.writes.len(), plot.writes);
            wrong +=
                &format!("{}: {have} writes, expected {want}: {:#?} {:?}\n", plot.name, outcome.writes, outcome.faults);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
