//! Why an attempt does not start yet: what its pod, its Events, its grant or the API server say, as one obstacle with the
//! class of failure that it becomes at the deadline. What the words of Kubernetes mean stands in [`millrace_kit::causes`].

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::{Reason, processing_job::FailureClass};
use millrace_kit::{
    Cause,
    causes::{self, Source},
    later,
};

use crate::{
    job::outcome::Obstacle,
    seen::{ContainerView, GrantView, WorkloadView},
};

/// A warning that was not repeated for so long is over: the kubelet and the scheduler try again at least every five minutes.
const OVER: Duration = Duration::from_secs(330);

/// What a pod that does not run yet waits for, if anything says it: its own status first, its Events where that is silent or
/// only repeats itself.
pub(crate) fn pod(pod: &WorkloadView, now: Timestamp) -> Option<Obstacle> {
    let own = status_of(pod);
    let cause = match own.filter(|cause| !cause.echo) {
        Some(cause) => Some(cause),
        None => warned(pod, now).filter(|cause| !cause.echo).or_else(|| status_of(pod)).or_else(|| warned(pod, now)),
    };
    Some(Obstacle::of(cause?, &format!("Pod {}", pod.name)))
}

/// Whether its Events may say more than its status.
pub(crate) fn is_silent(pod: &WorkloadView) -> bool {
    status_of(pod).is_none_or(|cause| cause.echo)
}

/// What its status says.
fn status_of(pod: &WorkloadView) -> Option<Cause> {
    if let Some((reason, message)) = &pod.unscheduled {
        return causes::of(reason, message).or_else(|| causes::of("Unschedulable", message));
    }
    let ContainerView::Waiting { reason, message } = &pod.container else { return None };
    causes::of(reason, message)
}

/// What its Events say that is not over.
fn warned(pod: &WorkloadView, now: Timestamp) -> Option<Cause> {
    let over = |source: Source| match source {
        Source::Gate | Source::Scheduler | Source::Refusal => pod.node.is_some(),
        Source::Volume | Source::Sandbox => pod.sandboxed,
        Source::Image | Source::Container => false,
    };
    let fresh = pod.warnings.iter().filter(|w| w.last.is_none_or(|last| later(last, OVER) > now));
    let stands = fresh.filter(|w| causes::of(&w.reason, &w.message).is_some_and(|cause| !over(cause.source)));
    causes::newest(&stands.cloned().collect::<Vec<_>>())
}

/// What a grant that is not ready says, once it says anything.
pub(crate) fn grant(name: &str, grant: &GrantView) -> Option<Obstacle> {
    let (reason, message) = grant.said.as_ref().filter(|_| !grant.ready)?;
    let class = if grant.stalled { FailureClass::Configuration } else { FailureClass::Dependency };
    Some(Obstacle::new(class, Reason::DataNotReady, format!("DataGrant {name} is not ready ({reason}): {message}")))
}
