//! What can go wrong, classified once.
//!
//! Owns the one table from failure class to condition, event, metric label and backoff. No other file of the
//! workspace decides how long to wait after an error or whether a person should hear of it.

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::ReasonText;
use serde::{Deserialize, Serialize};
use strum::{EnumIter, IntoStaticStr};

/// Who has to act, and so what the kernel does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, EnumIter, IntoStaticStr)]
pub enum Class {
    /// The user's input cannot work; retrying the same input is pointless.
    Invalid,
    /// Something that is expected to happen has not happened yet.
    Waiting,
    /// A fault of the environment that usually passes: time-outs, 429, 5xx, a broker that is away.
    Transient,
    /// The operator lacks a right; an administrator must act.
    Forbidden,
    /// A broken assumption of ours.
    Internal,
}

/// The consequences of a [`Class`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether the object is `Stalled` (a person must act) rather than `Reconciling`.
    pub stalled: bool,
    /// Whether a Warning event tells of it.
    pub event: bool,
    /// First wait before the action is tried again.
    pub base: Duration,
    /// Longest wait.
    pub max: Duration,
}

impl Class {
    /// The one table.
    #[must_use]
    pub const fn policy(self) -> Policy {
        let (stalled, event, base_ms, max_s) = match self {
            // Only a new spec helps, and that wakes us by itself; the slow retry covers rules outside the object.
            Self::Invalid => (true, true, 30_000, 600),
            Self::Waiting => (false, false, 500, 15),
            Self::Transient => (false, false, 500, 30),
            Self::Forbidden => (false, true, 5_000, 60),
            Self::Internal => (false, true, 5_000, 300),
        };
        Policy { stalled, event, base: Duration::from_millis(base_ms), max: Duration::from_secs(max_s) }
    }

    /// The wait before try number `count + 1`, doubling from the class's base to its maximum.
    #[must_use]
    pub fn backoff(self, count: u32) -> Duration {
        let policy = self.policy();
        policy.base.saturating_mul(2_u32.saturating_pow(count.saturating_sub(1))).min(policy.max)
    }
}

/// One failed call: class, a stable reason, a message for people, and the HTTP status if the API server said one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct Failure {
    /// Who has to act.
    pub class: Class,
    /// Stable PascalCase word: event reason and metric label.
    pub reason: ReasonText,
    /// What is wrong, where, and what to do.
    pub message: String,
    /// HTTP status of the API server's answer, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Failure {
    /// A failure without an HTTP status.
    #[must_use]
    pub fn new(class: Class, reason: impl Into<ReasonText>, message: impl Into<String>) -> Self {
        Self { class, reason: reason.into(), message: message.into(), status: None }
    }

    /// The API server's answer `status`, classified.
    #[must_use]
    pub fn http(status: u16, word: impl Into<String>, message: impl Into<String>) -> Self {
        let class = match status {
            401 | 403 => Class::Forbidden,
            400 | 405 | 415 => Class::Internal,
            404 | 409 => Class::Waiting,
            422 => Class::Invalid,
            _ => Class::Transient,
        };
        Self { class, reason: ReasonText::as_given(word), message: message.into(), status: Some(status) }
    }

    /// Whether the answer was "409 Conflict" or "409 AlreadyExists".
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.status == Some(409)
    }

    /// Whether the answer was "404 Not Found".
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status == Some(404)
    }
}

/// The last failure of one action of one object, kept in memory and handed to `decide`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastFailure {
    /// The action's id, as in `create Pod ml/train-1-x` or an effect's own id.
    pub action: String,
    /// What happened last.
    pub failure: Failure,
    /// How many times in a row.
    pub count: u32,
    /// When the row began.
    pub since: Timestamp,
}

/// The failures an object has at present, newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Failures(pub Vec<LastFailure>);

impl Failures {
    /// The newest failure, if any.
    #[must_use]
    pub fn latest(&self) -> Option<&LastFailure> {
        self.0.last()
    }

    /// The failure of the action with this id.
    #[must_use]
    pub fn of(&self, action: &str) -> Option<&LastFailure> {
        self.0.iter().find(|f| f.action == action)
    }

    /// Records one more failure of `action`; the row's start is kept while the reason stays the same.
    pub fn record(&mut self, action: &str, failure: Failure, now: Timestamp) -> u32 {
        let (count, since) = match self.0.iter().position(|f| f.action == action) {
            Some(at) => {
                let old = self.0.remove(at);
                (old.count.saturating_add(1), if old.failure.reason == failure.reason { old.since } else { now })
            }
            None => (1, now),
        };
        self.0.push(LastFailure { action: action.to_owned(), failure, count, since });
        count
    }

    /// Forgets the failures of `action`, which has just succeeded.
    pub fn clear(&mut self, action: &str) {
        self.0.retain(|f| f.action != action);
    }
}
