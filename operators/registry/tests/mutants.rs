//! Broken rules, of the kernel and of this operator, must each be told from the sound ones.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(unreachable_pub, dead_code, reason = "each test file uses its part of the support")]

#[path = "support/bent.rs"]
mod bent;
#[path = "support/giveups.rs"]
mod giveups;
#[path = "support/inputs.rs"]
mod inputs;
#[path = "support/registries.rs"]
mod registries;
mod support;
#[path = "support/versions.rs"]
mod versions;

use millrace_kit::{mutation::Mutation, sim};
use support::{Build, Plot, mutated, reason, sound, versions_only, with_story};

const ORDERS: u64 = 3;

fn plot(name: &str) -> Plot {
    let all = [registries::plots(), inputs::plots(), versions::plots(), versions::polled_plots(), giveups::plots()];
    all.into_iter().flatten().find(|p| p.name == name).unwrap_or_else(|| panic!("no plot {name}"))
}

fn caught(name: &str, sound: &Build, mutant: &Build) -> bool {
    let plot = plot(name);
    with_story(&plot, sound, |reference| with_story(&plot, mutant, |mutant| sim::caught(reference, mutant, ORDERS)))
}

/// The plot in which a broken rule of the kernel shows. Two have no subject: what is decided on an old object or before a
/// list is only creates of the same names, which the API server refuses.
fn exposes(mutation: Mutation) -> Option<&'static str> {
    Some(match mutation {
        Mutation::ActBeforeStatus => "a registry and a version at once",
        Mutation::ActAfterConflict | Mutation::UnconditionalStatus => "somebody else writes into the status",
        Mutation::AdoptByName => "the server's name is taken",
        Mutation::DeleteByName => "an old Job's name is taken",
        Mutation::FightAdmission => "a webhook changes the server",
        Mutation::LateFinalizer => "given up before it is known to be registered",
        Mutation::TrustStaleCache | Mutation::ActBeforeListed | Mutation::None => return None,
    })
}

#[test]
fn broken_kernels_are_caught() {
    let all = [
        Mutation::ActBeforeStatus,
        Mutation::ActAfterConflict,
        Mutation::UnconditionalStatus,
        Mutation::AdoptByName,
        Mutation::DeleteByName,
        Mutation::FightAdmission,
        Mutation::LateFinalizer,
    ];
    let missed: Vec<_> =
        all.iter().filter(|m| !exposes(**m).is_some_and(|plot| caught(plot, &sound, &mutated(**m)))).collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
    println!("mutants caught: {}", all.len());
}

#[test]
fn broken_operators_are_caught() {
    let all: [(&str, &str, &Build, &Build); 15] = [
        ("registers without an intent", "registered", &versions_only, &bent::forgets_intent),
        (
            "registers without searching",
            "the registration takes effect after its deadline",
            &sound,
            &bent::never_searches,
        ),
        ("calls a version deleted without proof", "tags and aliases changed behind our back", &sound, &bent::no_proof),
        ("robs newer versions of aliases", "a newer version takes the alias", &versions_only, &bent::robs_aliases),
        ("serves before it migrates", "the database is away for good", &sound, &bent::serves_at_once),
        (
            "knows a migration by its image alone",
            "the spec names another database's Secret",
            &sound,
            &bent::image_alone,
        ),
        (
            "does not listen to the pods that mount the Secrets",
            "the database's Secret names another database",
            &sound,
            &bent::deaf,
        ),
        ("replaces without a try", "a Secret without its key", &sound, &bent::recreates),
        ("looks for no Secret", "an edit names a Secret that does not exist", &sound, &bent::looks_for_no_secret),
        ("changes the schema under a server", "the schema changes under a server", &sound, &bent::untold),
        (
            "waits for what runs beside a migration",
            "a container beside the migration never ends",
            &sound,
            &bent::waits_for_the_job,
        ),
        (
            "believes an evicted measurement",
            "a measurement is evicted after its last words",
            &versions_only,
            &bent::believes_the_evicted,
        ),
        ("trusts an empty source", "a source without files", &versions_only, &bent::trusts_sources),
        (
            "lets go of what may be registered",
            "given up before it is known to be registered",
            &versions_only,
            &bent::lets_go,
        ),
        ("starts a Job under a new name each time", "from nothing", &sound, &bent::new_names),
    ];
    let missed: Vec<_> =
        all.iter().filter(|(_, plot, sound, mutant)| !caught(plot, sound, mutant)).map(|m| m.0).collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
    println!("mutants caught: {}", all.len());
}
