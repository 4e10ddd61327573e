//! Every workload under every cut of every write and several orders: the same end, no pod twice, nothing leaked.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;
#[path = "support/plots.rs"]
mod plots;

use millrace_kit::sim::{self, Schedule};

/// Orders tried for each cut; order 0 is the strict one.
const ORDERS: u64 = 3;

#[test]
fn same_end_under_every_cut_and_order() {
    let mut schedules = 0;
    for plot in plots::all() {
        let report = support::with_story(&plot, &|env, _| millrace_processing::controllers(env), |story| {
            sim::explore(story, ORDERS)
        });
        report.verdict().unwrap_or_else(|faults| panic!("{}: {faults}\nwrites: {:#?}", plot.name, report.writes));
        println!("{:>6} schedules, {:>2} writes: {}", report.schedules, report.writes.len(), plot.name);
        schedules += report.schedules;
    }
    println!("schedules: {schedules}");
}

#[test]
fn writes_keep_the_budget() {
    let mut wrong = String::new();
    for plot in plots::all() {
        let outcome = support::with_story(&plot, &|env, _| millrace_processing::controllers(env), |story| {
            sim::run(story, Schedule { seed: 0, cut: None })
        });
        if outcome.writes.len() != plot.writes || !outcome.faults.is_empty() {
            let (have, want) = (outcome.writes.len(), plot.writes);
            wrong += &format!("{}: {have} writes, expected {want}: {:#?} {:?}\n", plot.name, outcome.writes, outcome.faults);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
