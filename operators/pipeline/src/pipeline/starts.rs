//! The runs that triggers start.

use jiff::Timestamp;
use millrace_crds::{MLPipeline, MLPipelineStatus};
use millrace_kit::{Action, Child, NoEffect, Seen};

use super::seen::Observed;
use crate::{
    children::run,
    triggers::{self, Due},
};

/// The runs to make now, and when the next one may be due.
#[derive(Default)]
pub(super) struct Starts {
    pub(super) actions: Vec<Action<NoEffect>>,
    pub(super) wake: Option<Timestamp>,
}

/// Asks each trigger. What it has started is remembered when the run exists; what cannot be made now, when that is known.
pub(super) fn starts(
    status: &mut MLPipelineStatus,
    pipeline: &MLPipeline,
    seen: &Seen<Observed>,
    now: Timestamp,
) -> Starts {
    let mut starts = Starts::default();
    for trigger in triggers::ALL {
        let event = match trigger.due(pipeline, now) {
            Due::Now(event) => event,
            Due::At(at) => {
                starts.wake = starts.wake.into_iter().chain([at]).min();
                continue;
            }
            Due::Never => continue,
        };
        if seen.data.started.contains(&run::name(pipeline, trigger, &event)) {
            trigger.started(status, &event);
            continue;
        }
        let action = Action::Create(Child::of(pipeline, &run::build(pipeline, trigger, &event)));
        if seen.failures.of(&action.id()).is_some() {
            trigger.delayed(status, &event);
        }
        starts.actions.push(action);
    }
    starts
}
