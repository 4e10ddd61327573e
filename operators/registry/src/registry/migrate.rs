//! The migration: one Job per attempt, stored in the status before it is created, for one image and one database.
//!
//! Its result is kept with what it was for: image, Secret and key, and the fingerprints of the URI its pod read. It counts
//! for these only. A failed attempt is followed by another after a growing wait; from the third on a person is asked,
//! unless the database was only away. The schema of a database that a server runs on is changed only while that server is
//! stopped, and such a change is tried once.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use millrace_crds::{
    Reason, ReasonText,
    model_registry::{Migrated, Migration},
};
use millrace_kit::{Action, Target, kernel::REQUESTED_AT, later};
use serde::Deserialize;

use super::{
    names::migration_job,
    pass::{Part, Pass, SCHEMA},
};
use crate::{
    children,
    pods::{End, Exit, MIGRATION, PodView, SERVER, SLOW, end},
};

/// Result of a migration that went well.
const SUCCEEDED: Reason = Reason::Succeeded;
/// Reason while the server is stopped for a change of the schema.
pub(super) const STOPPED: Reason = Reason::SchemaChanges;
/// Failed attempts after which a person is asked.
const ASK_AFTER: i64 = 3;
/// First wait after a failed attempt.
const BASE: Duration = Duration::from_secs(10);
/// Longest wait after a failed attempt.
const MAX: Duration = Duration::from_secs(300);
/// How long the end of a Job waits for the tale of its pod.
const TALE: Duration = Duration::from_secs(10);

/// How long a Job may run on when its program has ended.
const BESIDE: Duration = Duration::from_secs(30);

/// What the pod of a migration that went well says; see `children/prepare.py`.
#[derive(Deserialize)]
struct Tale {
    uri: String,
    place: String,
}

/// The schema's part; `needs` are the parts without which no Job is begun.
pub(super) fn schema(pass: &mut Pass<'_>, needs: &[&Part]) -> Part {
    let (image, secret) = (pass.plan.image.clone(), pass.plan.secret());
    let last = pass.decision.status.migration.clone();
    // Once the server is stopped for it, a change of the schema is brought to its end, whatever the spec says by now.
    let stopping = last.as_ref().filter(|m| stops(m)).cloned();
    if stopping.is_none() && migrated(pass, &image, &secret) {
        end_the_rest(pass);
        return done(&image);
    }
    let this = |m: &Migration| {
        m.image == image
            && m.secret.as_ref() == Some(&secret)
            && m.result.as_ref().is_none_or(|result| *result != SUCCEEDED)
    };
    let Some(migration) = stopping.or_else(|| last.clone().filter(this)) else {
        if let Some(missing) = needs.iter().find(|part| !part.ok) {
            return (*missing).clone();
        }
        let number = last.and_then(|m| m.number).unwrap_or(0) + 1;
        let first =
            Migration { image, secret: Some(secret), number: Some(number), attempt: Some(1), ..Migration::default() };
        return begin(pass, first);
    };
    let Some(job) = pass.seen.data.job.as_ref() else {
        // A cache miss: creating it again finds it, or starts a Job that somebody deleted.
        create(pass, &migration);
        return waits(pass, &migration);
    };
    // The verdict is the program's: what was injected beside it may run on and keep the Job from its end.
    let exit = pod(pass, &migration.job).and_then(|p| p.exit.clone());
    let ended = match (end(job), exit.and_then(|e| Some((e.code, e.at?)))) {
        (End::Running, Some((0, at))) => End::Well(at),
        (End::Running, Some((_, at))) => End::Badly(at, String::new()),
        (ended, _) => ended,
    };
    match ended {
        End::Running => waits(pass, &migration),
        End::Well(at) => well(pass, migration, at),
        End::Badly(at, why) => failed(pass, migration, at, why),
    }
}

/// Ends a Job whose program did well and which still runs.
fn end_the_rest(pass: &mut Pass<'_>) {
    let Some(job) = pass.seen.data.job.as_ref().filter(|job| matches!(end(job), End::Running)) else { return };
    let ended = pod(pass, &job.name_any()).and_then(|p| p.exit.as_ref()?.at);
    let Some(due) = ended.map(|at| later(at, BESIDE)) else { return };
    if pass.now < due {
        pass.wake(due);
    } else {
        pass.act(Action::Delete(Target::of(job)));
    }
}

