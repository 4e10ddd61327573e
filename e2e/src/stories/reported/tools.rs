//! What these stories read of objects.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{at, condition};
use crate::stories::tools::Space;
use crate::ui::Outcome;

/// Longest time for what takes seconds on a quiet machine.
pub(super) const LIMIT: Duration = Duration::from_secs(120);

/// An object of one of our kinds.
pub(super) fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "millrace.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// What the condition Ready says of an object.
pub(super) fn ready(object: &Value) -> String {
    condition(object, "Ready").map(|(_, _, message)| message.to_owned()).unwrap_or_default()
}

/// The message of a condition, whichever, that contains this.
pub(super) fn says(object: &Value, word: &str) -> Option<String> {
    let all = object.pointer("/status/conditions").and_then(Value::as_array);
    let found = all.into_iter().flatten().map(|c| at(c, "/message")).find(|message| message.contains(word));
    found.map(str::to_owned)
}

/// Waits until a condition of the object says this; the message.
pub(super) fn told(space: &Space<'_>, kind: &str, name: &str, word: &str) -> Outcome<String> {
    space.wait((kind, name), LIMIT, |object| Ok(says(object, word)))
}

/// The beginning of a message, for the line of a step.
pub(super) fn head(message: &str) -> String {
    message.lines().next().unwrap_or_default().chars().take(120).collect()
}
