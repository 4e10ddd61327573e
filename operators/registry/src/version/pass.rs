//! What each part of a version's decision ends with.

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::{ModelVersionStatus, Reason};
use millrace_kit::{Action, Decision, Standing, Wait, conditions, wait};

use super::{
    effect::{Call, VersionEffect},
    seen::Observed,
};

/// How long a wait may take before a person is asked to look.
pub(super) const STALL_AFTER: Duration = Duration::from_secs(600);

/// What one pass decides.
pub(super) type VersionDecision = Decision<ModelVersionStatus, VersionEffect>;

/// A status, and how the object stands by it.
pub(super) fn stand(mut status: ModelVersionStatus, standing: &Standing, now: Timestamp) -> VersionDecision {
    conditions::stand(&mut status, standing, now);
    Decision::of(status)
}

/// Waiting since the object is not Ready, for a time; then a person is asked.
pub(super) fn not_ready(status: &ModelVersionStatus, reason: Reason, message: String, now: Timestamp) -> Wait {
    Wait::new(reason, message, wait::since(status, "Ready", "False", now), STALL_AFTER)
}

/// Says what is waited for, and wakes at the end of it.
pub(super) fn waits(status: ModelVersionStatus, wait: &Wait, now: Timestamp) -> VersionDecision {
    let decision = stand(status, &wait.standing(now), now);
    match wait.wake(now) {
        Some(at) => decision.wake_at(at),
        None => decision,
    }
}

/// A call to the server that was seen.
pub(super) fn call(seen: &Observed, call: Call) -> Action<VersionEffect> {
    let server = seen.registry.as_ref().map(|registry| registry.server.clone()).unwrap_or_default();
    Action::Effect(VersionEffect { server, call })
}
