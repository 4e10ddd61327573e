//! The two ways an operator touches the API itself: reading in observe, and putting an object in an effect.
//!
//! Owns the difference between "not in the cache" and "gone". Never writes anything a decision did not ask for.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use millrace_crds::Reason;
use serde_json::Value;

use crate::{
    cache::Cache,
    decision::Child,
    failure::{Class, Failure},
    kind::{Address, Key, Kind, Object},
    port::{Port, Query, Write, text},
};

/// What became of an object that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// It is as the last write left it.
    Alone,
    /// Somebody has changed it since, or made another of its name.
    Altered,
    /// It is gone.
    Gone,
}

/// Read access for observe: the cache, and live GETs where a miss must be proved.
#[derive(Clone)]
pub struct Reader {
    /// The cache of the process.
    pub cache: Arc<Cache>,
    pub(crate) port: Arc<dyn Port>,
}

impl Reader {
    /// A reader over a cache and a port.
    #[must_use]
    pub fn new(cache: Arc<Cache>, port: Arc<dyn Port>) -> Self {
        Self { cache, port }
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.port.now()
    }

    /// How long the process has run, whatever the machine's clock does.
    #[must_use]
    pub(crate) fn elapsed(&self) -> Duration {
        self.port.elapsed()
    }

    /// The cached object of this key.
    #[must_use]
    pub fn cached<K: Object>(&self, key: &Key) -> Option<Arc<K>> {
        self.cache.get(key)
    }

    /// The cached object of this key, if the owner with this uid controls it: a name alone proves nothing.
    #[must_use]
    pub fn child<K: Object>(&self, key: &Key, owner_uid: &str) -> Option<Arc<K>> {
        self.cached::<K>(key).filter(|object| controlled_by(&**object, owner_uid))
    }

    /// As [`Self::child`], proved by a live GET where the cache misses: a read saves a creation that would be refused.
    ///
    /// # Errors
    /// As [`Self::live`].
    pub async fn owned_or_live<K: Object>(&self, key: &Key, owner_uid: &str) -> Result<Option<K>, Failure> {
        match self.cached::<K>(key) {
            Some(cached) => Ok(Some((*cached).clone()).filter(|object| controlled_by(object, owner_uid))),
            None => self.live_child::<K>(key, owner_uid).await,
        }
    }

    /// A live GET: the proof of absence that a cache miss is not.
    ///
    /// # Errors
    /// Any answer of the API server but 200 and 404.
    pub async fn live<K: Object>(&self, key: &Key) -> Result<Option<K>, Failure> {
        let Some(value) = self.port.get(&Address::of::<K>(key.clone())).await? else { return Ok(None) };
        let decoded = serde_json::from_value(value);
        decoded
            .map(Some)
            .map_err(|e| Failure::new(Class::Internal, Reason::Undecodable, format!("{}: {e}", Kind::of::<K>().kind)))
    }

    /// As [`Self::live`], if the owner with this uid controls the object.
    ///
    /// # Errors
    /// As [`Self::live`].
    pub async fn live_child<K: Object>(&self, key: &Key, owner_uid: &str) -> Result<Option<K>, Failure> {
        Ok(self.live::<K>(key).await?.filter(|object| controlled_by(object, owner_uid)))
    }

    /// A live list of this kind. Ask only where a rare state needs it: it costs the API server more than a watch.
    ///
    /// # Errors
    /// Any answer of the API server but 200, or an object that is not of this kind.
    pub async fn list<K: Object>(&self, query: &Query) -> Result<Vec<K>, Failure> {
        let kind = Kind::of::<K>();
        let found = self.port.list(&kind, query).await?;
        let decoded = found.into_iter().map(serde_json::from_value).collect::<Result<_, _>>();
        decoded.map_err(|e| Failure::new(Class::Internal, Reason::Undecodable, format!("{}: {e}", kind.kind)))
    }

    /// What the API server would say to the creation of this object: admission, quota and defaults included, nothing is
    /// stored. It costs as much as the creation, so ask only where the answer decides something.
    ///
    /// # Errors
    /// The refusal, or no answer.
    pub async fn would_create(&self, child: &Child) -> Result<(), Failure> {
        self.port.dry_run(&child.kind, child.body.clone()).await
    }

    /// Whether an object that the operator may write but not read (a Secret) is still as its last write left it. `child`
    /// names it, with its type and without its data; `version` is what [`Writer::put`] returned. Asked by a replacement that
    /// is valid for this version only and is not stored, so it needs the right `update` and shows nothing of the content.
    ///
    /// # Errors
    /// Any other answer, or none.
    pub async fn unaltered(&self, child: &Child, version: &str) -> Result<Left, Failure> {
        let mut body = child.body.clone();
        if let Some(meta) = body.pointer_mut("/metadata").and_then(Value::as_object_mut) {
            meta.insert("resourceVersion".into(), Value::from(version));
        }
        match self.port.dry_put(&child.kind, body).await {
            Ok(()) => Ok(Left::Alone),
            Err(changed) if changed.is_conflict() => Ok(Left::Altered),
            Err(gone) if gone.is_not_found() => Ok(Left::Gone),
            Err(other) => Err(other),
        }
    }

    /// The object with this uid: from the cache, or by a live GET if the cache misses. `None` is proof that this
    /// incarnation is gone.
    ///
    /// # Errors
    /// As [`Self::live`].
    pub async fn proved<K: Object>(&self, key: &Key, uid: &str) -> Result<Option<Arc<K>>, Failure> {
        let same = |object: &K| object.meta().uid.as_deref() == Some(uid);
        if let Some(object) = self.cached::<K>(key).filter(|o| same(o)) {
            return Ok(Some(object));
        }
        Ok(self.live::<K>(key).await?.filter(same).map(Arc::new))
    }
}

/// Whether the owner with this uid controls the object.
#[must_use]
pub fn controlled_by<K: Object>(object: &K, owner_uid: &str) -> bool {
    let mut owners = object.meta().owner_references.iter().flatten();
    owners.any(|owner| owner.controller == Some(true) && owner.uid == owner_uid)
}

/// Write access for effects whose result is an object (a Secret of credentials).
#[derive(Clone)]
pub struct Writer {
    pub(crate) port: Arc<dyn Port>,
}

impl Writer {
    /// The current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.port.now()
    }

    /// Creates the object, or overwrites it without reading it. The name must be derived from our own object's uid, and
    /// the kind must be one whose type cannot change (a Secret's): then somebody else's object is refused, not lost.
    /// Returns the resourceVersion it has now, by which [`Reader::unaltered`] knows it again.
    ///
    /// # Errors
    /// The API server's refusal.
    pub async fn put(&self, child: &Child) -> Result<String, Failure> {
        let stored = match self.port.write(Write::Create(child.kind.clone(), child.body.clone())).await {
            Err(exists) if exists.is_conflict() => {
                self.port.write(Write::Put(child.kind.clone(), child.body.clone())).await?
            }
            other => other?,
        };
        Ok(text(&stored, "/metadata/resourceVersion").to_owned())
    }
}
