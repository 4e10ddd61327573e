//! The simulated API server behind the port: resourceVersions, conflicts, finalizers, server-side apply.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use millrace_crds::ReasonText;
use serde_json::{Value, json};

use super::{
    reasons::gather,
    world::{Inner, World, selected},
};
use crate::{
    Address, Failure, Kind, Port, Query, Version, Write,
    port::{key_of, text},
};

#[async_trait]
impl Port for World {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }

    /// In this world clocks do not jump.
    fn elapsed(&self) -> Duration {
        Duration::try_from(Self::now(self).duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default()
    }

    async fn get(&self, at: &Address) -> Result<Option<Value>, Failure> {
        if self.dead() {
            return Err(Failure::new(
                crate::Class::Transient,
                ReasonText::as_given("Simulated"),
                "the process is dead",
            ));
        }
        Ok(self.lock().objects.get(at).cloned())
    }

    async fn list(&self, kind: &Kind, query: &Query) -> Result<Vec<Value>, Failure> {
        if self.dead() {
            return Err(Failure::new(
                crate::Class::Transient,
                ReasonText::as_given("Simulated"),
                "the process is dead",
            ));
        }
        let inner = self.lock();
        let wanted = |at: &Address, value: &Value| {
            at.kind == *kind
                && at.key.namespace == query.namespace
                && (query.labels.is_empty() || selected(Some(&query.labels), value))
                && has_fields(&query.fields, value)
        };
        let found = inner.objects.iter().filter(|(at, value)| wanted(at, value)).map(|(_, value)| value.clone());
        Ok(found.take(usize::try_from(query.limit).unwrap_or(usize::MAX)).collect())
    }

    async fn versions(&self, kind: &Kind) -> Result<Vec<Version>, Failure> {
        if self.dead() {
            return Err(Failure::new(
                crate::Class::Transient,
                ReasonText::as_given("Simulated"),
                "the process is dead",
            ));
        }
        let inner = self.lock();
        let all = inner.objects.iter().filter(|(at, _)| at.kind == *kind);
        let version = |(at, object): (&Address, &Value)| Version {
            key: at.key.clone(),
            uid: text(object, "/metadata/uid").to_owned(),
            version: text(object, "/metadata/resourceVersion").to_owned(),
        };
        Ok(all.map(version).collect())
    }

    async fn dry_run(&self, kind: &Kind, body: Value) -> Result<(), Failure> {
        if self.dead() {
            return Err(Failure::new(
                crate::Class::Transient,
                ReasonText::as_given("Simulated"),
                "the process is dead",
            ));
        }
        let at = Address { kind: kind.clone(), key: key_of(&body) };
        self.lock().admitted(&at, &body)
    }

    async fn dry_put(&self, kind: &Kind, body: Value) -> Result<(), Failure> {
        if self.dead() {
            return Err(Failure::new(
                crate::Class::Transient,
                ReasonText::as_given("Simulated"),
                "the process is dead",
            ));
        }
        let at = Address { kind: kind.clone(), key: key_of(&body) };
        self.lock().current(&at, text(&body, "/metadata/resourceVersion")).map(|_| ())
    }

    async fn write(&self, write: Write) -> Result<Value, Failure> {
        let what = format!("{} {}", write.verb(), write.address());
        if let Write::Status(_, body) = &write
            && !self.dead()
        {
            self.note(|| format!("decide   {}: {}", write.address(), says(body)));
        }
        self.gate(&what, || self.lock().write(write))
    }
}

/// What a status says, for people: its phase and its conditions.
fn says(object: &Value) -> String {
    let phase = object.pointer("/status/phase").and_then(Value::as_str).map(str::to_owned);
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let condition = |c: &Value| format!("{}={} ({})", text(c, "/type"), text(c, "/status"), text(c, "/reason"));
    phase.into_iter().chain(conditions.map(condition)).collect::<Vec<_>>().join(", ")
}

