//! DataPlane -> connections: one broker view and one store client per DataPlane, opened by its spec, reopened when
//! its addresses or credentials change.
//!
//! Get a client with [`Connections::store`]. Keys are read live from the
//! operator's own namespace, used for 20 s before the Secret is read again, and never put into an `Observed`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use millrace_crds::{
    DataPlane, SecretRef,
    well_known::{STORE_KEY_ACCESS_KEY, STORE_KEY_SECRET_KEY},
};
use millrace_kit::{Failure, Key, Reader, access::Access, later};

use crate::{
    doubt::Doubt,
    kafka::{Broker, OpenKafka},
    probes::Probes,
    store::{Keys, OpenStore, Settings, Store, StoreError, StoreKeys, Trouble},
};

/// Rights every controller of this operator shares.
pub const ACCESS: &[Access] = &[
    Access::own("", "secrets", &["get"], "the DataPlanes' admin and STS credentials"),
    Access::cluster("", "namespaces", &["get", "list", "watch"], "labels decide which namespaces may use a DataPlane"),
];

/// How long keys are used before the Secret is read again; a rotated Secret is picked up within it.
const KEYS_LIVE: Duration = Duration::from_secs(20);

struct Kept {
    settings: Settings,
    keys: StoreKeys,
    checked: Timestamp,
    client: Arc<dyn Store>,
    /// resourceVersion of the Secret with the `sts` keys.
    sts_version: Option<String>,
}

/// The bootstrap servers a view was opened with, and the view.
type Opened = (String, Arc<dyn Broker>);

/// The connections of the process.
pub struct Connections {
    namespace: String,
    kafka: Arc<dyn OpenKafka>,
    store: Arc<dyn OpenStore>,
    brokers: Mutex<HashMap<String, Opened>>,
    stores: Mutex<HashMap<String, Kept>>,
    pub(crate) probes: Probes,
    doubts: Mutex<HashMap<String, Doubt>>,
}

impl Connections {
    /// An empty registry; `namespace` is the operator's own, where the Secrets are.
    #[must_use]
    pub fn new(namespace: &str, kafka: Arc<dyn OpenKafka>, store: Arc<dyn OpenStore>) -> Arc<Self> {
        Arc::new(Self {
            namespace: namespace.to_owned(),
            kafka,
            store,
            brokers: Mutex::default(),
            stores: Mutex::default(),
            probes: Probes::default(),
            doubts: Mutex::default(),
        })
    }

    /// The operator's own namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The broker view of a DataPlane; `None` if it has no Kafka.
    #[must_use]
    pub fn broker(&self, plane: &DataPlane) -> Option<Arc<dyn Broker>> {
        let spec = plane.spec.kafka.as_ref()?;
        let name = plane.metadata.name.clone().unwrap_or_default();
        let mut brokers = self.brokers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((servers, broker)) = brokers.get(&name)
            && *servers == spec.bootstrap_servers
            && !broker.closed()
        {
            return Some(Arc::clone(broker));
        }
        let broker = self.kafka.open(&name, spec);
        brokers.insert(name, (spec.bootstrap_servers.clone(), Arc::clone(&broker)));
        Some(broker)
    }

    /// The store client of a DataPlane.
    ///
    /// # Errors
    /// Outer: the Kubernetes API failed. Inner: the DataPlane has no store, or lacks usable keys; data for `Observed`.
    pub async fn store(
        &self,
        plane: &DataPlane,
        reader: &Reader,
    ) -> Result<Result<Arc<dyn Store>, StoreError>, Failure> {
        let name = plane.metadata.name.clone().unwrap_or_default();
        let lacks = |what: String| Ok(Err(StoreError::new(Trouble::NoStoreKeys, what)));
        let Some(spec) = &plane.spec.object_store else {
            return lacks(format!("DataPlane {name} has no spec.objectStore"));
        };
        let settings = Settings::of(spec);
        let now = reader.now();
        let fresh = |k: &&Kept| k.settings == settings && now < later(k.checked, KEYS_LIVE);
        if let Some(k) = self.stores.lock().unwrap_or_else(PoisonError::into_inner).get(&name).filter(fresh) {
            return Ok(Ok(Arc::clone(&k.client)));
        }
        let Some(admin) = &plane.spec.admin_secret_ref else {
            return lacks(format!("DataPlane {name} has no spec.adminSecretRef"));
        };
        let admin = match self.keys(admin, reader).await? {
            Ok((keys, _)) => keys,
            Err(missing) => return lacks(missing),
        };
        let sts = match &plane.spec.sts_secret_ref {
            // A missing STS Secret takes grants away, not buckets: the client itself reports `NoStsKeys`.
            Some(secret) => self.keys(secret, reader).await?.ok(),
            None => None,
        };
        let (sts, sts_version) = sts.unzip();
        let keys = StoreKeys { admin, sts };
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(k) = stores.get_mut(&name).filter(|k| k.settings == settings && k.keys == keys) {
            k.checked = now;
            k.sts_version = sts_version;
            return Ok(Ok(Arc::clone(&k.client)));
        }
        let client = self.store.open(&settings, &keys);
        stores.insert(name, Kept { settings, keys, checked: now, client: Arc::clone(&client), sts_version });
        Ok(Ok(client))
    }

    /// resourceVersion of the Secret with the `sts` keys that [`Self::store`] used last; `None` if there are no usable ones.
    #[must_use]
    pub fn sts_version(&self, plane: &str) -> Option<String> {
        let stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        stores.get(plane).and_then(|kept| kept.sts_version.clone())
    }

    /// Unanswered questions to stores, by DataPlane.
    pub(crate) fn doubts(&self) -> MutexGuard<'_, HashMap<String, Doubt>> {
        self.doubts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the next use read the Secrets of this DataPlane again: call it when the store refuses the keys.
    pub fn invalidate_credentials(&self, plane: &str) {
        if let Some(kept) = self.stores.lock().unwrap_or_else(PoisonError::into_inner).get_mut(plane) {
            kept.checked = Timestamp::MIN;
        }
    }

    async fn keys(&self, secret: &SecretRef, reader: &Reader) -> Result<Result<(Keys, String), String>, Failure> {
        let at = Key::new(&self.namespace, &secret.name);
        let needs = format!("the keys {STORE_KEY_ACCESS_KEY} and {STORE_KEY_SECRET_KEY}, both not empty");
        let Some(secret) = reader.live::<Secret>(&at).await? else {
            return Ok(Err(format!("Secret {at} does not exist; create it with {needs}")));
        };
        let version = secret.metadata.resource_version.unwrap_or_default();
        let data = secret.data.unwrap_or_default();
        let key =
            |name: &str| data.get(name).and_then(|b| String::from_utf8(b.0.clone()).ok()).filter(|s| !s.is_empty());
        Ok(match (key(STORE_KEY_ACCESS_KEY), key(STORE_KEY_SECRET_KEY)) {
            (Some(access), Some(secret)) => Ok((Keys { access, secret }, version)),
            _ => Err(format!("Secret {at} must have {needs}")),
        })
    }
}
