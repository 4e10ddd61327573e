//! The simulated world: an API server, its caches, its garbage collector and a clock, in memory and in one thread.
//!
//! Every write can be cut off before it is sent or after it is applied, with or without the death of the process;
//! every cache can lag. A scenario runs under all of these and must end in the same state, with no effect twice.

#![allow(clippy::indexing_slicing, reason = "JSON objects this world made itself; compiled for tests only")]

mod api;
mod cut;
mod diff;
mod drive;
mod explore;
pub mod faults;
pub mod golden;
mod patience;
mod reasons;
mod rest;
mod scenario;
mod schedule;
mod seeded;
mod timeline;
mod world;

pub use cut::Cut;
pub use drive::{Actor, Build, Outcome, once};
pub use explore::Report;
pub use patience::patience;
pub use scenario::{Scenario, all_end_alike, caught, explore, left_waiting, recorded, run};
pub use schedule::Schedule;
pub use seeded::{Inputs, Seeded, SeededBug, all_bugs_caught, with_bug};
pub use world::{Admission, Webhook, World};
