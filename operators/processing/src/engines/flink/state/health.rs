//! A streaming job that runs: whether it is healthy, and what that means for its spec.

use std::time::Duration;

use millrace_crds::{
    Reason,
    engines::FlinkMode,
    processing_job::{Attempt, StopReason},
};
use millrace_kit::{conditions, later};

use super::{POLL_IDLE, keeps, mode, rescale, restore_points, savepoint};
use crate::{engines::flink::rest::FlinkView, job::attempt, pass::Pass, rollback};

/// How long a JobManager may be silent before that is told, and before it is given up.
const SILENT: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(600));

/// Looks after an attempt whose job has run; why it must stop, if it must.
pub(crate) fn check(pass: &mut Pass<'_>) -> Option<StopReason> {
    let attempt = attempt::live(&pass.status).filter(|a| a.flink.is_some()).cloned()?;
    pass.wake_at(later(pass.now, POLL_IDLE));
    let view = pass.seen.data.flink.clone()?;
    if let Some(since) = view.away.as_ref().map(|away| away.since.unwrap_or(pass.now)) {
        let (tell, give_up) = (later(since, SILENT.0), later(since, SILENT.1));
        if pass.now >= give_up {
            return Some(StopReason::Unreachable);
        }
        if pass.now >= tell {
            let why = view.away.map(|away| away.why).unwrap_or_default();
            say(pass, ("Unknown", Reason::FlinkUnreachable, &format!("Flink does not answer: {why}")));
        }
        return rollback::in_time(pass, &attempt);
    }
    if view.job.is_none() {
        return Some(StopReason::JobGone);
    }
    restore_points::note(pass, &attempt);
    rescale::learn(pass, &view);
    let attempt = attempt::live(&pass.status).cloned()?;
    if mode(pass) == FlinkMode::Streaming {
        match trouble(&view, &attempt) {
            None => healthy(pass, &attempt, &view),
            Some((reason, message)) => say(pass, ("False", reason, &message)),
        }
        if let Some(reason) = rollback::in_time(pass, &attempt) {
            return Some(reason);
        }
    }
    savepoint::now_and_then(pass, &attempt);
    None
}

fn trouble(view: &FlinkView, attempt: &Attempt) -> Option<(Reason, String)> {
    let job = view.job.as_ref()?;
    if job.state != "RUNNING" {
        let cause = view.exception.clone().unwrap_or_else(|| "Flink gives no cause".to_owned());
        return Some((Reason::FlinkJobFails, format!("the Flink job is {}: {cause}", job.state)));
    }
    if job.running + job.finished < job.tasks {
        let told = format!("{} of {} tasks run; the others wait for TaskManagers", job.running, job.tasks);
        return Some((Reason::WaitingForTaskManagers, told));
    }
    let saved = view.checkpoint.is_some() || view.savepoint.is_some();
    (keeps(attempt).is_some() && !saved).then(|| {
        (Reason::NoCheckpoint, "all tasks run; the first checkpoint of this attempt is not complete".to_owned())
    })
}

fn healthy(pass: &mut Pass<'_>, attempt: &Attempt, view: &FlinkView) {
    match rescale::behind(pass, attempt, view) {
        Some((reason, message)) => say(pass, ("True", reason, &message)),
        None => say(pass, ("True", Reason::Healthy, "all tasks run, and what state there is is saved")),
    }
    if keeps(attempt).is_some() {
        attempt::state_mut(&mut pass.status).healthy_hash.clone_from(&attempt.spec_hash);
    }
}

/// Causes name tasks, which change from one restart to the next: other words of one reason are told once a look.
fn say(pass: &mut Pass<'_>, what: (&str, Reason, &str)) {
    let same = conditions::get(&pass.status, "Healthy").is_some_and(|c| c.reason == what.1);
    if !same || pass.seen.data.look {
        conditions::set(&mut pass.status, "Healthy", what, pass.now);
    }
}
