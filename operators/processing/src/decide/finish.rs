//! The end of an attempt: its record, on whose account it goes, and what follows.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::processing_job::{AttemptRecord, AttemptResult, FailureClass, JobPhase};
use millrace_kit::{conditions, later};

use super::Pass;
use crate::{evidence::Outcome, status};

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
    let Some(attempt) = status::live(&pass.status).cloned() else { return };
    let run = pass.status.run_number.unwrap_or(1);
    let finished = outcome.finished.unwrap_or(pass.now);
    let started = outcome.started.or_else(|| attempt.started_at.as_ref().map(|t| t.0));
    let message = conditions::cut(&outcome.message, MAX_RECORD).to_owned();
    let status = &mut pass.status;
    if let Some(attempt) = status.attempt.as_mut() {
        attempt.started_at = started.map(Time);
        // The record has it now.
        attempt.verdict = None;
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
            exit_code: outcome.exit_code,
            started_at: started.map(Time),
            finished_at: Some(Time(finished)),
            ..AttemptRecord::default()
        },
    );
    status.last_attempts.truncate(KEPT);
    status.url = None;
    status.results = outcome.results;
    match outcome.result {
        AttemptResult::Succeeded => {
            end(pass, (JobPhase::Succeeded, "True", "Succeeded"), &format!("attempt {} succeeded", attempt.number))
        }
        AttemptResult::Stopped | AttemptResult::Unknown => {
            // begin says what follows: a suspension, a new run, the next attempt.
            pass.status.phase = Some(JobPhase::Pending);
            pass.status.next_attempt_at = None;
        }
        AttemptResult::Failed => failed(pass, (attempt.number, outcome.class), &message),
    }
}

fn failed(pass: &mut Pass<'_>, which: (i64, Option<FailureClass>), message: &str) {
    let (number, class) = which;
    let policy = &pass.model.policy;
    let counts = pass.status.failures.get_or_insert_default();
    let (count, limit) = match account(class) {
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
    let word = class.map_or_else(|| "Failed".to_owned(), |c| format!("{c:?}"));
    if count > limit {
        return end(pass, (JobPhase::Failed, "False", &word), &format!("attempt {number} failed ({word}): {message}"));
    }
    let doublings = u32::try_from(count.saturating_sub(1)).unwrap_or(0);
    let (initial, max) = policy.backoff;
    let pause: Duration = initial.saturating_mul(2_u32.saturating_pow(doublings)).min(max);
    let due: Timestamp = later(pass.now, pause);
    pass.status.phase = Some(JobPhase::Retrying);
    pass.status.next_attempt_at = Some(Time(due));
    pass.wake_at(due);
}

fn end(pass: &mut Pass<'_>, how: (JobPhase, &str, &str), message: &str) {
    let (phase, flag, reason) = how;
    pass.status.phase = Some(phase);
    pass.status.finished_at = Some(Time(pass.now));
    pass.status.next_attempt_at = None;
    conditions::set(&mut pass.status, "Succeeded", (flag, reason, message), pass.now);
}
