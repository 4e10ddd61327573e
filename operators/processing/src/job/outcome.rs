//! How an attempt ended, and what keeps one from its work.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use millrace_crds::{
    Reason, ReasonText,
    processing_job::{AttemptResult, FailureClass, StopReason},
};
use millrace_kit::{Cause, Fault};

use super::results::Results;

/// How an attempt ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub result: AttemptResult,
    pub class: Option<FailureClass>,
    pub message: String,
    pub exit_code: Option<i32>,
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    pub results: Results,
    /// Whether it was the workers, not the pod itself, whose memory was too little.
    pub workers: bool,
}

impl Outcome {
    /// A failure of this class.
    pub(crate) fn failed(class: FailureClass, message: impl Into<String>) -> Self {
        Self { result: AttemptResult::Failed, class: Some(class), message: message.into(), ..Self::default() }
    }

    /// Stopped on request.
    pub(crate) fn stopped(why: StopReason) -> Self {
        let class = Some(FailureClass::Cancelled);
        Self { result: AttemptResult::Stopped, class, message: format!("stopped: {why:?}"), ..Self::default() }
    }
}

/// Why the live attempt does not run yet, in one word and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// One word.
    pub reason: ReasonText,
    /// What is wrong, where, and what to do.
    pub message: String,
}

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
    pub(crate) fn new(class: FailureClass, reason: Reason, message: String) -> Self {
        Self { trouble: Trouble { reason: reason.into(), message }, class, same: Same::Words }
    }

    /// The same cause as long as the reason is the same.
    pub(crate) fn restless(self) -> Self {
        Self { same: Same::Reason, ..self }
    }

    /// What Kubernetes says of a thing.
    pub(crate) fn of(cause: Cause, subject: &str) -> Self {
        let trouble = Trouble { reason: cause.reason.into(), message: cause.message(subject) };
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
