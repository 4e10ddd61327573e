//! The migration: one Job per image and attempt, stored in the status before it is created.
//!
//! A failed attempt is followed by another after a growing wait; from the third on a person is asked, unless the database
//! was only away.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use millrace_crds::model_registry::Migration;
use millrace_kit::{Action, later};

use super::{
    children,
    decide::{Part, Pass},
    job_name,
    pods::{MIGRATION, PodSeen},
};

/// Result of a migration that went well.
const SUCCEEDED: &str = "Succeeded";
/// Failed attempts after which a person is asked.
const ASK_AFTER: i64 = 3;
/// First wait after a failed attempt.
const BASE: Duration = Duration::from_secs(10);
/// Longest wait after a failed attempt.
const MAX: Duration = Duration::from_secs(300);
/// How long the end of a Job waits for the tale of its pod.
const TALE: Duration = Duration::from_secs(10);

/// How a Job ended.
enum End {
    Running,
    Well,
    Badly(Timestamp, String),
}

pub(super) fn schema(pass: &mut Pass<'_>) -> Part {
    let image = pass.plan.image.clone();
    if pass.decision.status.migrated_image.as_ref() == Some(&image) {
        return Part::ok("Migrated", format!("the database has the schema of {image}"));
    }
    let current = pass.decision.status.migration.clone().filter(|m| m.image == image);
    let Some(migration) = current else { return begin(pass, 1, None) };
    let attempt = migration.attempt.unwrap_or(1);
    let Some(job) = pass.seen.data.job.as_ref() else {
        // A cache miss: creating it again finds it, or starts a Job that somebody deleted.
        let build = children::job::build(pass.registry, &pass.plan, &migration.job);
        pass.act(Action::Create(build));
        return waits(pass, &migration);
    };
    match end(job) {
        End::Running => waits(pass, &migration),
        End::Well => {
            let done = Migration { result: Some(SUCCEEDED.to_owned()), message: None, ..migration };
            pass.status().migration = Some(done);
            pass.status().migrated_image = Some(image.clone());
            Part::ok("Migrated", format!("the database has the schema of {image}"))
        }
        End::Badly(at, why) => failed(pass, migration, (at, attempt, why)),
    }
}

fn begin(pass: &mut Pass<'_>, attempt: i64, after: Option<Migration>) -> Part {
    let image = pass.plan.image.clone();
    let name = job_name(pass.registry, &image, attempt);
    pass.act(Action::Create(children::job::build(pass.registry, &pass.plan, &name)));
    let (result, message) = after.map_or((None, None), |m| (m.result, m.message));
    let migration = Migration { image, job: name, attempt: Some(attempt), result, message };
    pass.status().migration = Some(migration.clone());
    waits(pass, &migration)
}

/// The migration runs, or does not get to.
fn waits(pass: &Pass<'_>, migration: &Migration) -> Part {
    let attempt = migration.attempt.unwrap_or(1);
    let trouble = pod(pass, &migration.job).and_then(|p| p.trouble.as_ref());
    if let Some(trouble) = trouble {
        return Part::waits(&trouble.reason, format!("Job {}: {}", migration.job, trouble.message));
    }
    // The reason of the last attempt stays until this one ends, so that a database that is away reads as such.
    match (&migration.result, &migration.message) {
        (Some(result), Some(message)) => part(result, attempt - 1, message),
        _ => Part::waits("Migrating", format!("Job {} brings the database to {}", migration.job, migration.image)),
    }
}

fn failed(pass: &mut Pass<'_>, migration: Migration, ended: (Timestamp, i64, String)) -> Part {
    let (at, attempt, why) = ended;
    let tale = pod(pass, &migration.job).and_then(|p| p.exit.clone());
    if tale.is_none() && pass.now < later(at, TALE) {
        let again = later(at, TALE);
        pass.decision.wake = Some(pass.decision.wake.map_or(again, |old| old.min(again)));
        return waits(pass, &migration);
    }
    let (secret, key) = &pass.plan.database;
    let (result, message, hint) = match tale {
        Some(exit) if exit.code == 3 => {
            ("DatabaseUnreachable", exit.message, format!("; is it up, and right in key {key} of Secret {secret}?"))
        }
        Some(exit) if exit.code == 4 => {
            ("DatabaseRefuses", exit.message, format!("; correct key {key} of Secret {secret}"))
        }
        Some(exit) => ("MigrationFailed", exit.message, String::new()),
        None => ("MigrationFailed", why, String::new()),
    };
    let message = format!("Job {}: {message}{hint}", migration.job);
    let told = Migration { result: Some(result.to_owned()), message: Some(message.clone()), ..migration };
    let factor = 2_u32.saturating_pow(u32::try_from(attempt - 1).unwrap_or(u32::MAX));
    let next = later(at, BASE.saturating_mul(factor).min(MAX));
    if pass.now >= next {
        return begin(pass, attempt + 1, Some(told));
    }
    pass.status().migration = Some(told);
    pass.decision.wake = Some(pass.decision.wake.map_or(next, |old| old.min(next)));
    part(result, attempt, &message)
}

fn part(result: &str, attempts: i64, message: &str) -> Part {
    let text = format!("attempt {attempts}: {message}");
    if attempts >= ASK_AFTER && result != "DatabaseUnreachable" {
        Part::terminal(result, text)
    } else {
        Part::waits(result, text)
    }
}

fn pod<'a>(pass: &Pass<'a>, job: &str) -> Option<&'a PodSeen> {
    pass.seen.data.pods.iter().find(|p| p.role == MIGRATION && p.job.as_deref() == Some(job))
}

fn end(job: &Job) -> End {
    let conditions = job.status.as_ref().and_then(|s| s.conditions.as_ref());
    let verdict = conditions
        .into_iter()
        .flatten()
        .find(|c| c.status == "True" && matches!(c.type_.as_str(), "Complete" | "Failed"));
    match verdict {
        None => End::Running,
        Some(c) if c.type_ == "Complete" => End::Well,
        Some(c) => {
            let at = c.last_transition_time.as_ref().map_or(Timestamp::UNIX_EPOCH, |t| t.0);
            let words = [c.reason.clone(), c.message.clone()].into_iter().flatten().collect::<Vec<_>>().join(": ");
            End::Badly(at, words)
        }
    }
}
