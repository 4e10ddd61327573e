//! Why an attempt does not start yet: what its pod, its Events, its grant or the API server say, as one obstacle with the
//! class of failure that it becomes at the deadline. What the words of Kubernetes mean stands in [`millrace_kit::causes`].

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use millrace_crds::processing_job::FailureClass;
use millrace_kit::{
    Cause, Fault,
    causes::{self, Source},
    later,
};

use crate::{
    observe::{ContainerView, GrantView, PodView},
    status::Trouble,
};

/// A warning that was not repeated for so long is over: the kubelet and the scheduler try again at least every five minutes.
const OVER: Duration = Duration::from_secs(330);

/// What holds up the start: reason and message for the status, and the class if the start deadline passes over it.
pub(crate) struct Obstacle {
    pub trouble: Trouble,
    pub class: FailureClass,
    same: Same,
}

/// What makes two wordings one cause.
enum Same {
    /// The words: others are another cause.
    Words,
    /// The reason: the words name numbers and tasks, which change all the time.
    Reason,
    /// What the words mean.
    Cause(Cause),
}

impl Obstacle {
    /// One whose words stand for it.
    pub(crate) fn new(class: FailureClass, reason: &str, message: String) -> Self {
        Self { trouble: Trouble { reason: reason.to_owned(), message }, class, same: Same::Words }
    }

    /// The same cause as long as the reason is the same.
    pub(crate) fn restless(self) -> Self {
        Self { same: Same::Reason, ..self }
    }

    /// What Kubernetes says of a thing.
    pub(crate) fn of(cause: Cause, subject: &str) -> Self {
        let trouble = Trouble { reason: cause.reason.to_owned(), message: cause.message(subject) };
        Self { trouble, class: class(cause.fault), same: Same::Cause(cause) }
    }

    /// The same behind other words.
    pub(crate) fn after(mut self, front: &str) -> Self {
        self.trouble.message = format!("{front}: {}", self.trouble.message);
        self
    }

    /// Whether this condition says it already, perhaps in other words.
    pub(crate) fn told_by(&self, told: &Condition) -> bool {
        match &self.same {
            Same::Words => told.reason == self.trouble.reason && told.message == self.trouble.message,
            Same::Reason => told.reason == self.trouble.reason,
            Same::Cause(cause) => cause.told_by(&told.reason, &told.message),
        }
    }

    /// Whether its words say less than those before them.
    pub(crate) fn echo(&self) -> bool {
        matches!(&self.same, Same::Cause(cause) if cause.echo)
    }
}

/// The class of failure of a fault.
pub(crate) const fn class(fault: Fault) -> FailureClass {
    match fault {
        Fault::Spec => FailureClass::Configuration,
        Fault::Image => FailureClass::Image,
        Fault::Capacity => FailureClass::Capacity,
        Fault::Cluster => FailureClass::Infrastructure,
    }
}

/// What a pod that does not run yet waits for, if anything says it: its own status first, its Events where that is silent or
/// only repeats itself.
pub(crate) fn pod(pod: &PodView, now: Timestamp) -> Option<Obstacle> {
    let own = status_of(pod);
    let cause = match own.filter(|cause| !cause.echo) {
        Some(cause) => Some(cause),
        None => warned(pod, now).filter(|cause| !cause.echo).or_else(|| status_of(pod)).or_else(|| warned(pod, now)),
    };
    Some(Obstacle::of(cause?, &format!("Pod {}", pod.name)))
}

/// Whether its Events may say more than its status.
pub(crate) fn is_silent(pod: &PodView) -> bool {
    status_of(pod).is_none_or(|cause| cause.echo)
}

/// What its status says.
fn status_of(pod: &PodView) -> Option<Cause> {
    if let Some((reason, message)) = &pod.unscheduled {
        return causes::of(reason, message).or_else(|| causes::of("Unschedulable", message));
    }
    let ContainerView::Waiting { reason, message } = &pod.container else { return None };
    causes::of(reason, message)
}

/// What its Events say that is not over.
fn warned(pod: &PodView, now: Timestamp) -> Option<Cause> {
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
    Some(Obstacle::new(class, "DataNotReady", format!("DataGrant {name} is not ready ({reason}): {message}")))
}
