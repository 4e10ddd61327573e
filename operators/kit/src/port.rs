//! The small port through which the kernel meets the Kubernetes API: one read, one write, one clock.
//!
//! Implemented by the real client ([`crate::client`]) and by the simulated world ([`crate::sim`]), and around either by
//! the fence of a process without a lease ([`crate::fence`]). Reads that may be answered from a cache do not pass here; see [`crate::cache`].

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    failure::Failure,
    kind::{Address, Key, Kind},
};

/// One write to the Kubernetes API.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// POST of a new object.
    Create(Kind, Value),
    /// PUT on `/status`; the body carries the resourceVersion it was decided upon.
    Status(Kind, Value),
    /// Server-side apply with the operator's field manager, forced.
    Apply(Kind, Value),
    /// PUT of a whole object. Without a resourceVersion in it whatever is there is replaced: for kinds the operator may write
    /// but not read (Secrets).
    Put(Kind, Value),
    /// Merge patch of `metadata.finalizers`, valid only for this resourceVersion.
    Finalizers(Address, String, Vec<String>),
    /// DELETE with a uid precondition, and a resourceVersion one unless that is empty.
    Delete(Address, String, String),
}

impl Write {
    /// The address written to.
    #[must_use]
    pub fn address(&self) -> Address {
        match self {
            Self::Create(kind, body) | Self::Status(kind, body) | Self::Apply(kind, body) | Self::Put(kind, body) => {
                Address { kind: kind.clone(), key: key_of(body) }
            }
            Self::Finalizers(at, ..) | Self::Delete(at, ..) => at.clone(),
        }
    }

    /// Lower-case verb for logs, ids and traces.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Create(..) => "create",
            Self::Status(..) => "status",
            Self::Apply(..) => "apply",
            Self::Put(..) => "put",
            Self::Finalizers(..) => "finalizers",
            Self::Delete(..) => "delete",
        }
    }
}

/// Namespace and name from an object's JSON.
#[must_use]
pub fn key_of(body: &Value) -> Key {
    Key::new(text(body, "/metadata/namespace"), text(body, "/metadata/name"))
}

/// The string at a JSON pointer, or empty.
#[must_use]
pub fn text<'a>(body: &'a Value, pointer: &str) -> &'a str {
    body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Which objects a list is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Namespace; empty for a kind without one.
    pub namespace: String,
    /// Label selector (`a=b,c!=d`); empty for all.
    pub labels: String,
    /// Field selector (`involvedObject.uid=…`); empty for all.
    pub fields: String,
    /// Most objects to return; the API server picks which.
    pub limit: u32,
}

/// Which state of which object there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The object.
    pub key: Key,
    /// Its incarnation.
    pub uid: String,
    /// Its resourceVersion.
    pub version: String,
}

/// The Kubernetes API as the kernel sees it.
#[async_trait]
pub trait Port: Send + Sync {
    /// The current time, as the machine's clock has it.
    fn now(&self) -> Timestamp;

    /// How long the process has run, whatever the machine's clock does.
    fn elapsed(&self) -> Duration;

    /// Whether the process may act outside the Kubernetes API, too.
    ///
    /// # Errors
    /// It does not hold its lease.
    fn may_act(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// A live GET, never answered from a cache. `None` for 404.
    async fn get(&self, at: &Address) -> Result<Option<Value>, Failure>;

    /// A live list, for what is asked too rarely to be worth a watch.
    async fn list(&self, kind: &Kind, query: &Query) -> Result<Vec<Value>, Failure>;

    /// The present state of all objects of a kind, by name only, never answered from a cache.
    async fn versions(&self, kind: &Kind) -> Result<Vec<Version>, Failure>;

    /// Whether the API server would create this object: everything but the storing of it (`dryRun=All`).
    async fn dry_run(&self, kind: &Kind, body: Value) -> Result<(), Failure>;

    /// Whether the API server would replace the object of this name by `body`, which carries the resourceVersion it must
    /// have; nothing is stored.
    async fn dry_put(&self, kind: &Kind, body: Value) -> Result<(), Failure>;

    /// Performs one write and returns the object as stored (the last state of it for a delete).
    async fn write(&self, write: Write) -> Result<Value, Failure>;
}
