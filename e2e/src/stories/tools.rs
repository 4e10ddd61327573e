//! What every story needs: a namespace of its own, objects in it, waiting for what should happen.
//!
//! Everything goes through kubectl. Waiting has a deadline, and a time-out shows the objects it was about.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::tool;
use crate::stage::{Stage, TEAM, condition};
use crate::ui::{Failure, Outcome};

/// Pause between two looks: kubectl costs a tenth of a second of CPU each time.
const PACE: Duration = Duration::from_millis(400);

/// A namespace on the stage; one that a story made goes with its handle.
pub(super) struct Space<'a> {
    pub(super) stage: &'a Stage,
    pub(super) name: String,
    own: bool,
}

impl<'a> Space<'a> {
    /// The namespace of the example.
    pub(super) fn team(stage: &'a Stage) -> Self {
        Self { stage, name: TEAM.to_owned(), own: false }
    }

    /// A namespace that is there.
    pub(super) fn of(stage: &'a Stage, name: &str) -> Self {
        Self { stage, name: name.to_owned(), own: false }
    }

    /// A namespace of the story's own, as strict as the example's. What an interrupted story left there goes first.
    pub(super) fn new(stage: &'a Stage, name: &str) -> Outcome<Self> {
        stage.text(&["delete", "namespace", name, "--ignore-not-found", "--timeout=120s"])?;
        let space = Self { stage, name: name.to_owned(), own: true };
        space.apply(&[json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": {
                "pod-security.kubernetes.io/enforce": "restricted",
                "pod-security.kubernetes.io/warn": "restricted",
            }},
        })])?;
        Ok(space)
    }

    /// `kubectl -n THIS …`.
    pub(super) fn text(&self, args: &[&str]) -> Outcome<String> {
        self.stage.text(&[&["--namespace", &self.name], args].concat())
    }

    /// The same, parsed.
    pub(super) fn json(&self, args: &[&str]) -> Outcome<Value> {
        self.stage.json(&[&["--namespace", &self.name], args].concat())
    }

    /// `kubectl apply` of objects of this namespace.
    pub(super) fn apply(&self, objects: &[Value]) -> Outcome<()> {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        self.stage.apply_text(&list.to_string(), &["--namespace", &self.name])
    }

    /// One object, or `None`.
    pub(super) fn find(&self, kind: &str, name: &str) -> Outcome<Option<Value>> {
        let text = self.text(&["get", kind, name, "--ignore-not-found", "-o", "json"])?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        serde_json::from_str(&text).map(Some).map_err(|e| Failure::because(format!("{kind} {name} is no JSON"), e))
    }

    /// The objects of some kinds, `pods,secrets` for example.
    pub(super) fn list(&self, kinds: &str, more: &[&str]) -> Outcome<Vec<Value>> {
        let list = self.json(&[&["get", kinds], more].concat())?;
        Ok(list.pointer("/items").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// Waits until `ready` gives a value for the object (kind, name); an object that is not there yet is waited for.
    pub(super) fn wait<T>(
        &self,
        (kind, name): (&str, &str),
        limit: Duration,
        mut ready: impl FnMut(&Value) -> Outcome<Option<T>>,
    ) -> Outcome<T> {
        let look = || match self.find(kind, name)? {
            Some(object) => ready(&object),
            None => Ok(None),
        };
        self.until((&format!("{kind} {name}"), limit), look)
    }

    /// Waits until `ready` gives a value; a time-out shows (what, its object if it is one, pods, events).
    pub(super) fn until<T>(
        &self,
        (what, limit): (&str, Duration),
        mut ready: impl FnMut() -> Outcome<Option<T>>,
    ) -> Outcome<T> {
        let look = || {
            let found = ready()?;
            if found.is_none() {
                std::thread::sleep(PACE);
            }
            Ok(found)
        };
        tool::wait(limit, look, || self.late(what, limit))
    }

    fn late(&self, what: &str, limit: Duration) -> Failure {
        let object = what.split_once(' ').filter(|(_, name)| !name.contains(' '));
        let yaml =
            object.and_then(|(kind, name)| self.text(&["get", kind, name, "-o", "yaml"]).ok()).unwrap_or_default();
        self.failure(&format!("{what} is not there after {limit:?}"), yaml)
    }

    /// A failure with what people would look at next: the jobs, pods and events of the namespace.
    pub(super) fn failure(&self, what: &str, why: impl std::fmt::Display) -> Failure {
        let jobs = self.text(&["get", "processingjobs", "-o", "wide"]).unwrap_or_default();
        let pods = self.text(&["get", "pods", "-o", "wide"]).unwrap_or_default();
        let events = self.text(&["get", "events", "--sort-by=.lastTimestamp"]).unwrap_or_default();
        let events: Vec<&str> = events.lines().rev().take(25).collect();
        let events: Vec<&str> = events.into_iter().rev().collect();
        Failure::because(
            format!("{what} (namespace {})", self.name),
            format!("{why}\n{jobs}\n{pods}\n{}", events.join("\n")),
        )
    }

    /// Waits for a condition of an object, which is returned; the opposite of it is waited out.
    pub(super) fn condition(&self, (kind, name): (&str, &str), word: &str, limit: Duration) -> Outcome<Value> {
        self.wait((kind, name), limit, |object| {
            let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
            let seen = object.pointer("/status/observedGeneration").and_then(Value::as_i64);
            let well = matches!(condition(object, word), Some(("True", ..)));
            Ok((well && generation == seen).then(|| object.clone()))
        })
    }

    /// Deletes an object and waits until it is gone.
    pub(super) fn delete(&self, kind: &str, name: &str) -> Outcome<()> {
        self.text(&["delete", kind, name, "--timeout=90s"]).map(|_| ())
    }
}

impl Drop for Space<'_> {
    fn drop(&mut self) {
        if self.own {
            // The next one of this name waits for the end; a failure here shows there.
            let _ = self.stage.text(&["delete", "namespace", &self.name, "--ignore-not-found", "--wait=false"]);
        }
    }
}

/// Fails with `what` and both values unless they are the same.
pub(super) fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, wanted: &T) -> Outcome<()> {
    if found == wanted {
        return Ok(());
    }
    Err(Failure::because(format!("{what} is not as it should be"), format!("found {found:?}, wanted {wanted:?}")))
}

/// Fails with `what` and `why` unless `holds`.
pub(super) fn check(holds: bool, what: &str, why: impl std::fmt::Display) -> Outcome<()> {
    if holds { Ok(()) } else { Err(Failure::because(what, why)) }
}

/// A number at a JSON pointer.
pub(super) fn number(value: &Value, pointer: &str) -> Option<f64> {
    value.pointer(pointer).and_then(Value::as_f64)
}
