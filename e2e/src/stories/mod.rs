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
mod idle;
mod jobs;
mod killed;
mod mlflow;
mod previous;
mod ranks;
mod refused;
mod reinstall;
mod renew;
mod stores;
mod streams;
mod structured;
mod tools;
mod values;
mod verdicts;
mod walls;

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
    /// Who may play at the same time.
    pub company: Company,
    /// Plays it.
    pub play: fn(&Stage, &Ui) -> Outcome<()>,
}

/// Who may play at the same time as a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// Nobody but those beside.
    Alone,
    /// A few of its neighbours that say the same: it disturbs nobody and minds nobody's load.
    Together,
    /// Everything that comes after it: it mostly waits.
    Beside,
}

/// The stories, in the order they play.
#[must_use]
pub fn all(long: bool) -> Vec<Story> {
    let story = |company| move |name, play| Story { name, long: false, local: false, company, play };
    let (alone, together, beside) = (story(Company::Alone), story(Company::Together), story(Company::Beside));
    let all = [
        Story { local: true, ..beside("200 idle objects", idle::play) },
        alone("chart reinstalled", reinstall::play),
        Story { local: true, ..alone("the previous landing's chart, and back", previous::play) },
        alone("operators killed", killed::play),
        together("demo", demo::play),
        together("flink: streams put back", streams::put_back),
        together("failures told apart", failures::play),
        together("every class of failure", verdicts::play),
        together("who ended a pod", ends::play),
        together("ranks restart together", ranks::play),
        together("values byte for byte", values::play),
        together("walls around jobs", walls::play),
        together("drift and adoption", drift::play),
        Story { long: true, ..alone("flink: streams exactly once", streams::exactly_once) },
        Story { long: true, ..alone("flink: version 1.20", streams::older) },
        Story { long: true, ..together("spark: a stream goes on", structured::play) },
        Story { long: true, ..together("spark: executors follow the work", executors::play) },
        Story { long: true, ..together("spark: version 4.3", executors::newest) },
        Story { long: true, ..alone("credentials renewed", renew::play) },
    ];
    all.into_iter().filter(|s| long || !s.long).collect()
}
