//! A streaming job that runs: whether it is healthy, and what that means for its spec.

use std::time::Duration;

use millrace_crds::{engines::FlinkMode, processing_job::Attempt};
use millrace_kit::{conditions, later};

use super::{JOB_GONE, NOW_AND_THEN, Pass, UNREACHABLE, keeps, mode, points, rescale, rollback, savepoint, state_mut};
use crate::{decide::supervise::ask_to_stop, rest::FlinkView, status};

/// How long a JobManager may be silent before that is told, and before it is given up.
const SILENT: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(600));

/// Looks after an attempt whose job has run.
pub(crate) fn check(pass: &mut Pass<'_>) {
    let Some(attempt) = status::live(&pass.status).filter(|a| a.flink.is_some()).cloned() else { return };
    pass.wake_at(later(pass.now, NOW_AND_THEN));
    let Some(view) = pass.seen.data.flink.clone() else { return };
    if let Some(since) = view.away.as_ref().map(|away| away.since.unwrap_or(pass.now)) {
        let (tell, give_up) = (later(since, SILENT.0), later(since, SILENT.1));
        if pass.now >= give_up {
            return ask_to_stop(pass, UNREACHABLE, true);
        }
        if pass.now >= tell {
            let why = view.away.map(|away| away.why).unwrap_or_default();
            say(pass, ("Unknown", "FlinkUnreachable", &format!("Flink does not answer: {why}")));
        }
        return rollback::in_time(pass, &attempt);
    }
    if view.job.is_none() {
        return ask_to_stop(pass, JOB_GONE, true);
    }
    points::note(pass, &attempt);
    rescale::learn(pass, &view);
    let Some(attempt) = status::live(&pass.status).cloned() else { return };
    if mode(pass) == FlinkMode::Streaming {
        match trouble(&view, &attempt) {
            None => healthy(pass, &attempt, &view),
            Some((reason, message)) => say(pass, ("False", reason, &message)),
        }
        rollback::in_time(pass, &attempt);
    }
    if status::live(&pass.status).is_some_and(|a| a.stop_reason.is_none()) {
        savepoint::now_and_then(pass, &attempt);
    }
}

fn trouble(view: &FlinkView, attempt: &Attempt) -> Option<(&'static str, String)> {
    let job = view.job.as_ref()?;
    if job.state != "RUNNING" {
        let cause = view.exception.clone().unwrap_or_else(|| "Flink gives no cause".to_owned());
        return Some(("FlinkJobFails", format!("the Flink job is {}: {cause}", job.state)));
    }
    if job.running + job.finished < job.tasks {
        let told = format!("{} of {} tasks run; the others wait for TaskManagers", job.running, job.tasks);
        return Some(("WaitingForTaskManagers", told));
    }
    let saved = view.checkpoint.is_some() || view.savepoint.is_some();
    (keeps(attempt).is_some() && !saved)
        .then(|| ("NoCheckpoint", "all tasks run; the first checkpoint of this attempt is not complete".to_owned()))
}

fn healthy(pass: &mut Pass<'_>, attempt: &Attempt, view: &FlinkView) {
    match rescale::behind(pass, attempt, view) {
        Some((reason, message)) => say(pass, ("True", reason, &message)),
        None => say(pass, ("True", "Healthy", "all tasks run, and what state there is is saved")),
    }
    if keeps(attempt).is_some() {
        state_mut(&mut pass.status).healthy_hash.clone_from(&attempt.spec_hash);
    }
}

/// Causes name tasks, which change from one restart to the next: other words of one reason are told once a look.
fn say(pass: &mut Pass<'_>, what: (&str, &str, &str)) {
    let same = conditions::get(&pass.status, "Healthy").is_some_and(|c| c.reason == what.1);
    if !same || pass.seen.data.look {
        conditions::set(&mut pass.status, "Healthy", what, pass.now);
    }
}
