//! What users of other operators reported, played here: the kinds of fault of `docs/reports.md` that only a real node shows.
//!
//! Asserted are the class, who is named in the message, and what becomes of the object; never the exact words.

mod jobs;
mod pipelines;
mod registry;
mod server;

use std::time::Duration;

use serde_json::{Value, json};

use super::tools::Space;
use crate::stage::{at, condition};
use crate::ui::Outcome;

pub(super) use jobs::play as jobs;
pub(super) use pipelines::{never, play as pipelines};
pub(super) use registry::play as registry;

/// Longest time for what takes seconds on a quiet machine.
const LIMIT: Duration = Duration::from_secs(120);

/// An object of one of our kinds.
fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "millrace.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// What the condition Ready says of an object.
fn ready(object: &Value) -> String {
    condition(object, "Ready").map(|(_, _, message)| message.to_owned()).unwrap_or_default()
}

/// The message of a condition, whichever, that contains this.
fn says(object: &Value, word: &str) -> Option<String> {
    let all = object.pointer("/status/conditions").and_then(Value::as_array);
    let found = all.into_iter().flatten().map(|c| at(c, "/message")).find(|message| message.contains(word));
    found.map(str::to_owned)
}

/// Waits until a condition of the object says this; the message.
fn told(space: &Space<'_>, kind: &str, name: &str, word: &str) -> Outcome<String> {
    space.wait((kind, name), LIMIT, |object| Ok(says(object, word)))
}

/// The beginning of a message, for the line of a step.
fn head(message: &str) -> String {
    message.lines().next().unwrap_or_default().chars().take(120).collect()
}
