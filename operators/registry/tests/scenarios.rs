//! Every scenario under every cut of every write and many orders: the same end, no effect twice, nothing leaked.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(unreachable_pub, dead_code, reason = "each test file uses its part of the support")]

mod support;

use millrace_kit::sim::{self, Build, Scenario, Schedule};
use support::{
    scenarios::{self, giveups, inputs, registries, versions},
    sound, versions_only,
};

const ORDERS: u64 = 1;

fn explore(scenarios: &[Scenario], build: &Build<'_>) {
    sim::all_end_alike(scenarios, build, ORDERS).unwrap_or_else(|faults| panic!("{faults}"));
}

#[test]
fn registries_end_alike() {
    explore(&registries::scenarios(), &sound);
}

#[test]
fn changed_inputs_end_alike() {
    explore(&inputs::scenarios(), &sound);
}

#[test]
fn what_was_given_up_ends_alike() {
    explore(&giveups::scenarios(), &versions_only);
    explore(&giveups::polled(), &sound);
}

#[test]
fn versions_end_alike() {
    explore(&versions::scenarios(), &versions_only);
}

#[test]
fn what_is_done_in_mlflow_is_noticed() {
    explore(&versions::polled(), &sound);
}

#[test]
fn the_reasons_that_scenarios_reach() {
    let run = |scenario: &Scenario, build: &Build<'_>| sim::recorded(scenario, build, Schedule::UNDISTURBED);
    let (both, own) = (scenarios::whole(), scenarios::of_versions());
    let runs = both.iter().map(|one| run(one, &sound)).chain(own.iter().map(|one| run(one, &versions_only)));
    let checked = sim::golden::reached(env!("CARGO_MANIFEST_DIR"), "registry", runs);
    checked.unwrap_or_else(|diff| panic!("{diff}"));
}

fn writes(scenario: &Scenario, build: &Build<'_>) -> Vec<String> {
    sim::run(scenario, build, Schedule::UNDISTURBED).writes
}

#[test]
fn a_registry_costs_few_writes_and_an_idle_one_none() {
    let all = writes(&registries::scenarios()[0], &sound);
    let count = |verb: &str| all.iter().filter(|w| w.starts_with(verb)).count();
    // Bucket, grant, Service, Job, login, Deployment.
    assert_eq!(count("create"), 6, "{all:#?}");
    assert!(count("status") <= 8, "{all:#?}");
    assert_eq!(all.len(), count("create") + count("status"), "{all:#?}");
}

#[test]
fn a_version_costs_three_statuses() {
    let all = writes(&versions::scenarios()[0], &versions_only);
    let statuses = all.iter().filter(|w| w.starts_with("status ModelVersion")).count();
    // Waiting for the bucket, which here is declared beside it; then the measurement, the intent, and the end.
    assert!(statuses <= 4, "{all:#?}");
    // Its grant and its Job, made and deleted; the finalizer, up before the registration and down after it.
    let count = |verb: &str| all.iter().filter(|w| w.starts_with(verb)).count();
    assert_eq!((count("create DataGrant"), count("create Job"), count("delete "), count("finalizers")), (1, 1, 2, 2));
    assert_eq!(all.iter().filter(|w| w.starts_with("create version")).count(), 1, "{all:#?}");
}
