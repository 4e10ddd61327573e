//! How a run is told: one line of progress, and how it ends.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    MLPipelineRunStatus, Reason,
    ml_pipeline_run::{RunPhase, StepPhase, StepStatus},
};
use millrace_kit::{Standing, Wait, conditions, later, wait::spoken};

use crate::verbs::child_state::Cause;

/// How long something may take that others do, before the run says so or ends.
pub(super) const STALL_AFTER: Duration = Duration::from_secs(600);
/// Longest message of a step, in bytes; the schema says the same.
pub(super) const MAX_MESSAGE: usize = 1_024;
/// Longest progress line, in bytes; the schema says the same.
const MAX_PROGRESS: usize = 256;

/// What a run waits for before its first step.
pub(super) struct Waiting {
    pub(super) reason: Reason,
    /// How it is.
    pub(super) message: String,
    /// When the run starts, after "when".
    pub(super) until: &'static str,
    pub(super) limit: Duration,
}

/// Whether a step will not change any more.
pub(super) fn ended(phase: StepPhase) -> bool {
    matches!(phase, StepPhase::Succeeded | StepPhase::Failed | StepPhase::Skipped)
}

/// `1/3 train running (attempt 2), register waiting`: how many steps are through, then whatever is worth a word.
pub(super) fn progress(steps: &[StepStatus]) -> String {
    let through = steps.iter().filter(|s| matches!(s.phase, StepPhase::Succeeded | StepPhase::Skipped)).count();
    let word = |step: &StepStatus| {
        let reason = step.reason.as_deref().map_or_else(String::new, |r| format!(" ({r})"));
        match step.phase {
            StepPhase::Running if step.stopping_at.is_some() => Some(format!("{} stopping{reason}", step.name)),
            StepPhase::Running => {
                let attempt = step.attempt.filter(|n| *n > 1).map(|n| format!("attempt {n}"));
                let notes: Vec<String> = attempt.into_iter().chain(step.reason.clone()).collect();
                let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
                Some(format!("{} running{notes}", step.name))
            }
            StepPhase::Failed => Some(format!("{} failed{reason}", step.name)),
            StepPhase::Skipped => Some(format!("{} skipped{reason}", step.name)),
            _ => None,
        }
    };
    let words: Vec<String> = steps.iter().filter_map(word).collect();
    let line = format!("{through}/{} {}", steps.len(), words.join(", "));
    conditions::cut(line.trim_end(), MAX_PROGRESS).to_owned()
}

/// Waiting to start: for a time, then it has failed.
pub(super) fn wait(status: &mut MLPipelineRunStatus, what: &Waiting, now: Timestamp) -> Option<Timestamp> {
    let same = conditions::get(status, "Ready").is_some_and(|c| c.reason == what.reason);
    let since = status.waiting_since.take().filter(|_| same).unwrap_or(Time(now));
    let wait = Wait::new(what.reason, &what.message, since.0, what.limit);
    if wait.over(now) {
        let told = format!("{}; create another run when {}", wait.overdue(), what.until);
        refuse(status, &Cause::new(what.reason, told), now);
        return None;
    }
    let limit = spoken(what.limit);
    let told = format!("{}; the run starts when {}, and fails if that takes {limit}", what.message, what.until);
    status.waiting_since = Some(since);
    status.phase = Some(RunPhase::Pending);
    conditions::set(status, "Succeeded", ("Unknown", what.reason, &told), now);
    conditions::stand(status, &Standing::progressing(what.reason, told), now);
    wait.wake(now)
}

/// Refused before its first step.
pub(super) fn refuse(status: &mut MLPipelineRunStatus, cause: &Cause, now: Timestamp) {
    let (reason, message) = (&cause.reason, cause.message.as_str());
    status.phase = Some(RunPhase::Failed);
    status.waiting_since = None;
    status.finished_at = Some(Time(now));
    conditions::set(status, "Succeeded", ("False", reason, message), now);
    conditions::stand(status, &Standing::stalled(reason, message), now);
}

/// Goes on, or has ended: both follow from the steps.
pub(super) fn go(status: &mut MLPipelineRunStatus, now: Timestamp) {
    let progress = progress(&status.steps);
    let ready = Standing::ready(Reason::Started, "the run has started; the condition Succeeded says how it ends");
    conditions::stand(status, &ready, now);
    status.waiting_since = None;
    if !status.steps.iter().all(|s| ended(s.phase)) {
        status.phase = Some(RunPhase::Running);
        let message = format!("{progress}{}", troubles(&status.steps, now));
        conditions::set(status, "Succeeded", ("Unknown", Reason::Running, &message), now);
    } else {
        status.finished_at = Some(Time(now));
        let (phase, flag, reason, message) = end(&status.steps);
        status.phase = Some(phase);
        conditions::set(status, "Succeeded", (flag, reason, &message), now);
    }
    status.progress = Some(progress);
}

/// What holds up the steps that run, for people.
fn troubles(steps: &[StepStatus], now: Timestamp) -> String {
    let trouble = |step: &StepStatus| {
        let message = step.message.as_ref()?;
        let late = |since: &Time| now >= later(since.0, STALL_AFTER);
        let late = step.stopping_at.as_ref().filter(|since| late(since)).map_or_else(String::new, |_| {
            let child = step.child.as_ref().map(|child| child.name.as_str()).unwrap_or_default();
            format!(
                "; {child}, which it made, is still being deleted after {}: see its finalizers",
                spoken(STALL_AFTER)
            )
        });
        Some(format!("; {}: {message}{late}", step.name))
    };
    steps.iter().filter(|s| s.phase == StepPhase::Running).filter_map(trouble).collect()
}

fn end(steps: &[StepStatus]) -> (RunPhase, &'static str, Reason, String) {
    let of = |phase: StepPhase| steps.iter().filter(move |s| s.phase == phase);
    let told = |step: &StepStatus| {
        let reason = step.reason.as_deref().unwrap_or("Unknown");
        let attempt = step.attempt.map_or_else(String::new, |n| format!(", attempt {n}"));
        format!("{} ({reason}{attempt}): {}", step.name, step.message.as_deref().unwrap_or_default())
    };
    let mut failed = of(StepPhase::Failed);
    if let Some(first) = failed.next() {
        let more: Vec<&str> = failed.map(|s| s.name.as_str()).collect();
        let more = if more.is_empty() { String::new() } else { format!("; also failed: {}", more.join(", ")) };
        let skipped: Vec<&str> = of(StepPhase::Skipped).map(|s| s.name.as_str()).collect();
        let skipped = if skipped.is_empty() { String::new() } else { format!("; skipped: {}", skipped.join(", ")) };
        return (RunPhase::Failed, "False", Reason::StepFailed, format!("step {}{more}{skipped}", told(first)));
    }
    let skipped: Vec<String> = of(StepPhase::Skipped).map(told).collect();
    if skipped.is_empty() {
        return (RunPhase::Succeeded, "True", Reason::Succeeded, format!("all {} steps succeeded", steps.len()));
    }
    let done = of(StepPhase::Succeeded).count();
    let message = format!("{done} of {} steps succeeded; skipped: {}", steps.len(), skipped.join("; "));
    (RunPhase::Succeeded, "True", Reason::StepsSkipped, message)
}
