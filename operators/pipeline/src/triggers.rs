//! What starts runs, one trigger a file.

mod request;
pub mod trigger;

pub use trigger::{Due, Trigger};

/// All triggers.
pub const ALL: [&dyn Trigger; 1] = [&request::Request];
