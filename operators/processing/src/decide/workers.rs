//! The pods that the application asks for itself and that do not come: told while it runs with fewer than it cannot do
//! without, and the end when it has run with none for the whole deadline.
//!
//! Nothing is concluded from their absence alone: a driver that makes no session, or has closed it, has none by choice. So
//! something must say that they cannot come: one that waits, or the API server's answer to one more.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    Reason,
    processing_job::{Attempt, FailureClass},
};
use millrace_kit::{causes, conditions, later};

use crate::{
    job::{
        attempt,
        outcome::{Obstacle, Outcome},
    },
    looks,
    model::Workers,
    pass::{Pass, WORKERS_READY},
    seen::WorkersView,
};

/// Looks after the workers of an attempt whose own pod runs; the attempt's end, if it has run without any for too long.
pub(crate) fn check(pass: &mut Pass<'_>, attempt: &Attempt) -> Option<Outcome> {
    let (workers, view) = seen(pass)?;
    let now = pass.now;
    pass.wake_at(view.pace().next(view.since, now));
    let Some(obstacle) = obstacle(pass) else {
        came(pass, workers, &view);
        return None;
    };
    let since = missing_since(attempt, &view, now);
    if let Some(attempt) = attempt::live_mut(&mut pass.status) {
        attempt.workers_missing_since = since.map(Time);
    }
    let until = since.map(|since| later(since, pass.model.policy.workers));
    if until.is_some_and(|until| now >= until) {
        let message =
            format!("none of the {} has run within deadlines.workers: {}", workers.name, obstacle.trouble.message);
        return Some(Outcome::failed(obstacle.class, message));
    }
    if let Some(until) = until {
        pass.wake_at(until);
    }
    let what = ("False", &obstacle.trouble.reason, obstacle.trouble.message.as_str());
    conditions::set(&mut pass.status, WORKERS_READY, what, now);
    None
}

/// Since when there is none, if that is a fault: one that waits proves it, and a refusal as long as none has ever been there.
fn missing_since(attempt: &Attempt, view: &WorkersView, now: jiff::Timestamp) -> Option<jiff::Timestamp> {
    if view.running > 0 {
        return None;
    }
    let stored = attempt.workers_missing_since.as_ref().map(|t| t.0);
    let new = if view.never { Some(view.since) } else { view.waiting.as_ref().map(|_| now) };
    stored.or(new)
}

/// They are all there, or nothing says that they cannot come.
fn came(pass: &mut Pass<'_>, workers: Workers, view: &WorkersView) {
    if let Some(attempt) = attempt::live_mut(&mut pass.status) {
        attempt.workers_missing_since = None;
    }
    if conditions::get(&pass.status, WORKERS_READY).is_none() {
        return;
    }
    if view.running == 0 {
        return conditions::unset(&mut pass.status, WORKERS_READY);
    }
    let told = format!("{} {} run", view.running, workers.name);
    conditions::set(&mut pass.status, WORKERS_READY, ("True", Reason::WorkersRun, &told), pass.now);
}

fn seen(pass: &Pass<'_>) -> Option<(Workers, WorkersView)> {
    let workers = pass.model.work.as_ref().ok()?.section.workers()?;
    Some((workers, pass.seen.data.workers.clone()?))
}

/// Why they do not come, once that has lasted a while.
pub(crate) fn obstacle(pass: &Pass<'_>) -> Option<Obstacle> {
    let (workers, view) = seen(pass)?;
    if pass.now < later(view.since, looks::TELL) {
        return None;
    }
    let said = match (&view.waiting, &view.refused) {
        (Some(one), _) => {
            let cause = causes::of(&one.reason, &one.message)?;
            Obstacle::of(cause, &format!("Pod {}", one.pod))
        }
        (None, Some(answer)) => match causes::of("Forbidden", answer) {
            Some(cause) => Obstacle::of(cause, "another worker"),
            None => Obstacle::new(
                FailureClass::Configuration,
                Reason::Refused,
                format!("another worker is refused: {answer}"),
            ),
        },
        (None, None) => return None,
    };
    let counts = format!("{} of {} {} run", view.running, workers.wanted.max(view.running), workers.name);
    Some(said.after(&counts))
}
