//! Rules of streams: health, rollback, rescaling, and what is left of an attempt.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{ProcessingJob, processing_job::FlinkAttempt};
use millrace_kit::{
    Action, Child, DecisionOf, Reader,
    sim::{Inputs, Seeded, SeededBug},
};
use millrace_processing::{Observed, Processing, rest::JobView};

use super::of;
use crate::support::scenarios::rescale;

pub(super) fn all() -> Vec<Seeded> {
    vec![
        of::<LeaksMaps>(),
        of::<ForgetsTheKeptSpec>(),
        of::<HasAllTime>(),
        of::<BelievesInTheJob>(),
        of::<MovesWhatIsPinned>(),
        of::<TakesTheWishForTheBeginning>(),
        of::<SpeaksOnlyWhileItRuns>(),
        of::<LeaksTheAnchor>(),
    ]
}

fn flink_of(job: &mut ProcessingJob) -> Option<&mut FlinkAttempt> {
    job.status.as_mut()?.attempt.as_mut()?.flink.as_mut()
}

/// What Flink leaves and nobody owns is deleted.
struct LeaksMaps;

impl SeededBug for LeaksMaps {
    type Of = Processing;
    const NAME: &'static str = "leaks what nobody owns";
    const SCENARIO: &'static str = "JobManager killed";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        if let Some(state) = &mut decision.status.state {
            state.leftovers.clear();
        }
    }
}

/// The last healthy spec is kept for a rollback.
struct ForgetsTheKeptSpec;

impl SeededBug for ForgetsTheKeptSpec {
    type Of = Processing;
    const NAME: &'static str = "forgets the kept spec";
    const SCENARIO: &'static str = "an upgrade that cannot restore goes back";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        observed.kept = None;
    }
}

/// A new spec must be healthy in time.
struct HasAllTime;

impl SeededBug for HasAllTime {
    type Of = Processing;
    const NAME: &'static str = "has all time";
    const SCENARIO: &'static str = "an upgrade that does not become healthy goes back";

    fn object(object: &mut ProcessingJob, inputs: &Inputs<'_, Processing>) {
        if let Some(status) = &mut object.status {
            status.started_at = Some(Time(inputs.now));
        }
    }
}

/// A JobManager that does not know its job has lost it.
struct BelievesInTheJob;

impl SeededBug for BelievesInTheJob {
    type Of = Processing;
    const NAME: &'static str = "believes in the job";
    const SCENARIO: &'static str = "the JobManager forgets its job";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        if let Some(view) = observed.flink.as_mut().filter(|view| view.away.is_none()) {
            view.job.get_or_insert(JobView { state: "RUNNING".into(), tasks: 2, running: 2, finished: 0 });
        }
    }
}

/// A vertex with a parallelism of its own keeps it.
struct MovesWhatIsPinned;

impl SeededBug for MovesWhatIsPinned {
    type Of = Processing;
    const NAME: &'static str = "moves what is pinned";
    const SCENARIO: &'static str = "stream rescaled in place";

    fn object(object: &mut ProcessingJob, _: &Inputs<'_, Processing>) {
        if let Some(own) = flink_of(object) {
            own.pinned = own.parallelism.map(|_| Vec::new());
        }
    }
}

/// The parallelism at the start is the attempt's, not the spec's.
struct TakesTheWishForTheBeginning;

impl SeededBug for TakesTheWishForTheBeginning {
    type Of = Processing;
    const NAME: &'static str = "takes the wish for the beginning";
    const SCENARIO: &'static str = "stream rescaled before its job is there";

    fn object(object: &mut ProcessingJob, inputs: &Inputs<'_, Processing>) {
        let count = rescale::count(inputs.object);
        if let Some(own) = flink_of(object) {
            own.parallelism = own.parallelism.and(count);
        }
    }
}

/// A second grant protects the state between attempts.
struct SpeaksOnlyWhileItRuns;

impl SeededBug for SpeaksOnlyWhileItRuns {
    type Of = Processing;
    const NAME: &'static str = "speaks only while it runs";
    const SCENARIO: &'static str = "stream suspended and resumed";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        let protects = |child: &Child| child.body.pointer("/spec/protectOnly").is_some();
        decision.actions.retain(|a| !matches!(a, Action::Create(child) if protects(child)));
    }
}

/// The owner of the TaskManagers goes with its attempt.
struct LeaksTheAnchor;

impl SeededBug for LeaksTheAnchor {
    type Of = Processing;
    const NAME: &'static str = "leaks the anchor";
    const SCENARIO: &'static str = "JobManager killed";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        decision.actions.retain(|a| !matches!(a, Action::Delete(t) if t.kind == "Deployment"));
    }
}
