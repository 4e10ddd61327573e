//! The third rung: what a user would notice, on a real node, through the chart, by kubectl only.
//!
//! Each story leaves the stage as it found it, so that any can run alone. No sleeps: wait for what should happen.

use crate::stage::Stage;
use crate::ui::{Outcome, Ui};

/// One story.
pub struct Story {
    /// Names it on the command line and in the table.
    pub name: &'static str,
    /// Takes longer than a sitting; played with `--long` only.
    pub long: bool,
    /// Plays it.
    pub play: fn(&Stage, &Ui) -> Outcome<()>,
}

/// The stories, in the order they play.
#[must_use]
pub fn all(long: bool) -> Vec<Story> {
    let all = vec![Story { name: "demo", long: false, play: demo }];
    all.into_iter().filter(|s| long || !s.long).collect()
}

fn demo(stage: &Stage, ui: &Ui) -> Outcome<()> {
    crate::demo::demo(stage, ui).map(|_| ())
}
