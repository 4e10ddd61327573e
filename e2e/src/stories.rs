//! The third rung: what a user would notice, on a real node, through the chart, by kubectl only.
//!
//! Each story leaves the stage as it found it, so that any can run alone and in any order. No sleeps: wait for what
//! should happen.

mod demo;
mod drift;
mod ends;
mod executors;
mod failures;
mod flights;
mod helm_test;
mod idle;
mod jobs;
mod killed;
mod mlflow;
mod previous;
mod ranks;
mod refused;
mod reinstall;
mod renew;
mod reported;
mod stores;
mod streams;
mod structured;
mod tools;
mod values;
mod verdicts;
mod walls;

use crate::budget::Needs;
use crate::stage::Stage;
use crate::ui::{Outcome, Ui};

/// One story.
pub struct Story {
    /// Names it on the command line and in the table.
    pub name: &'static str,
    /// Minutes that every change should not cost; played with `--long` only.
    pub long: bool,
    /// Has no meaning without the API server's audit log, which only the local cluster shows.
    pub local: bool,
    /// Nothing else may play: it takes the operators away, or shows that they rest.
    pub alone: bool,
    /// What its pods request at its busiest moment.
    pub needs: Needs,
    /// Plays it.
    pub play: fn(&Stage, &Ui) -> Outcome<()>,
}

impl Story {
    const fn new(name: &'static str, needs: Needs, play: fn(&Stage, &Ui) -> Outcome<()>) -> Self {
        Self { name, long: false, local: false, alone: false, needs, play }
    }

    const fn alone(name: &'static str, play: fn(&Stage, &Ui) -> Outcome<()>) -> Self {
        Self { alone: true, ..Self::new(name, Needs::new(0, 0), play) }
    }
}

/// The stories: those that play alone, then the others, the longest first.
#[must_use]
pub fn all(long: bool) -> Vec<Story> {
    let all = [
        Story { local: true, ..Story::alone("200 idle objects", idle::play) },
        Story::alone("chart reinstalled", reinstall::play),
        Story { local: true, ..Story::alone("the previous landing's chart, and back", previous::play) },
        Story::alone("operators killed", killed::play),
        Story { long: true, ..Story::alone("flink: streams exactly once", streams::exactly_once) },
        Story { long: true, ..Story::alone("flink: version 1.20", streams::older) },
        Story { long: true, ..Story::alone("credentials renewed", renew::play) },
        Story { long: true, ..Story::new("reports: a pipeline that never comes", Needs::new(0, 0), reported::never) },
        Story::new("reports: a registry edited while it serves", Needs::new(300, 2_560), reported::registry),
        Story::new("reports: jobs", Needs::new(350, 3_200), reported::jobs),
        Story::new("flink: streams put back", Needs::new(400, 2_048), streams::put_back),
        Story::new("demo", Needs::new(800, 3_900), demo::play),
        Story::new("every class of failure", Needs::new(650, 4_000), verdicts::play),
        Story::new("reports: pipelines", Needs::new(250, 1_536), reported::pipelines),
        Story::new("failures told apart", Needs::new(700, 4_600), failures::play),
        Story::new("walls around jobs", Needs::new(650, 4_300), walls::play),
        Story::new("who ended a pod", Needs::new(300, 768), ends::play),
        Story::new("values byte for byte", Needs::new(700, 4_300), values::play),
        Story::new("helm test", Needs::new(40, 96), helm_test::play),
        Story::new("ranks restart together", Needs::new(200, 1_024), ranks::play),
        Story::new("drift and adoption", Needs::new(100, 128), drift::play),
        Story { long: true, ..Story::new("spark: a stream goes on", Needs::new(500, 3_072), structured::play) },
        Story { long: true, ..Story::new("spark: executors follow the work", Needs::new(800, 6_000), executors::play) },
        Story { long: true, ..Story::new("spark: version 4.3", Needs::new(800, 6_000), executors::newest) },
    ];
    all.into_iter().filter(|s| long || !s.long).collect()
}
