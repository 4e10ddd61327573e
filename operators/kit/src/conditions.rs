//! The status contract: `Ready`, `Reconciling`, `Stalled` as kstatus reads them, and domain conditions beside them.
//!
//! Owns condition lists. Never decides what is true; it keeps the three standard conditions consistent and the
//! transition times honest.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use millrace_crds::{HasConditions, Reason, ReasonText};

/// Longest condition message, in bytes; longer ones are cut at a character border.
pub const MAX_MESSAGE: usize = 2_048;

/// How the object stands towards its spec: the three standard conditions in one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Done: Ready True, no Reconciling, no Stalled.
    Ready {
        /// Stable PascalCase word.
        reason: ReasonText,
        /// What is so, where, and what to do.
        message: String,
    },
    /// On its way: Ready False, Reconciling True.
    Progressing {
        /// Stable PascalCase word.
        reason: ReasonText,
        /// What is so, where, and what to do.
        message: String,
    },
    /// A person must act: Ready False, Stalled True.
    Stalled {
        /// Stable PascalCase word.
        reason: ReasonText,
        /// What is so, where, and what to do.
        message: String,
    },
}

impl Standing {
    /// Ready True with a reason.
    #[must_use]
    pub fn ready(reason: impl Into<ReasonText>, message: impl Into<String>) -> Self {
        Self::Ready { reason: reason.into(), message: message.into() }
    }

    /// Ready False, Reconciling True with a reason.
    #[must_use]
    pub fn progressing(reason: impl Into<ReasonText>, message: impl Into<String>) -> Self {
        Self::Progressing { reason: reason.into(), message: message.into() }
    }

    /// Ready False, Stalled True with a reason.
    #[must_use]
    pub fn stalled(reason: impl Into<ReasonText>, message: impl Into<String>) -> Self {
        Self::Stalled { reason: reason.into(), message: message.into() }
    }

    /// The standing that a failure's class asks for.
    #[must_use]
    pub fn failed(failure: &crate::Failure) -> Self {
        if failure.class.policy().stalled {
            Self::stalled(&failure.reason, &failure.message)
        } else {
            Self::progressing(&failure.reason, &failure.message)
        }
    }
}

/// Writes the three standard conditions into `status`.
pub fn stand<S: HasConditions>(status: &mut S, standing: &Standing, now: Timestamp) {
    match standing {
        Standing::Ready { reason, message } => {
            set(status, "Ready", ("True", reason, message), now);
            unset(status, "Reconciling");
            unset(status, "Stalled");
        }
        Standing::Progressing { reason, message } => {
            set(status, "Ready", ("False", reason, message), now);
            set(status, "Reconciling", ("True", reason, message), now);
            unset(status, "Stalled");
        }
        Standing::Stalled { reason, message } => {
            set(status, "Ready", ("False", reason, message), now);
            unset(status, "Reconciling");
            set(status, "Stalled", ("True", reason, message), now);
        }
    }
}

/// Sets one condition to `(status, reason, message)`; `lastTransitionTime` moves only when the status flips.
pub fn set<S: HasConditions>(status: &mut S, kind: &str, value: (&str, impl Into<ReasonText>, &str), now: Timestamp) {
    let (flag, reason, message) = value;
    let reason = String::from(reason.into());
    let message = cut(message, MAX_MESSAGE);
    let list = status.conditions_mut();
    if let Some(old) = list.iter_mut().find(|c| c.type_ == kind) {
        if old.status != flag {
            old.last_transition_time = Time(now);
            flag.clone_into(&mut old.status);
        }
        old.reason = reason;
        message.clone_into(&mut old.message);
    } else {
        list.push(Condition {
            type_: kind.to_owned(),
            status: flag.to_owned(),
            reason,
            message: message.to_owned(),
            last_transition_time: Time(now),
            observed_generation: None,
        });
    }
}

/// Removes a condition.
pub fn unset<S: HasConditions>(status: &mut S, kind: &str) {
    status.conditions_mut().retain(|c| c.type_ != kind);
}

/// The condition of this type.
#[must_use]
pub fn get<'a, S: HasConditions>(status: &'a S, kind: &str) -> Option<&'a Condition> {
    status.conditions().iter().find(|c| c.type_ == kind)
}

/// The reason of the condition of this type, if it is one of ours.
#[must_use]
pub fn reason<S: HasConditions>(status: &S, kind: &str) -> Option<Reason> {
    get(status, kind)?.reason.parse().ok()
}

/// Whether the condition is there and True.
#[must_use]
pub fn is_true<S: HasConditions>(status: &S, kind: &str) -> bool {
    get(status, kind).is_some_and(|c| c.status == "True")
}

/// Whether the object is Ready at this generation.
#[must_use]
pub fn is_ready<S: HasConditions>(status: &S, generation: i64) -> bool {
    status.observed_generation() == generation && is_true(status, "Ready")
}

/// `text` cut to at most `max` bytes at a character border.
#[must_use]
pub fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