fn done(image: &str) -> Part {
    Part::ok(Reason::Migrated, format!("the database has the schema of {image}"))
}

/// Whether the server must be stopped for it.
pub(super) fn stops(migration: &Migration) -> bool {
    migration.stops_server == Some(true)
}

/// Whether the last migration was for these inputs, as far as anybody has seen them.
fn migrated(pass: &Pass<'_>, image: &str, secret: &str) -> bool {
    let Some(done) = &pass.decision.status.migrated else { return false };
    done.image == image && done.secret == secret && !altered(pass, done)
}

/// Whether a pod has seen the Secret say something else than what was migrated.
fn altered(pass: &Pass<'_>, done: &Migrated) -> bool {
    let data = &pass.seen.data;
    let given = data.server.as_ref().and_then(|s| s.given.as_ref()).filter(|g| g.secret == done.secret);
    // What a pod runs on was migrated; what it runs on may lie there still where the kubelet has not been yet.
    let told =
        given.is_some_and(|g| g.uri.mounted.is_some() && g.uri.mounted != g.uri.used && g.uri.mounted != done.uri);
    let refused = |p: &PodView| {
        let trouble = p.trouble.as_ref().filter(|t| p.role == SERVER && t.message.starts_with("exit code 7:"));
        trouble.zip(done.uri.as_ref()).is_some_and(|(t, uri)| t.message.contains(&format!("migration {uri};")))
    };
    told || data.pods.iter().any(refused)
}

fn begin(pass: &mut Pass<'_>, migration: Migration) -> Part {
    let job = migration_job(pass.registry, migration.number.unwrap_or(1));
    let migration = Migration { job, ..migration };
    pass.status().migration = Some(migration.clone());
    create(pass, &migration);
    waits(pass, &migration)
}

fn create(pass: &mut Pass<'_>, migration: &Migration) {
    if stops(migration) && !stopped(pass) {
        return;
    }
    let secret = migration.secret.clone().unwrap_or_else(|| pass.plan.secret());
    let served = (!stops(migration) && serves(pass)).then(|| {
        let place = pass.decision.status.migrated.as_ref().and_then(|m| m.place.clone());
        place.unwrap_or_else(|| "unknown".to_owned())
    });
    let plan = pass.plan.on(&migration.image, &secret);
    pass.act(Action::Create(children::job::build(pass.registry, &plan, &migration.job, served.as_deref())));
}

/// Whether there is a server that may run on the database.
fn serves(pass: &Pass<'_>) -> bool {
    pass.seen.data.deployment.as_ref().is_some_and(|d| d.spec.as_ref().and_then(|s| s.replicas) != Some(0))
}

/// Whether no pod of a server is left, not even one on its way out.
fn stopped(pass: &Pass<'_>) -> bool {
    let Some(live) = &pass.seen.data.deployment else { return true };
    let status = live.status.clone().unwrap_or_default();
    !serves(pass)
        && status.observed_generation == live.metadata.generation
        && status.replicas.unwrap_or(0) == 0
        && !pass.seen.data.pods.iter().any(|p| p.role == SERVER && p.exit.is_none())
}

/// The migration runs, or does not get to.
fn waits(pass: &mut Pass<'_>, migration: &Migration) -> Part {
    let attempt = migration.attempt.unwrap_or(1);
    if pass.seen.data.job.is_some() {
        // A pod that is slow to start is asked for its Events then.
        pass.wake(later(pass.now, SLOW));
    }
    let trouble =
        pod(pass, &migration.job).and_then(|p| p.trouble.clone()).or_else(|| pass.seen.data.job_trouble.clone());
    if let Some(trouble) = trouble {
        return pass.tell(SCHEMA, &trouble, format!("Job {}: {}", migration.job, trouble.message));
    }
    if stops(migration) {
        let what =
            format!("the server is stopped while the schema of its database changes to that of {}", migration.image);
        return Part::waits(STOPPED, what);
    }
    // The reason of the last attempt stays until this one ends, so that a database that is away reads as such.
    match (&migration.result, &migration.message) {
        (Some(result), Some(message)) => part(ReasonText::as_given(result), attempt - 1, message),
        _ => Part::waits(
            Reason::Migrating,
            format!("Job {} migrates the database to {}", migration.job, migration.image),
        ),
    }
}

