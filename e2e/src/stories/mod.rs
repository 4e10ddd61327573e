//! The third rung: what a user would notice, on a real node, through the chart, by kubectl only.
//!
//! Each story leaves the stage as it found it, so that any can run alone and in any order. No sleeps: wait for what
//! should happen.

mod demo;
mod drift;
mod failures;
mod idle;
mod jobs;
mod killed;
mod mlflow;
mod reinstall;
mod renew;
mod stores;
mod tools;
mod walls;

use crate::stage::Stage;
use crate::ui::{Outcome, Ui};

/// One story.
pub struct Story {
    /// Names it on the command line and in the table.
    pub name: &'static str,
    /// Takes longer than a sitting; played with `--long` only.
    pub long: bool,
    /// Plays at the same time as its neighbours that say so too: it disturbs nobody and minds nobody's load.
    pub together: bool,
    /// Plays it.
    pub play: fn(&Stage, &Ui) -> Outcome<()>,
}

/// The stories, in the order they play.
#[must_use]
pub fn all(long: bool) -> Vec<Story> {
    let alone = |name, play| Story { name, long: false, together: false, play };
    let together = |name, play| Story { together: true, ..alone(name, play) };
    let all: [Story; 8] = [
        alone("demo", demo::play),
        alone("operators killed", killed::play),
        together("failures told apart", failures::play),
        together("walls around jobs", walls::play),
        together("drift and adoption", drift::play),
        alone("chart reinstalled", reinstall::play),
        alone("200 idle objects", idle::play),
        Story { long: true, ..alone("credentials renewed", renew::play) },
    ];
    all.into_iter().filter(|s| long || !s.long).collect()
}
