//! Every story under every cut of every write and many orders: the same end, no effect twice, nothing leaked.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(unreachable_pub, dead_code, reason = "each test file uses its part of the support")]

#[path = "support/giveups.rs"]
mod giveups;
#[path = "support/inputs.rs"]
mod inputs;
#[path = "support/registries.rs"]
mod registries;
mod support;
#[path = "support/versions.rs"]
mod versions;

use millrace_kit::sim::{self, Schedule};
use support::{Build, Plot, reason, sound, versions_only, with_story};

const ORDERS: u64 = 1;

fn explore(plots: &[Plot], build: &Build) {
    let mut schedules = 0;
    let mut wrong = Vec::new();
    for plot in plots {
        let report = with_story(plot, build, |story| sim::explore(story, ORDERS));
        if let Err(faults) = report.settled() {
            wrong.push(format!("{}: {faults}\nwrites: {:#?}", plot.name, report.writes));
        }
        println!("{}: {} schedules, {} writes", plot.name, report.schedules, report.writes.len());
        schedules += report.schedules;
    }
    println!("schedules: {schedules}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn registries_end_alike() {
    explore(&registries::plots(), &sound);
}

#[test]
fn changed_inputs_end_alike() {
    explore(&inputs::plots(), &sound);
}

#[test]
fn what_was_given_up_ends_alike() {
    explore(&giveups::plots(), &versions_only);
    explore(&giveups::polled_plots(), &sound);
}

#[test]
fn versions_end_alike() {
    explore(&versions::plots(), &versions_only);
}

#[test]
fn what_is_done_in_mlflow_is_noticed() {
    explore(&versions::polled_plots(), &sound);
}

#[test]
fn the_reasons_that_stories_reach() {
    let run = |plot: &Plot, build: &Build| with_story(plot, build, |story| sim::recorded(story, Schedule::UNDISTURBED));
    let both = [registries::plots(), inputs::plots(), giveups::polled_plots(), versions::polled_plots()].concat();
    let own = [giveups::plots(), versions::plots()].concat();
    let runs = both.iter().map(|plot| run(plot, &sound)).chain(own.iter().map(|plot| run(plot, &versions_only)));
    let checked = sim::golden::reached(env!("CARGO_MANIFEST_DIR"), "registry", runs);
    checked.unwrap_or_else(|diff| panic!("{diff}"));
}

fn writes(plot: &Plot, build: &Build) -> Vec<String> {
    with_story(plot, build, |story| sim::run(story, Schedule::UNDISTURBED).writes)
}

#[test]
fn a_registry_costs_few_writes_and_an_idle_one_none() {
    let all = writes(&registries::plots()[0], &sound);
    let count = |verb: &str| all.iter().filter(|w| w.starts_with(verb)).count();
    // Bucket, grant, Service, Job, login, Deployment.
    assert_eq!(count("create"), 6, "{all:#?}");
    assert!(count("status") <= 8, "{all:#?}");
    assert_eq!(all.len(), count("create") + count("status"), "{all:#?}");
}

#[test]
fn a_version_costs_three_statuses() {
    let all = writes(&versions::plots()[0], &versions_only);
    let statuses = all.iter().filter(|w| w.starts_with("status ModelVersion")).count();
    // Waiting for the bucket, which here is declared beside it; then the measurement, the intent, and the end.
    assert!(statuses <= 4, "{all:#?}");
    // Its grant and its Job, made and deleted; the finalizer, up before the registration and down after it.
    let count = |verb: &str| all.iter().filter(|w| w.starts_with(verb)).count();
    assert_eq!((count("create DataGrant"), count("create Job"), count("delete "), count("finalizers")), (1, 1, 2, 2));
    assert_eq!(all.iter().filter(|w| w.starts_with("create version")).count(), 1, "{all:#?}");
}