fn well(pass: &mut Pass<'_>, migration: Migration, at: Timestamp) -> Part {
    let exit = pod(pass, &migration.job).and_then(|p| p.exit.clone());
    if exit.is_none() && pass.now < later(at, TALE) {
        pass.wake(later(at, TALE));
        return waits(pass, &migration);
    }
    let tale: Option<Tale> = exit.and_then(|e| serde_json::from_str(&e.message).ok());
    let image = migration.image.clone();
    let status = pass.status();
    status.migrated = Some(Migrated {
        image: image.clone(),
        secret: migration.secret.clone().unwrap_or_default(),
        uri: tale.as_ref().map(|t| t.uri.clone()),
        place: tale.map(|t| t.place),
    });
    status.migrated_image = Some(image.clone());
    let ended = Migration { result: Some(SUCCEEDED.word().to_owned()), message: None, stops_server: None, ..migration };
    status.migration = Some(ended);
    done(&image)
}

fn failed(pass: &mut Pass<'_>, migration: Migration, at: Timestamp, why: String) -> Part {
    let attempt = migration.attempt.unwrap_or(1);
    let tale = pod(pass, &migration.job).and_then(|p| p.exit.clone());
    if tale.is_none() && pass.now < later(at, TALE) {
        pass.wake(later(at, TALE));
        return waits(pass, &migration);
    }
    let next =
        Migration { number: Some(migration.number.unwrap_or(0) + 1), attempt: Some(attempt + 1), ..migration.clone() };
    if tale.as_ref().is_some_and(|t| t.code == 5) {
        return begin(pass, Migration { stops_server: Some(true), result: None, message: None, ..next });
    }
    let (result, message) = told(pass, tale, why);
    let message = format!("Job {}: {message}", migration.job);
    let was = Migration { result: Some(result.word().to_owned()), message: Some(message.clone()), ..migration.clone() };
    let again = Migration { result: was.result.clone(), message: was.message.clone(), stops_server: None, ..next };
    let once = result == Reason::MigrationFailed && migration.stops_server.is_some();
    if once && !asked(pass) {
        pass.status().migration = Some(Migration { stops_server: Some(false), ..was });
        let hint = "the previous server is back; set the annotation reconcile.fluxcd.io/requestedAt to try once more";
        return Part::terminal(result, format!("{message}; {hint}"));
    }
    let factor = 2_u32.saturating_pow(u32::try_from(attempt - 1).unwrap_or(u32::MAX));
    let due = later(at, BASE.saturating_mul(factor).min(MAX));
    if once || pass.now >= due {
        return begin(pass, again);
    }
    // The server comes back for as long as nothing is tried.
    pass.status().migration = Some(Migration { stops_server: None, ..was });
    pass.wake(due);
    part(result.into(), attempt, &message)
}

/// Whether somebody asks for another try.
fn asked(pass: &Pass<'_>) -> bool {
    let request = pass.registry.annotations().get(REQUESTED_AT);
    request.is_some() && request != pass.decision.status.last_handled_reconcile_at.as_ref()
}

/// Reason and message of an attempt that failed.
fn told(pass: &Pass<'_>, tale: Option<Exit>, why: String) -> (Reason, String) {
    let (secret, key) = &pass.plan.database;
    match tale {
        Some(exit) if exit.code == 3 => (
            Reason::DatabaseUnreachable,
            format!("{}; is it up, and right in key {key} of Secret {secret}?", exit.message),
        ),
        Some(exit) if exit.code == 4 => {
            (Reason::DatabaseRefuses, format!("{}; correct key {key} of Secret {secret}", exit.message))
        }
        Some(exit) => (Reason::MigrationFailed, exit.message),
        None => (Reason::MigrationFailed, why),
    }
}

fn part(result: ReasonText, attempts: i64, message: &str) -> Part {
    let text = format!("attempt {attempts}: {message}");
    if attempts >= ASK_AFTER && result != Reason::DatabaseUnreachable {
        Part::terminal(result, text)
    } else {
        Part::waits(result, text)
    }
}

fn pod<'a>(pass: &Pass<'a>, job: &str) -> Option<&'a PodView> {
    pass.seen.data.pods.iter().find(|p| p.role == MIGRATION && p.job.as_deref() == Some(job))
}
