//! The local cluster built from packages, the demo, stories and benchmarks.
//!
//! Everything here is synchronous: it starts processes, waits for them and tells what it does. The binary `xtask`
//! (`cargo xtask …`) is a thin front; tests of the second and third rung use the same functions.

pub mod abroad;
mod audit;
pub mod bench;
pub mod budget;
pub mod checkout;
pub mod cluster;
pub mod demo;
mod evidence;
mod http;
pub mod local;
pub mod parts;
mod patience;
pub mod previous;
pub mod push;
pub mod ship;
pub mod stage;
pub mod stories;
pub mod suite;
pub mod ui;
