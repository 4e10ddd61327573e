//! Seeded bugs, of the kernel and of this operator: the scenarios must tell each from the sound ones.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(unreachable_pub, dead_code, reason = "each test file uses its part of the support")]

mod support;

use millrace_kit::sim::{Scenario, Seeded, all_bugs_caught, faults::KernelBug};
use support::{on_kernel, scenarios, seeded_bugs, sound};

const ORDERS: u64 = 3;

fn all_scenarios() -> Vec<Scenario> {
    [scenarios::whole(), scenarios::of_versions()].concat()
}

/// Bugs of the kernel, each with the scenario that exposes it. Two have no subject: what is decided on an old object or
/// before a list is only creates of the same names, which the API server refuses.
const OF_THE_KERNEL: [(KernelBug, &str); 7] = [
    (KernelBug::ActBeforeStatus, "a registry and a version at once"),
    (KernelBug::ActAfterConflict, "somebody else writes into the status"),
    (KernelBug::UnconditionalStatus, "somebody else writes into the status"),
    (KernelBug::AdoptByName, "the server's name is taken"),
    (KernelBug::DeleteByName, "an old Job's name is taken"),
    (KernelBug::FightAdmission, "a webhook changes the server"),
    (KernelBug::LateFinalizer, "given up before it is known to be registered"),
];

#[test]
fn bugs_of_the_kernel_are_caught() {
    let bug = |(bug, scenario): (KernelBug, &str)| Seeded::new(format!("{bug:?}"), scenario, sound, on_kernel(bug));
    let bugs = OF_THE_KERNEL.map(bug);
    all_bugs_caught(&bugs, &all_scenarios(), ORDERS).unwrap_or_else(|missed| panic!("{missed}"));
}

#[test]
fn bugs_of_the_operator_are_caught() {
    all_bugs_caught(&seeded_bugs::all(), &all_scenarios(), ORDERS).unwrap_or_else(|missed| panic!("{missed}"));
}
