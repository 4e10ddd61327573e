//! One line of the table to be, and what it counts.

use crate::budget::Needs;
use crate::ui::{Outcome, Ui};

/// How many tests passed and failed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    /// Passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
    /// Schedules the simulated world ran, as the tests print them.
    pub schedules: usize,
    /// Seeded bugs that were caught.
    pub seeded_bugs: usize,
}

impl Counts {
    /// One check that holds.
    pub(super) const ONE: Self = Self { passed: 1, failed: 0, schedules: 0, seeded_bugs: 0 };
}

pub(super) type Run = Box<dyn FnOnce(&Ui) -> Outcome<Counts> + Send>;

/// A line of the table to be.
pub(super) struct Check {
    pub(super) rung: u8,
    pub(super) name: String,
    pub(super) needs: Needs,
    pub(super) run: Run,
}

impl Check {
    pub(super) fn new(rung: u8, name: impl Into<String>, needs: Needs, run: Run) -> Self {
        Self { rung, name: name.into(), needs, run }
    }
}