impl Inner {
    fn write(&mut self, mut write: Write) -> Result<Value, Failure> {
        let at = write.address();
        if let (Some(webhook), Write::Create(_, body) | Write::Apply(_, body)) = (self.webhook, &mut write) {
            webhook(&at, body);
        }
        match write {
            Write::Create(_, body) => {
                self.admitted(&at, &body)?;
                if self.timeline.is_some() && at.kind.kind == "Event" {
                    gather(&body, &mut self.reasons);
                }
                let stored = self.create(&at, body)?;
                *self.creates.entry(at).or_default() += 1;
                Ok(stored)
            }
            Write::Delete(_, uid, version) => {
                if self.objects.contains_key(&at) {
                    self.current(&at, &version)?;
                }
                self.delete(&at, &uid)
            }
            Write::Status(_, body) => {
                let mut stored = self.current(&at, text(&body, "/metadata/resourceVersion"))?;
                let new = body.get("status").cloned().unwrap_or_default();
                if self.timeline.is_some() {
                    gather(&new, &mut self.reasons);
                }
                if stored.get("status") == Some(&new) {
                    return Ok(stored);
                }
                stored["status"] = new;
                Ok(self.store(&at, stored))
            }
            Write::Finalizers(_, version, list) => {
                let mut stored = self.current(&at, &version)?;
                stored["metadata"]["finalizers"] = json!(list);
                let dying = stored.pointer("/metadata/deletionTimestamp").is_some();
                let stored = self.store(&at, stored);
                if dying && list.is_empty() {
                    self.remove(&at);
                }
                Ok(stored)
            }
            Write::Apply(_, body) => {
                let last = self.applied.insert(at.clone(), body.clone());
                let Some(stored) = self.objects.get(&at).cloned() else { return self.create(&at, body) };
                self.replace(&at, stored, |stored| {
                    if let Some(last) = &last {
                        withdraw(stored, last, &body);
                    }
                    merge(stored, &body);
                })
            }
            Write::Put(_, body) => {
                let stored = self.current(&at, text(&body, "/metadata/resourceVersion"))?;
                self.replace(&at, stored, |stored| {
                    let meta = stored["metadata"].take();
                    *stored = body;
                    let mut given = stored["metadata"].take();
                    for kept in ["uid", "generation", "creationTimestamp"] {
                        given[kept] = meta[kept].clone();
                    }
                    stored["metadata"] = given;
                })
            }
        }
    }

    /// What the story's admission says, and whether the name is free.
    fn admitted(&self, at: &Address, body: &Value) -> Result<(), Failure> {
        if self.objects.contains_key(at) {
            return Err(Failure::http(409, "AlreadyExists", format!("{at} already exists")));
        }
        self.admission.map_or(Ok(()), |admission| admission(at, body))
    }

    fn current(&self, at: &Address, version: &str) -> Result<Value, Failure> {
        let Some(stored) = self.objects.get(at).cloned() else {
            return Err(Failure::http(404, "NotFound", format!("{at} not found")));
        };
        if !version.is_empty() && text(&stored, "/metadata/resourceVersion") != version {
            return Err(Failure::http(409, "Conflict", format!("{at} has changed")));
        }
        Ok(stored)
    }

    fn replace(&mut self, at: &Address, stored: Value, edit: impl FnOnce(&mut Value)) -> Result<Value, Failure> {
        let mut new = stored.clone();
        edit(&mut new);
        if new == stored {
            return Ok(stored);
        }
        if new.get("spec") != stored.get("spec") {
            let generation = stored.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0);
            new["metadata"]["generation"] = json!(generation + 1);
        }
        Ok(self.store(at, new))
    }
}

/// Takes back what the last apply said and this one no longer says.
fn withdraw(from: &mut Value, last: &Value, now: &Value) {
    let (Value::Object(from), Value::Object(last)) = (from, last) else { return };
    for (key, old) in last {
        match now.get(key) {
            None => _ = from.remove(key),
            Some(now) => {
                if let Some(slot) = from.get_mut(key) {
                    withdraw(slot, old, now);
                }
            }
        }
    }
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// Equality of fields (`involvedObject.uid=x,type!=Normal`), which is all that is asked for.
fn has_fields(selector: &str, value: &Value) -> bool {
    let field = |path: &str| text(value, &format!("/{}", path.replace('.', "/"))).to_owned();
    selector.split(',').filter(|term| !term.is_empty()).all(|term| {
        match (term.split_once("!="), term.split_once('=')) {
            (Some((path, not)), _) => field(path) != not,
            (None, Some((path, want))) => field(path) == want,
            (None, None) => false,
        }
    })
}
