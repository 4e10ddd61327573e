//! What `decide` may say: a status, a hold, actions and a time to wake.
//!
//! Plain data that can be compared, printed and stored as golden files. Performing it is the kernel's work.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    failure::{Failures, LastFailure},
    kind::{Address, Key, Kind, Object},
};

/// What observe saw, with the failures the kernel remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen<T> {
    /// The operator's own observation.
    pub data: T,
    /// Failures of earlier passes that no success has cleared.
    #[serde(default)]
    pub failures: Failures,
}

impl<T> Seen<T> {
    /// The newest failure of one of these actions. That of an action that is no longer asked for says nothing any more.
    #[must_use]
    pub fn failure_of<E: Effect>(&self, actions: &[Action<E>]) -> Option<&LastFailure> {
        self.failures.0.iter().rev().find(|failure| actions.iter().any(|action| action.id() == failure.action))
    }
}

/// An intent that reaches outside Kubernetes (or needs an answer from there), as data.
pub trait Effect: Clone + std::fmt::Debug + PartialEq + Serialize + Send + Sync + 'static {
    /// A stable id: the same intent for the same object has the same id, in every pass.
    fn id(&self) -> String;
}

/// The effect type of operators that have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum NoEffect {}

impl Effect for NoEffect {
    fn id(&self) -> String {
        match *self {}
    }
}

/// The outcome of one `decide`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision<S, E> {
    /// The status as it should be from now on; written first, and only if it differs.
    pub status: S,
    /// Whether the finalizer must stand: true iff something outside the cluster has to be undone first.
    pub hold: bool,
    /// Performed in order, after the status is stored; the first failure ends the pass.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action<E>>,
    /// When to look again although nothing changed; `None` if nothing time-based can be missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wake: Option<Timestamp>,
}

impl<S, E> Decision<S, E> {
    /// A decision that only states `status`.
    #[must_use]
    pub const fn of(status: S) -> Self {
        Self { status, hold: false, actions: Vec::new(), wake: None }
    }

    /// Adds an action.
    #[must_use]
    pub fn act(mut self, action: Action<E>) -> Self {
        self.actions.push(action);
        self
    }

    /// Keeps the finalizer.
    #[must_use]
    pub const fn hold(mut self, hold: bool) -> Self {
        self.hold = hold;
        self
    }

    /// Wakes at `at`, or earlier if already asked.
    #[must_use]
    pub fn wake_at(mut self, at: Timestamp) -> Self {
        self.wake = Some(self.wake.map_or(at, |old| old.min(at)));
        self
    }

    /// Wakes `wait` after `now`.
    #[must_use]
    pub fn wake_after(self, now: Timestamp, wait: Duration) -> Self {
        self.wake_at(later(now, wait))
    }
}

/// `now + wait`, saturating.
#[must_use]
pub fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Action<E> {
    /// Create a child. Exists and is ours and alive: done. Ours but Terminating, or another's: a failure
    /// (`Terminating`, `NameTaken`) for the next decide.
    Create(Child),
    /// Server-side apply of a mutable child. Emit it only if [`Child::matches`] is false, so that idle costs nothing.
    Apply(Child),
    /// Delete exactly the object with this uid.
    Delete(Target),
    /// Something outside Kubernetes.
    Effect(E),
}

impl<E: Effect> Action<E> {
    /// The id under which failures of this action are remembered.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Create(child) => format!("create {}", child.address()),
            Self::Apply(child) => format!("apply {}", child.address()),
            Self::Delete(target) => format!("delete {} {}", target.kind, target.key),
            Self::Effect(effect) => effect.id(),
        }
    }
}

/// An object to delete, proved by its uid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// `Kind.kind`, for people.
    pub kind: String,
    /// Where it is.
    pub key: Key,
    /// Which incarnation.
    pub uid: String,
    /// Only if it is still at this resourceVersion; empty if any will do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    #[serde(skip)]
    pub(crate) resource: Kind,
}

impl Target {
    /// The object as last seen; its uid is the precondition.
    #[must_use]
    pub fn of<K: Object>(object: &K) -> Self {
        Self::named(Kind::of::<K>(), Key::of(object), object.meta().uid.as_deref().unwrap_or_default())
    }

    /// An object of which no more is known than its name and uid.
    #[must_use]
    pub fn named(resource: Kind, key: Key, uid: &str) -> Self {
        Self { kind: resource.kind.to_string(), key, uid: uid.to_owned(), version: String::new(), resource }
    }

