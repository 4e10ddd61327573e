//! Seeded bugs, of the kernel and of this operator: the scenarios must tell each from the sound ones.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

#[path = "seeded_bugs/attempts.rs"]
mod attempts;
#[path = "seeded_bugs/ends.rs"]
mod ends;
#[path = "seeded_bugs/restore.rs"]
mod restore;
#[path = "seeded_bugs/starts.rs"]
mod starts;
#[path = "seeded_bugs/streams.rs"]
mod streams;

use std::sync::atomic::{AtomicU32, Ordering};

use millrace_kit::{
    Env,
    sim::{
        Seeded, SeededBug, World, all_bugs_caught,
        faults::{self, KernelBug},
        with_bug,
    },
};
use millrace_processing::Processing;
use support::{flink, scenarios};

/// Orders tried for each cut.
const ORDERS: u64 = 4;
/// The same for streams, whose runs are long.
const STREAM_ORDERS: u64 = 1;

/// A bug of the operator.
fn of<B: SeededBug<Of = Processing>>() -> Seeded {
    Seeded::of::<B>(flink::build, |env, world| vec![with_bug::<B>(flink::operator(world), env, world)])
}

/// Never the same twice, as a clock or a random number would be.
fn another() -> u32 {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    COUNTER.fetch_add(1, Ordering::Relaxed)
}

fn caught(bugs: &[Seeded], orders: u64) {
    all_bugs_caught(bugs, &scenarios::all(), orders).unwrap_or_else(|missed| panic!("{missed}"));
}

/// Bugs of the kernel, each with the scenario that exposes it. Three have no subject here: a job holds no finalizer, what a
/// cache has not listed yet is asked of the API server, and nothing is applied.
const OF_THE_KERNEL: [(KernelBug, &str); 6] = [
    (KernelBug::TrustStaleCache, "pod deleted while it runs"),
    (KernelBug::ActBeforeStatus, "container ends well"),
    (KernelBug::ActAfterConflict, "fails, then succeeds"),
    (KernelBug::UnconditionalStatus, "somebody else writes into the status"),
    (KernelBug::AdoptByName, "a name is taken"),
    (KernelBug::DeleteByName, "an old pod's name is taken"),
];

#[test]
fn bugs_of_the_kernel_are_caught() {
    let bugs = OF_THE_KERNEL.map(|(bug, scenario)| {
        Seeded::new(format!("{bug:?}"), scenario, flink::build, move |env: &Env, world: &World| {
            vec![faults::kernel(bug, flink::operator(world), env.reader.clone())]
        })
    });
    caught(&bugs, ORDERS);
}

#[test]
fn bugs_of_attempts_are_caught() {
    caught(&attempts::all(), ORDERS);
}

#[test]
fn bugs_of_starts_are_caught() {
    caught(&starts::all(), ORDERS);
}

#[test]
fn bugs_of_ends_are_caught() {
    caught(&ends::all(), ORDERS);
}

#[test]
fn bugs_of_restore_points_are_caught() {
    caught(&restore::all(), STREAM_ORDERS);
}

#[test]
fn bugs_of_streams_are_caught() {
    caught(&streams::all(), STREAM_ORDERS);
}
