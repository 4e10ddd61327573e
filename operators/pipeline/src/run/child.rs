//! The child of a step, and how it stands from what its own operator says of it.
//!
//! A child has failed only when its operator has ended it, or when nothing but an edit of its spec could help, which
//! nobody makes. Being Stalled for now is a wait: a missing bucket can arrive.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta, Time};
use millrace_crds::{HasConditions, ModelVersion, ProcessingJob, conditions::INVALID_SPEC, processing_job::JobPhase};
use millrace_kit::{Target, conditions};
use serde_json::{Value, json};

use super::observe::Around;

/// What a child says on its ordinary way. To repeat it in the run would cost a write for each word.
const ORDINARY: [&str; 6] = ["Starting", "Running", "Stopping", "MeasuringSource", "Registering", "TakingAliases"];

/// What a step returned.
#[derive(Clone, Debug, Default)]
pub(super) struct Results {
    /// Each key with its value.
    pub(super) values: BTreeMap<String, Value>,
    /// The numbers among them that do not read back as they were written, as they were.
    pub(super) texts: BTreeMap<String, String>,
}

/// A reason and a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) reason: String,
    pub(super) message: String,
}

impl Told {
    pub(super) fn new(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason: reason.into(), message: message.into() }
    }

    fn of(condition: &Condition) -> Self {
        Self::new(&condition.reason, &condition.message)
    }
}

/// How a child stands.
pub(super) enum Standing {
    /// On its way.
    Running(Going),
    /// Ended well.
    Succeeded(Results),
    /// Its operator has ended it.
    Failed(Told),
    /// Its spec cannot work.
    Refused(Told),
}

/// A child on its way.
#[derive(Default)]
pub(super) struct Going {
    /// What it waits for, if that is out of the ordinary.
    pub(super) waits: Option<Told>,
    /// Since when it needs help.
    pub(super) stalled: Option<Timestamp>,
    /// What has taken effect already and cannot be taken back, although it is not all that was asked for.
    pub(super) done: Option<Results>,
}

/// The child of a step.
#[derive(Clone, Copy)]
pub(super) enum Made<'a> {
    Job(&'a ProcessingJob),
    Version(&'a ModelVersion),
}

impl<'a> Made<'a> {
    /// The child of this name, if it is there.
    pub(super) fn find(around: &'a Around, name: Option<&String>) -> Option<Self> {
        let name = Some(name?);
        let job = around.jobs.iter().find(|j| j.metadata.name.as_ref() == name).map(Self::Job);
        job.or_else(|| around.versions.iter().find(|v| v.metadata.name.as_ref() == name).map(Self::Version))
    }

    pub(super) fn standing(self) -> Standing {
        match self {
            Self::Job(job) => of_job(job),
            Self::Version(version) => of_version(version),
        }
    }

    /// Its deletion, unless it has changed since: what it became in the meantime counts.
    pub(super) fn target(self) -> Target {
        match self {
            Self::Job(job) => Target::unchanged(job),
            Self::Version(version) => Target::unchanged(version),
        }
    }

    const fn meta(self) -> &'a ObjectMeta {
        match self {
            Self::Job(job) => &job.metadata,
            Self::Version(version) => &version.metadata,
        }
    }

    /// Whether it is being deleted.
    pub(super) const fn going(self) -> bool {
        self.meta().deletion_timestamp.is_some()
    }

    /// Number of its present or last attempt.
    pub(super) fn attempt(self) -> Option<i64> {
        let Self::Job(job) = self else { return None };
        Some(job.status.as_ref()?.attempt.as_ref()?.number)
    }

    /// When it ended.
    pub(super) fn finished_at(self) -> Option<Time> {
        let Self::Job(job) = self else { return None };
        job.status.as_ref()?.finished_at.clone()
    }
}

fn said<'a, S: HasConditions>(status: &'a S, kind: &str, flag: &str) -> Option<&'a Condition> {
    conditions::get(status, kind).filter(|c| c.status == flag)
}

/// What both kinds say alike: that they need help, or wait for something.
fn waiting<S: HasConditions>(status: &S) -> Standing {
    let stalled = said(status, "Stalled", "True");
    if let Some(never) = stalled.filter(|c| c.reason == INVALID_SPEC) {
        return Standing::Refused(Told::of(never));
    }
    let ready = conditions::get(status, "Ready").filter(|c| !ORDINARY.contains(&c.reason.as_str()));
    Standing::Running(Going {
        waits: stalled.or(ready).map(Told::of),
        stalled: stalled.map(|c| c.last_transition_time.0),
        done: None,
    })
}

/// A job of which a new run is asked for counts by that run: a step goes with the run of its job that it sees the end of.
fn of_job(job: &ProcessingJob) -> Standing {
    let Some(status) = &job.status else { return Standing::Running(Going::default()) };
    if status.observed_generation != job.metadata.generation.unwrap_or(0) {
        return Standing::Running(Going::default());
    }
    if said(status, "Succeeded", "True").is_some() {
        return Standing::Succeeded(Results { values: status.results.clone(), texts: status.result_texts.clone() });
    }
    if let Some(failed) = said(status, "Succeeded", "False") {
        let class = status.last_attempts.first().and_then(|a| a.class);
        let reason = class.map_or_else(|| failed.reason.clone(), |class| format!("{class:?}"));
        return Standing::Failed(Told::new(reason, &failed.message));
    }
    match waiting(status) {
        // What runs is left to run, whatever else its job needs.
        Standing::Running(going) if status.phase == Some(JobPhase::Running) => {
            Standing::Running(Going { stalled: None, ..going })
        }
        other => other,
    }
}

fn of_version(version: &ModelVersion) -> Standing {
    let Some(status) = &version.status else { return Standing::Running(Going::default()) };
    let results = status.version.filter(|_| status.deleted_at.is_none()).map(|number| {
        let uri = status.uri.clone().unwrap_or_else(|| format!("models:/{}/{number}", version.spec.model));
        let values = BTreeMap::from([("version".into(), json!(number)), ("uri".into(), json!(uri))]);
        Results { values, texts: BTreeMap::new() }
    });
    let current = status.observed_generation == version.metadata.generation.unwrap_or(0);
    match results {
        Some(results) if current && conditions::is_true(status, "Ready") => Standing::Succeeded(results),
        Some(_) if !current => Standing::Running(Going { done: results, ..Going::default() }),
        None if !current => Standing::Running(Going::default()),
        done => match waiting(status) {
            Standing::Running(going) => Standing::Running(Going { done, ..going }),
            // Registered is registered, whatever became of the spec since.
            Standing::Refused(told) if done.is_some() => {
                Standing::Running(Going { waits: Some(told), done, ..Going::default() })
            }
            other => other,
        },
    }
}