    /// The same, but only as long as nothing about it has changed since it was seen: for an object whose last word must
    /// not be missed. Otherwise nothing is deleted, and the change wakes whoever asked.
    #[must_use]
    pub fn unchanged<K: Object>(object: &K) -> Self {
        Self::of(object).at_version(object.meta().resource_version.as_deref().unwrap_or_default())
    }

    /// The same as [`Self::unchanged`] for an object of which the resourceVersion is known.
    #[must_use]
    pub fn at_version(self, resource_version: &str) -> Self {
        Self { version: resource_version.to_owned(), ..self }
    }

    /// Where it is, with its kind.
    #[must_use]
    pub fn address(&self) -> Address {
        Address { kind: self.resource.clone(), key: self.key.clone() }
    }
}

/// A desired object in the cluster, as JSON with its kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Child {
    #[serde(skip)]
    pub(crate) kind: Kind,
    /// The whole desired object.
    pub body: Value,
}

impl Child {
    /// A child of `owner`: namespaced beside it, with a controller owner reference.
    #[must_use]
    pub fn of<P: Object, K: Object>(owner: &P, child: &K) -> Self {
        let mut this = Self::free(child);
        let meta = owner.meta();
        if let Some(slot) = this.body.pointer_mut("/metadata").and_then(Value::as_object_mut) {
            slot.insert("ownerReferences".into(), json!([owner_reference(owner)]));
            if let Some(namespace) = &meta.namespace {
                slot.insert("namespace".into(), json!(namespace));
            }
        }
        this
    }

    /// An object that outlives whoever made it (a shared ServiceAccount, a RoleBinding).
    #[must_use]
    pub fn free<K: Object>(child: &K) -> Self {
        let kind = Kind::of::<K>();
        let mut body = serde_json::to_value(child).unwrap_or_default();
        prune(&mut body);
        if let Some(root) = body.as_object_mut() {
            root.insert("apiVersion".into(), json!(kind.api_version()));
            root.insert("kind".into(), json!(kind.kind));
            root.remove("status");
        }
        Self { kind, body }
    }

    /// Kind and key.
    #[must_use]
    pub fn address(&self) -> Address {
        Address { kind: self.kind.clone(), key: crate::port::key_of(&self.body) }
    }

    /// Whether `live` already says everything this child says (defaults and additions of others do not count).
    #[must_use]
    pub fn matches<K: Object>(&self, live: &K) -> bool {
        self.difference(&serde_json::to_value(live).unwrap_or_default()).is_none()
    }

    /// The path of the first field in which `live` does not say what this child says.
    #[must_use]
    pub fn difference(&self, live: &Value) -> Option<String> {
        let root = self.body.as_object().into_iter().flatten();
        let mut parts = root.filter(|(name, _)| !matches!(name.as_str(), "apiVersion" | "kind"));
        parts.find_map(|(name, want)| difference(live.get(name).unwrap_or(&Value::Null), want, name))
    }
}

/// The owner reference of a child of `owner`, controlling, without blocking its deletion.
#[must_use]
pub fn owner_reference<P: Object>(owner: &P) -> Value {
    let kind = Kind::of::<P>();
    let meta = owner.meta();
    json!({
        "apiVersion": kind.api_version(), "kind": kind.kind, "controller": true,
        "name": meta.name.clone().unwrap_or_default(), "uid": meta.uid.clone().unwrap_or_default(),
    })
}

/// Drops nulls and empty collections that mandatory fields of generated types leave behind.
fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(prune);
            map.retain(|_, v| !v.is_null());
            for key in ["creationTimestamp", "managedFields"] {
                map.remove(key);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(prune),
        _ => {}
    }
}

/// The path below `path` where `have` lacks something of `want`. Lists must match element by element: a longer list is
/// drift.
fn difference(have: &Value, want: &Value, path: &str) -> Option<String> {
    match (have, want) {
        (Value::Object(have), Value::Object(want)) => want
            .iter()
            .find_map(|(key, w)| difference(have.get(key).unwrap_or(&Value::Null), w, &format!("{path}.{key}"))),
        (Value::Array(have), Value::Array(want)) if have.len() == want.len() => {
            let mut pairs = have.iter().zip(want).enumerate();
            pairs.find_map(|(at, (h, w))| difference(h, w, &format!("{path}[{at}]")))
        }
        // The API server drops empty collections.
        (Value::Null, Value::Array(want)) if want.is_empty() => None,
        (Value::Null, Value::Object(want)) if want.is_empty() => None,
        (have, want) => (have != want).then(|| path.to_owned()),
    }
}
