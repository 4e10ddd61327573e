//! What every story needs: a namespace of its own, objects in it, waiting for what should happen.
//!
//! Everything goes through kubectl. Waiting has a deadline, and a time-out shows the objects it was about.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cluster::tool;
use crate::evidence::{self, About};
use crate::patience;
use crate::stage::{Stage, TEAM, at, condition};
use crate::ui::{Failure, Outcome, short};

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
        let limit = format!("--timeout={}", patience::seconds(Duration::from_secs(120)));
        stage.text(&["delete", "namespace", name, "--ignore-not-found", &limit])?;
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
        let late = || self.late(&format!("what {kind} {name} should become"), Some(About { kind, name }));
        tool::wait(limit, paced(look), late)
    }

    /// Waits until `ready` gives a value; a time-out says (what) has not come, and what there is.
    pub(super) fn until<T>(
        &self,
        (what, limit): (&str, Duration),
        ready: impl FnMut() -> Outcome<Option<T>>,
    ) -> Outcome<T> {
        tool::wait(limit, paced(ready), || self.late(what, None))
    }

    fn late(&self, what: &str, about: Option<About<'_>>) -> Failure {
        let evidence = evidence::of(&|args| self.stage.text(args), &self.name, about);
        Failure::because(format!("{what} has not come (namespace {})", self.name), evidence)
    }

    /// A failure with what people would look at next: the jobs, pods and Events of the namespace, the load of the machine.
    pub(super) fn failure(&self, what: &str, why: impl std::fmt::Display) -> Failure {
        let evidence = evidence::of(&|args| self.stage.text(args), &self.name, None);
        Failure::because(format!("{what} (namespace {})", self.name), format!("{why}\n{evidence}"))
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
        let limit = format!("--timeout={}", patience::seconds(Duration::from_secs(90)));
        self.text(&["delete", kind, name, &limit]).map(|_| ())
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

/// The same look, with a pause after each one that found nothing.
fn paced<T>(mut look: impl FnMut() -> Outcome<Option<T>>) -> impl FnMut() -> Outcome<Option<T>> {
    move || {
        let found = look()?;
        if found.is_none() {
            std::thread::sleep(PACE);
        }
        Ok(found)
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

/// From an object's creation to the last change of one of its conditions, by the API server's clock; for people.
pub(super) fn took(object: &Value, condition: &str) -> String {
    let all = object.pointer("/status/conditions").and_then(Value::as_array);
    let found = all.into_iter().flatten().find(|c| at(c, "/type") == condition);
    let begun = at(object, "/metadata/creationTimestamp").parse::<Timestamp>();
    match (begun, found.map(|c| at(c, "/lastTransitionTime").parse::<Timestamp>())) {
        (Ok(begun), Some(Ok(ended))) => short(ended.duration_since(begun).unsigned_abs()),
        _ => "some time".to_owned(),
    }
}

/// A number at a JSON pointer.
pub(super) fn number(value: &Value, pointer: &str) -> Option<f64> {
    value.pointer(pointer).and_then(Value::as_f64)
}
