//! The kernel under every cut and many orders.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod toy;

use millrace_kit::{
    Controller, Env, Kernel,
    mutation::Mutation,
    sim::{self, Story, World},
};
use strum::IntoEnumIterator;

use toy::{Plot, Toy, with_build};

/// Orders tried for each cut; order 0 is the strict one.
const ORDERS: u64 = 3;

/// A story of the toy operator on a kernel with a seeded bug.
fn with_story<T>(plot: Plot, mutation: Mutation, then: impl FnOnce(&Story<'_>) -> T) -> T {
    let build = |env: &Env, world: &World| -> Vec<Box<dyn Controller>> {
        vec![Box::new(Kernel::new(Toy { world: world.clone() }, env.reader.clone()).mutated(mutation))]
    };
    with_build(plot, &build, then)
}

#[test]
fn same_end_under_every_cut_and_order() {
    let mut schedules = 0;
    for plot in Plot::iter() {
        let report = with_story(plot, Mutation::None, |story| sim::explore(story, ORDERS));
        report.settled().unwrap_or_else(|faults| panic!("{faults}"));
        schedules += report.schedules;
    }
    println!("schedules: {schedules}");
}

/// The plot that brings a broken rule to light.
fn exposes(mutation: Mutation) -> Plot {
    match mutation {
        Mutation::TrustStaleCache => Plot::Vanish,
        Mutation::AdoptByName => Plot::Foreign,
        Mutation::DeleteByName => Plot::Swap,
        Mutation::LateFinalizer => Plot::Delete,
        Mutation::FightAdmission => Plot::Webhook,
        Mutation::UnconditionalStatus | Mutation::ActAfterConflict => Plot::Edit,
        Mutation::None | Mutation::ActBeforeStatus | Mutation::ActBeforeListed => Plot::Quiet,
    }
}

#[test]
fn every_mutation_is_caught() {
    let caught = |mutation: &Mutation| {
        let plot = exposes(*mutation);
        with_story(plot, Mutation::None, |sound| {
            with_story(plot, *mutation, |mutant| sim::caught(sound, mutant, ORDERS))
        })
    };
    let all: Vec<Mutation> = Mutation::iter().filter(|m| *m != Mutation::None).collect();
    let missed: Vec<_> = all.iter().filter(|m| !caught(m)).collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
    println!("mutants caught: {}", all.len());
}
