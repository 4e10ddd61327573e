//! The two ways an operator touches the API itself: reading in observe, and putting an object in an effect.
//!
//! Owns the difference between "not in the cache" and "gone". Never writes anything a decision did not ask for.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    cache::Cache,
    decision::Child,
    failure::{Class, Failure},
    kind::{Address, Key, Kind, Object},
    port::{Port, Query, Write},
};

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

    /// The cached object of this key.
    #[must_use]
    pub fn cached<K: Object>(&self, key: &Key) -> Option<Arc<K>> {
        self.cache.get(key)
    }

    /// The cached object of this key, if the owner with this uid controls it: a name alone proves nothing.
    #[must_use]
    pub fn child<K: Object>(&self, key: &Key, owner_uid: &str) -> Option<Arc<K>> {
        let ours = |o: &Arc<K>| {
            let mut owners = o.meta().owner_references.iter().flatten();
            owners.any(|r| r.controller == Some(true) && r.uid == owner_uid)
        };
        self.cached::<K>(key).filter(ours)
    }

    /// A live GET: the proof of absence that a cache miss is not.
    ///
    /// # Errors
    /// Any answer of the API server but 200 and 404.
    pub async fn live<K: Object>(&self, key: &Key) -> Result<Option<K>, Failure> {
        let Some(value) = self.port.get(&Address::of::<K>(key.clone())).await? else { return Ok(None) };
        let decoded = serde_json::from_value(value);
        decoded.map(Some).map_err(|e| Failure::new(Class::Bug, "Undecodable", format!("{}: {e}", Kind::of::<K>().kind)))
    }

    /// A live list of this kind. Ask only where a rare state needs it: it costs the API server more than a watch.
    ///
    /// # Errors
    /// Any answer of the API server but 200, or an object that is not of this kind.
    pub async fn list<K: Object>(&self, query: &Query) -> Result<Vec<K>, Failure> {
        let kind = Kind::of::<K>();
        let found = self.port.list(&kind, query).await?;
        let decoded = found.into_iter().map(serde_json::from_value).collect::<Result<_, _>>();
        decoded.map_err(|e| Failure::new(Class::Bug, "Undecodable", format!("{}: {e}", kind.kind)))
    }

    /// What the API server would say to the creation of this object: admission, quota and defaults included, nothing is
    /// stored. It costs as much as the creation, so ask only where the answer decides something.
    ///
    /// # Errors
    /// The refusal, or no answer.
    pub async fn would_create(&self, child: &Child) -> Result<(), Failure> {
        self.port.dry_run(&child.kind, child.body.clone()).await
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

/// Write access for effects whose result is an object (a Secret of credentials).
#[derive(Clone)]
pub struct Hands {
    pub(crate) port: Arc<dyn Port>,
}

impl Hands {
    /// The current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.port.now()
    }

    /// Creates the object, or overwrites it without reading it. The name must be derived from our own object's uid, and
    /// the kind must be one whose type cannot change (a Secret's): then somebody else's object is refused, not lost.
    ///
    /// # Errors
    /// The API server's refusal.
    pub async fn put(&self, child: &Child) -> Result<(), Failure> {
        match self.port.write(Write::Create(child.kind.clone(), child.body.clone())).await {
            Err(exists) if exists.is_conflict() => {
                self.port.write(Write::Put(child.kind.clone(), child.body.clone())).await.map(|_| ())
            }
            other => other.map(|_| ()),
        }
    }
}
