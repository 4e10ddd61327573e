//! The end of an attempt: its record, on whose account it goes, and what follows.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    Quantity, Reason,
    processing_job::{AttemptRecord, AttemptResult, FailureClass, JobPhase},
};
use millrace_kit::{conditions, later};

use crate::{
    engines,
    job::{attempt, outcome::Outcome},
    pass::{Pass, WORKERS_READY},
    rollback,
};

/// Attempts kept in the status.
const KEPT: usize = 5;
/// Longest message of a record, in bytes.
pub(crate) const MAX_RECORD: usize = 4_096;

/// Whose retries a failure uses up.
enum Account {
    Application,
    Infrastructure,
    /// Repeating it would fail the same way.
    Nobody,
}

const fn account(class: Option<FailureClass>) -> Account {
    match class {
        Some(FailureClass::Application | FailureClass::OutOfMemory) => Account::Application,
        Some(
            FailureClass::Infrastructure | FailureClass::DriverLost | FailureClass::Dependency | FailureClass::Capacity,
        ) => Account::Infrastructure,
        _ => Account::Nobody,
    }
}

/// Records the end of the live attempt and decides what follows: success, a repetition, the end, a stop.
pub(crate) fn finish(pass: &mut Pass<'_>, outcome: Outcome) {
    let Some(attempt) = attempt::live(&pass.status).cloned() else { return };
    let run = pass.status.run_number.unwrap_or(1);
    let finished = outcome.finished.unwrap_or(pass.now);
    let started = outcome.started.or_else(|| attempt.started_at.as_ref().map(|t| t.0));
    let message = match outcome.class {
        Some(FailureClass::OutOfMemory) => with_advice(pass, outcome.workers, &outcome.message),
        _ => outcome.message.clone(),
    };
    let message = conditions::cut(&message, MAX_RECORD).to_owned();
    let out_of_memory_field = outcome.class.filter(|class| *class == FailureClass::OutOfMemory);
    let out_of_memory_field =
        out_of_memory_field.and_then(|_| spec_of(pass, outcome.workers)).map(|(field, _)| field.to_owned());
    let long = started.and_then(|since| Duration::try_from(finished.duration_since(since)).ok());
    engines::of(&attempt).settle(pass, &attempt, &outcome);
    let status = &mut pass.status;
    conditions::unset(status, "Healthy");
    conditions::unset(status, WORKERS_READY);
    if let Some(attempt) = status.attempt.as_mut() {
        attempt.started_at = started.map(Time);
        // The record has it now.
        attempt.verdict = None;
        attempt.workers_missing_since = None;
    }
    status.last_attempts.insert(
        0,
        AttemptRecord {
            run,
            number: attempt.number,
            name: attempt.name,
            result: outcome.result,
            class: outcome.class,
            message: Some(message.clone()),
            out_of_memory_field,
            exit_code: outcome.exit_code,
            started_at: started.map(Time),
            finished_at: Some(Time(finished)),
            ..AttemptRecord::default()
        },
    );
    status.last_attempts.truncate(KEPT);
    status.url = None;
    status.results = outcome.results.values;
    status.result_texts = outcome.results.texts;
    match outcome.result {
        AttemptResult::Succeeded => end(
            pass,
            (JobPhase::Succeeded, "True", Reason::Succeeded),
            &format!("attempt {} succeeded", attempt.number),
        ),
        AttemptResult::Stopped | AttemptResult::Unknown => {
            // begin says what follows: a suspension, a new run, the next attempt.
            pass.status.phase = Some(JobPhase::Pending);
            pass.status.next_attempt_at = None;
        }
        AttemptResult::Failed => {
            if long.zip(pass.model.policy.reset_after).is_some_and(|(long, enough)| long >= enough) {
                pass.status.failures = None;
            }
            failed(pass, (attempt.number, outcome.class, outcome.workers), &message);
        }
    }
}

