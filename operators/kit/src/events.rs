//! Kubernetes events: the difference of two statuses, told once, for warnings and for ends.

use jiff::{Timestamp, fmt::temporal::DateTimePrinter};
use millrace_crds::{HasConditions, ReasonText};
use serde_json::{Value, json};

use crate::{
    conditions,
    kind::{Kind, Object},
    names,
};

/// Longest event note, in bytes, that the API server takes.
const MAX_NOTE: usize = 1_024;

/// One event to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Whether a person should worry.
    pub warning: bool,
    /// Stable PascalCase word.
    pub reason: ReasonText,
    /// What happened.
    pub message: String,
}

/// Warnings for conditions that turned bad, and the end of a job or run: `Stalled` becoming True, `Succeeded` becoming
/// True or False.
#[must_use]
pub fn condition_notes<S: HasConditions>(old: &S, new: &S) -> Vec<Note> {
    let turned = |kind: &str, flag: &str| {
        let is = |s: &S| conditions::get(s, kind).is_some_and(|c| c.status == flag);
        (is(new) && !is(old)).then(|| conditions::get(new, kind)).flatten()
    };
    let note = |warning: bool| {
        move |c: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| Note {
            warning,
            reason: ReasonText::as_given(&c.reason),
            message: c.message.clone(),
        }
    };
    let all = [
        turned("Stalled", "True").map(note(true)),
        turned("Succeeded", "True").map(note(false)),
        turned("Succeeded", "False").map(note(true)),
    ];
    all.into_iter().flatten().collect()
}

/// The `events.k8s.io/v1` object for a note about `object`, from `(controller, now)`.
pub(crate) fn event<K: Object>(object: &K, note: &Note, source: (&str, Timestamp)) -> (Kind, Value) {
    let (controller, now) = source;
    let kind = Kind::of::<k8s_openapi::api::events::v1::Event>();
    let about = Kind::of::<K>();
    let meta = object.meta();
    let name = meta.name.clone().unwrap_or_default();
    let uid = meta.uid.clone().unwrap_or_default();
    let namespace = meta.namespace.clone().unwrap_or_else(|| "default".to_owned());
    let stamp = now.to_string();
    let body = json!({
        "apiVersion": kind.api_version(), "kind": kind.kind,
        "metadata": {
            "namespace": namespace,
            "name": names::join(&name, &names::hash(&[&uid, &note.reason, &stamp], 10), 63),
        },
        "eventTime": DateTimePrinter::new().precision(Some(6)).timestamp_to_string(&now),
        "reportingController": format!("millrace.dev/{controller}"),
        "reportingInstance": format!("millrace-{controller}"),
        "action": "Reconcile",
        "reason": note.reason,
        "note": conditions::cut(&note.message, MAX_NOTE),
        "type": if note.warning { "Warning" } else { "Normal" },
        "regarding": {
            "apiVersion": about.api_version(), "kind": about.kind,
            "name": name, "namespace": meta.namespace, "uid": uid,
        },
    });
    (kind, body)
}
