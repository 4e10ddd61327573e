//! Rules of Flink's restore points: savepoints, checkpoints, and what an attempt goes on from.

use millrace_crds::ProcessingJob;
use millrace_kit::{
    Action, DecisionOf, Reader,
    sim::{Inputs, Seeded, SeededBug},
};
use millrace_processing::{
    HaView, Observed, Processing,
    rest::{FlinkCall, JobView, TriggerView},
};
use serde_json::json;

use super::{another, of};

pub(super) fn all() -> Vec<Seeded> {
    vec![
        of::<NewTriggerEachTime>(),
        of::<TrustsCompleted>(),
        of::<StartsEmpty>(),
        of::<DoesNotLookForCheckpoints>(),
        of::<TakesAnOldCheckpoint>(),
        of::<HoldsNothing>(),
        of::<StopsWithoutSavepoint>(),
        of::<TakesAStopForTheEnd>(),
        of::<DoesNotWaitForTheLast>(),
        of::<EmptyWhereUnknown>(),
        of::<WaitsForASavepointForEver>(),
        of::<DisposesOfTheNewest>(),
    ]
}

/// Whether Flink says that the job has ended.
fn is_over(observed: &Observed) -> bool {
    observed.flink.as_ref().and_then(|view| view.job.as_ref()).is_some_and(JobView::over)
}

/// A savepoint is asked for under one stored id.
struct NewTriggerEachTime;

impl SeededBug for NewTriggerEachTime {
    type Of = Processing;
    const NAME: &'static str = "a new trigger each time";
    const SCENARIO: &'static str = "savepoints now and then";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        for action in &mut decision.actions {
            if let Action::Effect(FlinkCall::Savepoint { trigger, .. }) = action {
                *trigger = format!("{:032x}", another());
            }
        }
    }
}

/// A savepoint without a location has failed.
struct TrustsCompleted;

impl SeededBug for TrustsCompleted {
    type Of = Processing;
    const NAME: &'static str = "trusts COMPLETED";
    const SCENARIO: &'static str = "the first savepoint has no location";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        if let Some(trigger) = observed.flink.as_mut().and_then(|view| view.trigger.as_mut())
            && let TriggerView::Failed { .. } = trigger
        {
            *trigger = TriggerView::Done { path: "s3://ml-state/flink/features/savepoints/none".into() };
        }
    }
}

/// An attempt goes on from the last restore point.
struct StartsEmpty;

impl SeededBug for StartsEmpty {
    type Of = Processing;
    const NAME: &'static str = "starts empty";
    const SCENARIO: &'static str = "JobManager killed";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        if let Some(own) = decision.status.attempt.as_mut().and_then(|a| a.flink.as_mut()) {
            own.restored_from = Some("Empty".into());
        }
    }
}

/// The newest checkpoint is looked for when a JobManager is gone.
struct DoesNotLookForCheckpoints;

impl SeededBug for DoesNotLookForCheckpoints {
    type Of = Processing;
    const NAME: &'static str = "does not look for checkpoints";
    const SCENARIO: &'static str = "JobManager killed";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        observed.ha = observed.ha.take().map(|_| HaView { found: true, newest: None });
    }
}

/// The newest checkpoint counts.
struct TakesAnOldCheckpoint;

impl SeededBug for TakesAnOldCheckpoint {
    type Of = Processing;
    const NAME: &'static str = "takes an old checkpoint";
    const SCENARIO: &'static str = "JobManager killed";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        if let Some(ha) = &mut observed.ha {
            ha.newest = ha.newest.map(|n| n - 1);
        }
    }
}

/// A finalizer stands while a savepoint is to be taken.
struct HoldsNothing;

impl SeededBug for HoldsNothing {
    type Of = Processing;
    const NAME: &'static str = "holds nothing";
    const SCENARIO: &'static str = "stream deleted with a savepoint";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        decision.hold = false;
    }
}

/// A stream stops with a savepoint.
struct StopsWithoutSavepoint;

impl SeededBug for StopsWithoutSavepoint {
    type Of = Processing;
    const NAME: &'static str = "stops without a savepoint";
    const SCENARIO: &'static str = "stream upgraded with its savepoint";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        if let Some(own) = decision.status.attempt.as_mut().and_then(|a| a.flink.as_mut()) {
            own.trigger = None;
        }
        decision.actions.retain(|a| !matches!(a, Action::Effect(_)));
    }
}

/// A job that stopped with a savepoint has one.
struct TakesAStopForTheEnd;

impl SeededBug for TakesAStopForTheEnd {
    type Of = Processing;
    const NAME: &'static str = "takes a stop for the end";
    const SCENARIO: &'static str = "stream upgraded with its savepoint";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        if is_over(observed)
            && let Some(view) = &mut observed.flink
        {
            (view.trigger, view.savepoint) = (None, None);
        }
    }
}

/// The next attempt waits until the last one is gone.
struct DoesNotWaitForTheLast;

impl SeededBug for DoesNotWaitForTheLast {
    type Of = Processing;
    const NAME: &'static str = "does not wait for the last";
    const SCENARIO: &'static str = "stream upgraded with its savepoint";

    fn observed(observed: &mut Observed, job: &ProcessingJob, _: &Reader) {
        let attempt = job.status.as_ref().and_then(|s| s.attempt.as_ref());
        observed.previous = None;
        observed.lost |= attempt.is_some_and(|a| a.stop_reason.is_some()) && is_over(observed);
    }
}

/// A restore point that is not known stops the job.
struct EmptyWhereUnknown;

impl SeededBug for EmptyWhereUnknown {
    type Of = Processing;
    const NAME: &'static str = "empty where unknown";
    const SCENARIO: &'static str = "an unknown restore point";

    fn object(object: &mut ProcessingJob, _: &Inputs<'_, Processing>) {
        let state = object.status.as_mut().and_then(|status| status.state.as_mut());
        if let Some(state) = state.filter(|state| state.next_restore.as_deref() == Some("Unknown")) {
            state.next_restore = Some("Empty".into());
        }
    }
}

/// A savepoint has a deadline.
struct WaitsForASavepointForEver;

impl SeededBug for WaitsForASavepointForEver {
    type Of = Processing;
    const NAME: &'static str = "waits for a savepoint for ever";
    const SCENARIO: &'static str = "a savepoint never ends";

    fn object(object: &mut ProcessingJob, _: &Inputs<'_, Processing>) {
        object.spec.job.deadlines = serde_json::from_value(json!({"stop": "10h"})).unwrap();
    }
}

/// The newest savepoint is never disposed of.
struct DisposesOfTheNewest;

impl SeededBug for DisposesOfTheNewest {
    type Of = Processing;
    const NAME: &'static str = "disposes of the newest";
    const SCENARIO: &'static str = "savepoints now and then";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        let newest = decision.status.state.as_ref().and_then(|s| s.next_restore.clone()).unwrap_or_default();
        for action in &mut decision.actions {
            if let Action::Effect(FlinkCall::Dispose { path, .. }) = action {
                path.clone_from(&newest);
            }
        }
    }
}
