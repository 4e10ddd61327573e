//! Rules of starts: the trial of a new spec, what holds up a pod, workers that do not come.

use millrace_crds::ProcessingJob;
use millrace_kit::{
    DecisionOf, Reader,
    sim::{Inputs, Seeded, SeededBug},
};
use millrace_processing::{Answer, Observed, Processing};

use super::of;

pub(super) fn all() -> Vec<Seeded> {
    vec![
        of::<StopsBeforeThePreflight>(),
        of::<TriesWithoutData>(),
        of::<LeaksThePreflight>(),
        of::<IgnoresEvents>(),
        of::<KeepsTheFirstWording>(),
        of::<NeverCountsWorkers>(),
        of::<NeverTriesOneMore>(),
        of::<AClaimIsRoom>(),
        of::<RecordsWhatNeverRan>(),
    ]
}

/// Nothing stops for a spec that cannot start.
struct StopsBeforeThePreflight;

impl SeededBug for StopsBeforeThePreflight {
    type Of = Processing;
    const NAME: &'static str = "stops before the preflight";
    const SCENARIO: &'static str = "a new spec is refused";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        if let Some(preflight) = &mut observed.preflight {
            preflight.answer = Some(Answer::Admitted);
        }
    }
}

/// A new spec is tried with its data.
struct TriesWithoutData;

impl SeededBug for TriesWithoutData {
    type Of = Processing;
    const NAME: &'static str = "stops before the data is there";
    const SCENARIO: &'static str = "the data of a new spec is late";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        if let Some(preflight) = observed.preflight.as_mut().filter(|preflight| preflight.grant.is_some()) {
            preflight.answer = Some(Answer::Admitted);
        }
    }
}

/// The grant of a trial goes with it.
struct LeaksThePreflight;

impl SeededBug for LeaksThePreflight {
    type Of = Processing;
    const NAME: &'static str = "leaks the preflight's grant";
    const SCENARIO: &'static str = "the data of a new spec is late";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        observed.old.retain(|child| child.kind != "DataGrant");
    }
}

/// A start that is slow is explained by its Events.
struct IgnoresEvents;

impl SeededBug for IgnoresEvents {
    type Of = Processing;
    const NAME: &'static str = "ignores Events";
    const SCENARIO: &'static str = "a Secret of a volume is missing";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        if let Some(pod) = &mut observed.workload {
            pod.warnings.clear();
        }
    }
}

/// A message says what is true now.
struct KeepsTheFirstWording;

impl SeededBug for KeepsTheFirstWording {
    type Of = Processing;
    const NAME: &'static str = "keeps the first wording";
    const SCENARIO: &'static str = "the cause of a wait for data changes";

    fn decision(decision: &mut DecisionOf<Processing>, inputs: &Inputs<'_, Processing>) {
        let old = inputs.object.status.clone().unwrap_or_default().conditions;
        for now in &mut decision.status.conditions {
            let first = old.iter().find(|c| c.type_ == now.type_ && c.reason == now.reason);
            now.message = first.map_or(now.message.clone(), |first| first.message.clone());
        }
    }
}

/// Workers that do not come are counted.
struct NeverCountsWorkers;

impl SeededBug for NeverCountsWorkers {
    type Of = Processing;
    const NAME: &'static str = "never counts workers";
    const SCENARIO: &'static str = "executors find no node";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        observed.workers = None;
    }
}

/// A quota is asked by the trial of one more worker.
struct NeverTriesOneMore;

impl SeededBug for NeverTriesOneMore {
    type Of = Processing;
    const NAME: &'static str = "never tries one more worker";
    const SCENARIO: &'static str = "executors over the quota";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        if let Some(workers) = &mut observed.workers {
            workers.refused = None;
        }
    }
}

/// A missing claim is not a lack of room.
struct AClaimIsRoom;

impl SeededBug for AClaimIsRoom {
    type Of = Processing;
    const NAME: &'static str = "a missing claim is want of room";
    const SCENARIO: &'static str = "a claim is missing";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        if let Some(pod) = &mut observed.workload {
            pod.unscheduled = pod.unscheduled.take().map(|(reason, _)| (reason, "0/1: 1 Insufficient cpu".to_owned()));
        }
    }
}

/// A recorded exit code is one that a container had.
struct RecordsWhatNeverRan;

impl SeededBug for RecordsWhatNeverRan {
    type Of = Processing;
    const NAME: &'static str = "records an exit code of what never ran";
    const SCENARIO: &'static str = "a sandbox of one byte";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        for record in &mut decision.status.last_attempts {
            record.exit_code = record.exit_code.or(Some(137));
        }
    }
}