fn failed(pass: &mut Pass<'_>, which: (i64, Option<FailureClass>, bool), message: &str) {
    let (number, class, workers) = which;
    let policy = &pass.model.policy;
    // Growing has its own bound; at the bound the same would happen again.
    let grows = policy.growth.filter(|_| class == Some(FailureClass::OutOfMemory));
    let more = grows.map(|growth| had(pass, workers).and_then(|(_, memory)| growth.next(&memory)).is_some());
    let counts = pass.status.failures.get_or_insert_default();
    let (count, limit) = match account(class) {
        _ if more == Some(true) => (1, 1),
        _ if more == Some(false) => (1, 0),
        Account::Application => {
            counts.application += 1;
            (counts.application, policy.retries)
        }
        Account::Infrastructure => {
            counts.infrastructure += 1;
            (counts.infrastructure, policy.infrastructure_retries)
        }
        Account::Nobody => (1, 0),
    };
    let word = class.map_or(Reason::Failed, Reason::from);
    if count > limit && rollback::possible(pass) {
        pass.status.phase = Some(JobPhase::Pending);
        return rollback::reject(pass, &format!("attempt {number} failed ({word}): {message}"));
    }
    if count > limit {
        return end(pass, (JobPhase::Failed, "False", word), &format!("attempt {number} failed ({word}): {message}"));
    }
    let doublings = u32::try_from(count.saturating_sub(1)).unwrap_or(0);
    let (initial, max) = policy.backoff;
    let pause: Duration = initial.saturating_mul(2_u32.saturating_pow(doublings)).min(max);
    let due: Timestamp = later(pass.now, pause);
    pass.status.phase = Some(JobPhase::Retrying);
    pass.status.next_attempt_at = Some(Time(due));
    pass.wake_at(due);
}

/// The field of memory, and what the spec says of it: of the attempt's own pod, or of its workers.
fn spec_of<'a>(pass: &Pass<'a>, workers: bool) -> Option<(&'static str, &'a Quantity)> {
    let section = &pass.model.work.as_ref().ok()?.section;
    if workers { section.worker_memory() } else { Some(section.memory()) }
}

/// The same, and what the present or last attempt had.
fn had(pass: &Pass<'_>, workers: bool) -> Option<(&'static str, Quantity)> {
    let (field, spec) = spec_of(pass, workers)?;
    let attempt = pass.status.attempt.as_ref();
    let grown = attempt.and_then(|a| if workers { a.worker_memory.clone() } else { a.memory.clone() });
    Some((field, grown.filter(|grown| grown.units() > spec.units()).unwrap_or_else(|| spec.clone())))
}

/// What happened to an attempt that ran out of memory, after the field to change or what is changed for the user.
fn with_advice(pass: &Pass<'_>, workers: bool, message: &str) -> String {
    let Some((field, memory)) = had(pass, workers) else { return message.to_owned() };
    let next = pass.model.policy.growth.map(|growth| growth.next(&memory));
    match next {
        None => format!("raise {field} ({}): {message}", memory.0),
        Some(None) => format!("raise {field} and retry.onOutOfMemory.max ({} was not enough): {message}", memory.0),
        Some(Some(next)) => {
            format!("{field} of {} was not enough, the next attempt asks for {}: {message}", memory.0, next.0)
        }
    }
}

/// What the next attempt of this run asks for, if that is more than the spec says: for itself, or for its workers.
pub(super) fn grown(pass: &Pass<'_>, workers: bool) -> Option<Quantity> {
    let growth = pass.model.policy.growth?;
    let (field, spec) = spec_of(pass, workers)?;
    let (_, memory) = had(pass, workers)?;
    let last = pass.status.last_attempts.first().filter(|last| Some(last.run) == pass.status.run_number);
    let last = last.filter(|last| last.class == Some(FailureClass::OutOfMemory));
    // A record of an older Millrace names no field; it knew of no workers'.
    let full = last.is_some_and(|last| last.out_of_memory_field.as_deref().map_or(!workers, |short| short == field));
    let next = if full { growth.next(&memory).unwrap_or(memory) } else { memory };
    (next.units() > spec.units()).then_some(next)
}

fn end(pass: &mut Pass<'_>, how: (JobPhase, &str, Reason), message: &str) {
    let (phase, flag, reason) = how;
    pass.status.phase = Some(phase);
    pass.status.finished_at = Some(Time(pass.now));
    pass.status.next_attempt_at = None;
    conditions::set(&mut pass.status, "Succeeded", (flag, reason, message), pass.now);
}
