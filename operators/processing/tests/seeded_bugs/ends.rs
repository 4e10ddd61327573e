//! Rules of how a pod ends and what it may be.

use jiff::Timestamp;
use millrace_crds::{ProcessingJob, processing_job::JobPhase};
use millrace_kit::{
    Action, DecisionOf, Reader,
    sim::{Inputs, Seeded, SeededBug},
};
use millrace_processing::{Beside, ContainerView, Observed, Processing};

use super::of;

pub(super) fn all() -> Vec<Seeded> {
    vec![
        of::<BelievesTheExitCode>(),
        of::<DoesNotWaitForThePhase>(),
        of::<WaitsForSidecars>(),
        of::<ForgetsSidecars>(),
        of::<AllowsAnyPriority>(),
        of::<BlamesTheNode>(),
        of::<LeavesSidecars>(),
    ]
}

/// The pod's own end counts before an exit code.
struct BelievesTheExitCode;

impl SeededBug for BelievesTheExitCode {
    type Of = Processing;
    const NAME: &'static str = "believes the exit code";
    const SCENARIO: &'static str = "the kubelet ends it and it exits with 0";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        if let Some(pod) = &mut observed.workload
            && let ContainerView::Ended { code: 0, .. } = pod.container
        {
            pod.phase = "Succeeded".into();
            (pod.verdict, pod.disrupted) = (None, None);
        }
    }
}

/// The phase is waited for after an exit code of 0.
struct DoesNotWaitForThePhase;

impl SeededBug for DoesNotWaitForThePhase {
    type Of = Processing;
    const NAME: &'static str = "does not wait for the phase";
    const SCENARIO: &'static str = "its phase comes after its exit code";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        if let Some(pod) = &mut observed.workload {
            pod.unconfirmed = Some(Timestamp::MIN);
        }
    }
}

/// An attempt is over when its program is.
struct WaitsForSidecars;

impl SeededBug for WaitsForSidecars {
    type Of = Processing;
    const NAME: &'static str = "waits for sidecars";
    const SCENARIO: &'static str = "a sidecar outlives it";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        if let Some(pod) = &mut observed.workload
            && pod.beside.values().any(|one| *one == Beside::Open)
            && matches!(pod.container, ContainerView::Ended { .. })
        {
            pod.container = ContainerView::Running { since: None };
        }
    }
}

/// What runs beside a program that has ended is ended too.
struct ForgetsSidecars;

impl SeededBug for ForgetsSidecars {
    type Of = Processing;
    const NAME: &'static str = "forgets sidecars";
    const SCENARIO: &'static str = "a sidecar outlives one that fails";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        if let Some(pod) = &mut observed.workload {
            pod.beside.clear();
        }
    }
}

/// A system priority needs the consent of the DataPlane.
struct AllowsAnyPriority;

impl SeededBug for AllowsAnyPriority {
    type Of = Processing;
    const NAME: &'static str = "allows any priority";
    const SCENARIO: &'static str = "a priority of the system";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        observed.system_priority = Some(true);
    }
}

/// A pod that used too much disk has itself to blame.
struct BlamesTheNode;

impl SeededBug for BlamesTheNode {
    type Of = Processing;
    const NAME: &'static str = "blames the node";
    const SCENARIO: &'static str = "it is evicted for its own scratch";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        if let Some(pod) = &mut observed.workload
            && let Some((_, message)) = &mut pod.verdict
        {
            "The node was low on resource: ephemeral-storage.".clone_into(message);
        }
    }
}

/// What still runs after a success is ended.
struct LeavesSidecars;

impl SeededBug for LeavesSidecars {
    type Of = Processing;
    const NAME: &'static str = "leaves sidecars";
    const SCENARIO: &'static str = "a sidecar outlives it";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        if decision.status.phase == Some(JobPhase::Succeeded) {
            decision.actions.retain(|a| !matches!(a, Action::Delete(t) if t.kind == "Pod"));
        }
    }
}
