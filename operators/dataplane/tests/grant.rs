//! DataGrant in the simulated world: every story under every cut and several orders, seeded bugs, and the policies.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod grant_policy;
mod grant_stories;
mod store_sim;

use std::path::Path;

use grant_stories::{Plot, scenario, scenarios, seeded_bugs, sound};
use millrace_dataplane::grant::Grants;
use millrace_kit::sim::{self, Schedule};

/// Orders tried for each cut; order 0 is the strict one.
const ORDERS: u64 = 3;

#[test]
fn golden() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/datagrant");
    let cases = sim::golden::check::<Grants>(&dir).unwrap_or_else(|faults| panic!("{faults}"));
    println!("golden cases: {cases}");
}

#[test]
fn same_end_under_every_cut_and_order() {
    sim::all_end_alike(&scenarios(), &sound, ORDERS).unwrap_or_else(|faults| panic!("{faults}"));
}

#[test]
fn the_reasons_that_stories_reach() {
    let runs = scenarios().into_iter().map(|one| sim::recorded(&one, &sound, Schedule::UNDISTURBED));
    let checked = sim::golden::reached(env!("CARGO_MANIFEST_DIR"), "grant", runs);
    checked.unwrap_or_else(|diff| panic!("{diff}"));
}

fn writes(plot: Plot) -> Vec<String> {
    let outcome = sim::run(&scenario(plot), &sound, Schedule::UNDISTURBED);
    assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
    outcome.writes
}

#[test]
fn a_grant_costs_one_secret_and_one_status() {
    // Its create and its delete are the holder's: four in all.
    assert_eq!(writes(Plot::Issue), ["assume ml.g", "create Secret ml/g", "status DataGrant ml/g"]);
    assert_eq!(writes(Plot::TopicOnly), ["status DataGrant ml/g"]);
}

#[test]
fn a_renewal_costs_one_secret_and_one_status() {
    let renewal = ["assume ml.g", "create Secret ml/g", "put Secret ml/g", "status DataGrant ml/g"];
    assert_eq!(writes(Plot::Renew)[3..], renewal);
    // Fifteen-minute credentials over twenty minutes: renewed at half their life.
    assert_eq!(writes(Plot::RenewShortest).iter().filter(|w| w.starts_with("assume")).count(), 3);
}

#[test]
fn every_bug_is_caught() {
    sim::all_bugs_caught(&seeded_bugs::all(), &scenarios(), ORDERS).unwrap_or_else(|missed| panic!("{missed}"));
}
