//! The third rung: what a user would notice, on a real node, through the chart, by kubectl only.
//!
//! Each story leaves the stage as it found it, so that any can run alone and in any order. No sleeps: wait for what
//! should happen.

mod audit;
mod demo;
mod drift;
mod failures;
mod http;
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
    /// Plays it.
    pub play: fn(&Stage, &Ui) -> Outcome<()>,
}

/// The stories, in the order they play.
#[must_use]
pub fn all(long: bool) -> Vec<Story> {
    let all = [
        ("demo", false, demo::play as fn(&Stage, &Ui) -> Outcome<()>),
        ("operators killed", false, killed::play),
        ("failures told apart", false, failures::play),
        ("walls around jobs", false, walls::play),
        ("drift and adoption", false, drift::play),
        ("chart reinstalled", false, reinstall::play),
        ("200 idle objects", false, idle::play),
        ("credentials renewed", true, renew::play),
    ];
    let all = all.into_iter().map(|(name, long, play)| Story { name, long, play });
    all.filter(|s| long || !s.long).collect()
}
