//! The child of a step as its run sees it: one view, whatever its kind.
//!
//! A child has failed only when its operator has ended it, or when nothing but an edit of its spec could help, which
//! nobody makes. Being Stalled for now is a wait: a missing bucket can arrive.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use millrace_crds::{HasConditions, Reason, ReasonText};
use millrace_kit::{Object, conditions};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a child says on its ordinary way. To repeat it in the run would cost a write for each reason.
const ORDINARY: [Reason; 6] = [
    Reason::Starting,
    Reason::Running,
    Reason::Stopping,
    Reason::MeasuringSource,
    Reason::Registering,
    Reason::TakingAliases,
];

/// A child of a step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ChildState {
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: String,
    /// The state that was seen, so that a deletion can insist on it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_version: String,
    /// Whether it is being deleted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deleting: bool,
    /// Number of its present or last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<i64>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// How it stands.
    pub phase: ChildPhase,
}

/// How a child stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ChildPhase {
    /// On its way.
    Running(Progress),
    /// Ended well.
    Succeeded(Results),
    /// Its operator has ended it.
    Failed(Cause),
    /// Its spec cannot work.
    Refused(Cause),
}

impl Default for ChildPhase {
    fn default() -> Self {
        Self::Running(Progress::default())
    }
}

/// A child on its way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Progress {
    /// What it waits for, if that is out of the ordinary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<Cause>,
    /// Since when it needs help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stalled_since: Option<Time>,
    /// What has taken effect already and cannot be taken back, although it is not all that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<Results>,
}

/// What a step returned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Results {
    /// Each key with its value.
    pub values: BTreeMap<String, Value>,
    /// The numbers among them that do not read back as they were written, as they were.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, String>,
}

/// A reason and a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// One word for programs.
    pub reason: ReasonText,
    /// What happened and what to do, for people.
    pub message: String,
}

impl Cause {
    pub(crate) fn new(reason: impl Into<ReasonText>, message: impl Into<String>) -> Self {
        Self { reason: reason.into(), message: message.into() }
    }

    fn of(condition: &Condition) -> Self {
        Self::new(ReasonText::as_given(&condition.reason), &condition.message)
    }
}

impl ChildState {
    /// What every kind of child has alike.
    pub(super) fn of<K: Object>(child: &K, phase: ChildPhase) -> Self {
        let meta = child.meta();
        Self {
            kind: K::kind(&()).into_owned(),
            name: meta.name.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
            resource_version: meta.resource_version.clone().unwrap_or_default(),
            deleting: meta.deletion_timestamp.is_some(),
            phase,
            ..Self::default()
        }
    }
}

/// A condition of this type that has this status.
pub(super) fn condition<'a, S: HasConditions>(status: &'a S, kind: &str, flag: &str) -> Option<&'a Condition> {
    conditions::get(status, kind).filter(|c| c.status == flag)
}

/// What all kinds say alike: that they need help, or wait for something.
pub(super) fn waiting<S: HasConditions>(status: &S) -> ChildPhase {
    let stalled = condition(status, "Stalled", "True");
    if let Some(never) = stalled.filter(|c| c.reason == Reason::InvalidSpec) {
        return ChildPhase::Refused(Cause::of(never));
    }
    let ready = conditions::get(status, "Ready").filter(|c| !ORDINARY.iter().any(|ordinary| c.reason == *ordinary));
    ChildPhase::Running(Progress {
        waits_for: stalled.or(ready).map(Cause::of),
        stalled_since: stalled.map(|c| c.last_transition_time.clone()),
        done: None,
    })
}
