//! A scenario as the driver sees it, with borrowed closures and the operators to run.
//!
//! Tests use [`super::Scenario`]; those that still build a [`Story`] themselves are being converted.

pub use super::{
    drive::{Story, recorded, run},
    explore::{caught, explore},
    rest::left_waiting,
};
