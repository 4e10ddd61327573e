//! A pass over a ModelRegistry as it grows: what each part of it says, and what is decided so far.

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::{ModelRegistry, ModelRegistryStatus, ReasonText};
use millrace_kit::{Action, Decision, Seen, Standing, Wait, conditions, wait};

use super::{effect::RegistryEffect, seen::Observed, spec::Plan};
use crate::pods::Trouble;

/// How long a part may take before a person is asked to look.
const STALL_AFTER: Duration = Duration::from_secs(600);

/// Conditions of this kind, in the order in which they become true.
pub(super) const DATA: &str = "DataReady";
pub(super) const SCHEMA: &str = "DatabaseMigrated";
pub(super) const SERVER: &str = "ServerAvailable";
pub(super) const CURRENT: &str = "UpToDate";

/// How one part stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) ok: bool,
    pub(super) reason: ReasonText,
    pub(super) message: String,
    /// A person must act: waiting does not help.
    pub(super) terminal: bool,
}

impl Part {
    pub(super) fn ok(reason: impl Into<ReasonText>, message: impl Into<String>) -> Self {
        Self { ok: true, reason: reason.into(), message: message.into(), terminal: false }
    }

    pub(super) fn waits(reason: impl Into<ReasonText>, message: impl Into<String>) -> Self {
        Self { ok: false, reason: reason.into(), message: message.into(), terminal: false }
    }

    pub(super) fn terminal(reason: impl Into<ReasonText>, message: impl Into<String>) -> Self {
        Self { terminal: true, ..Self::waits(reason, message) }
    }
}

/// The parts that are judged before the server, in their order.
pub(super) struct Before {
    pub(super) secrets: Part,
    pub(super) data: Part,
    pub(super) login: Part,
    pub(super) schema: Part,
}

/// A pass as it grows.
pub(super) struct Pass<'a> {
    pub(super) registry: &'a ModelRegistry,
    pub(super) seen: &'a Seen<Observed>,
    pub(super) plan: Plan,
    pub(super) now: Timestamp,
    pub(super) decision: Decision<ModelRegistryStatus, RegistryEffect>,
}

impl Pass<'_> {
    pub(super) fn act(&mut self, action: Action<RegistryEffect>) {
        self.decision.actions.push(action);
    }

    pub(super) const fn status(&mut self) -> &mut ModelRegistryStatus {
        &mut self.decision.status
    }

    /// Wakes at `at`, or earlier if already asked.
    pub(super) fn wake(&mut self, at: Timestamp) {
        self.decision.wake = self.decision.wake.into_iter().chain([at]).min();
    }

    /// Waits for a trouble to go; what the condition says already of the same cause is not worded anew.
    pub(super) fn tell(&self, kind: &str, trouble: &Trouble, message: String) -> Part {
        let said = conditions::get(&self.decision.status, kind).filter(|c| trouble.told_by(&c.reason, &c.message));
        Part::waits(&trouble.reason, said.map_or(message, |c| c.message.clone()))
    }

    /// Waiting, for a time; then a person is asked.
    pub(super) fn waits(&mut self, kind: &str, part: Part) -> Standing {
        if part.terminal {
            return Standing::stalled(part.reason, part.message);
        }
        let since = wait::since(&self.decision.status, kind, "False", self.now);
        let wait = Wait::new(part.reason, part.message, since, STALL_AFTER);
        if let Some(at) = wait.wake(self.now) {
            self.wake(at);
        }
        wait.standing(self.now)
    }
}
