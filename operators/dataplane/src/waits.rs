//! How an object stands that waits: `Reconciling` until a deadline, then `Stalled` with the same words, until the cause changes
//! or what is waited for comes.
//!
//! The one place where a DataPlane, a topic, a bucket or a grant says that it is not ready yet, so that none of them waits without an end.

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::HasConditions;
use millrace_kit::{Standing, Wait, conditions, wait};

/// How long a DataPlane, a topic or a bucket may wait for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(600);

/// Writes the standing; where it is a wait, returns when its deadline passes.
pub(crate) fn stand<S: HasConditions>(
    status: &mut S,
    standing: &Standing,
    limit: Duration,
    now: Timestamp,
) -> Option<Timestamp> {
    let Standing::Progressing { reason, message } = standing else {
        conditions::stand(status, standing, now);
        return None;
    };
    // A wait that has run out is Stalled with its reason. Another reason is another wait.
    let over = conditions::get(status, "Stalled").is_some_and(|c| c.status == "True" && c.reason == *reason);
    let since = if over { Timestamp::MIN } else { wait::since(status, "Reconciling", "True", now) };
    let wait = Wait::new(reason, message, since, limit);
    conditions::stand(status, &wait.standing(now), now);
    wait.wake(now)
}

#[cfg(test)]
#[path = "tests/waits.rs"]
mod tests;
