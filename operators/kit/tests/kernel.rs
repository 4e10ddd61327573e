//! The kernel under every cut and many orders, and each of its rules broken once.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod toy;

use millrace_kit::{
    Controller, Env,
    sim::{
        Seeded, World, all_bugs_caught, all_end_alike,
        faults::{self, KernelBug},
    },
};
use strum::IntoEnumIterator;

use toy::{Toy, scenarios};

/// Orders tried for each cut; order 0 is the strict one.
const ORDERS: u64 = 3;

/// The toy operator on a kernel with a seeded bug, or none.
fn on_kernel(bug: Option<KernelBug>) -> impl Fn(&Env, &World) -> Vec<Box<dyn Controller>> {
    move |env, world| vec![faults::kernel(bug, Toy { world: world.clone() }, env.reader.clone())]
}

#[test]
fn same_end_under_every_cut_and_order() {
    all_end_alike(&scenarios::all(), &on_kernel(None), ORDERS).unwrap_or_else(|faults| panic!("{faults}"));
}

/// The scenario that exposes a bug.
const fn exposes(bug: KernelBug) -> &'static str {
    match bug {
        KernelBug::TrustStaleCache => "the first pod vanishes",
        KernelBug::AdoptByName => "a pod of the first attempt's name is there already",
        KernelBug::DeleteByName => "another's pod stands under the name of the first",
        KernelBug::LateFinalizer => "deleted while it runs",
        KernelBug::FightAdmission => "a webhook sets back what is applied",
        KernelBug::UnconditionalStatus | KernelBug::ActAfterConflict => "somebody else writes into the status",
        KernelBug::ActBeforeStatus | KernelBug::ActBeforeListed => "nothing happens",
    }
}

#[test]
fn every_bug_of_the_kernel_is_caught() {
    let bugs: Vec<Seeded> = KernelBug::iter()
        .map(|bug| Seeded::new(format!("{bug:?}"), exposes(bug), on_kernel(None), on_kernel(Some(bug))))
        .collect();
    all_bugs_caught(&bugs, &scenarios::all(), ORDERS).unwrap_or_else(|missed| panic!("{missed}"));
}
