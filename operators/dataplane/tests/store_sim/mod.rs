//! A store in memory for the simulated world: every change passes the gate, real changes are recorded, it can be away.
//!
//! Lives on the world's shelf, so that it outlives the operator's crashes.

#![allow(dead_code, clippy::unwrap_used, reason = "shared by several test binaries; a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use k8s_openapi::{ByteString, api::core::v1::Namespace, api::core::v1::Secret};
use kube::api::ObjectMeta;
use millrace_crds::{
    DataPlane, DataPlaneSpec, SecretRef,
    data_plane::{KafkaSpec, ObjectStoreSpec},
};
use millrace_dataplane::{
    connect::Connections,
    kafka::{Broker, OpenKafka},
    store::{
        Assume, Bucket, Credentials, Expiry, OpenStore, Settings, Store, StoreError, StoreKeys, Trouble, Versioning,
    },
};
use millrace_kit::{Failure, async_trait, sim::World};

/// What is in the secret part of every credential this store gives: must be found in Secrets alone.
pub(crate) const TREASURE: &str = "TREASURE";
/// The operator's namespace in the simulated world.
pub(crate) const HOME: &str = "millrace";

/// One bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stored {
    pub(crate) bucket: Bucket,
    pub(crate) objects: u32,
    pub(crate) keys: BTreeSet<String>,
}

/// The state.
#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub(crate) buckets: BTreeMap<String, Stored>,
    pub(crate) away: bool,
    pub(crate) looks: u32,
    pub(crate) policies: Vec<String>,
    /// How often it has forgotten what it had issued.
    pub(crate) forgot: u32,
}

/// The store of one world.
#[derive(Default)]
pub(crate) struct Shelf(Mutex<Inner>);

/// The store's state.
pub(crate) fn state(world: &World) -> Arc<Shelf> {
    world.shelf::<Shelf>()
}

impl Shelf {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client of the store of a world.
pub(crate) struct Client {
    world: World,
    tokens: bool,
}

fn away(what: &str) -> StoreError {
    StoreError::new(Trouble::StoreUnreachable, format!("{what}: connection refused"))
}

fn gone(bucket: &str) -> StoreError {
    StoreError::new(Trouble::NoSuchBucket, format!("bucket {bucket}: NoSuchBucket"))
}

impl Client {
    /// One change through the gate; `apply` says whether it really changed something.
    fn change(
        &self,
        what: String,
        apply: impl FnOnce(&mut Inner) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let shelf = state(&self.world);
        if shelf.lock().away {
            return Err(away(&what));
        }
        let mut refused = None;
        let done = self.world.gate(&what, || {
            let answer = apply(&mut shelf.lock());
            match answer {
                Ok(true) => self.world.effect(&what),
                Ok(false) => {}
                Err(error) => {
                    refused = Some(error.clone());
                    return Err(Failure::from(error));
                }
            }
            Ok(())
        });
        match (done, refused) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(error)) => Err(error),
            (Err(cut), None) => Err(StoreError::new(Trouble::StoreUnreachable, cut.message)),
        }
    }
}

#[async_trait]
impl Store for Client {
    async fn probe(&self) -> Result<(), StoreError> {
        if state(&self.world).lock().away { Err(away("listing buckets")) } else { Ok(()) }
    }

    async fn look(&self, bucket: &str) -> Result<Option<Bucket>, StoreError> {
        let shelf = state(&self.world);
        let mut inner = shelf.lock();
        inner.looks += 1;
        if inner.away || self.world.dead() {
            return Err(away(bucket));
        }
        Ok(inner.buckets.get(bucket).map(|s| s.bucket.clone()))
    }

    async fn has(&self, bucket: &str, key: &str) -> Result<bool, StoreError> {
        let shelf = state(&self.world);
        let inner = shelf.lock();
        if inner.away || self.world.dead() {
            return Err(away(bucket));
        }
        let stored = inner.buckets.get(bucket).ok_or_else(|| gone(bucket))?;
        Ok(stored.keys.iter().any(|k| k == key || (key.ends_with('/') && k.starts_with(key))))
    }

    async fn create(&self, bucket: &str) -> Result<(), StoreError> {
        self.change(format!("create bucket {bucket}"), |inner| {
            if inner.buckets.contains_key(bucket) {
                return Err(StoreError::new(Trouble::Exists, format!("bucket {bucket}: BucketAlreadyOwnedByYou")));
            }
            inner.buckets.insert(bucket.to_owned(), Stored::default());
            Ok(true)
        })
    }

    async fn tags(&self, bucket: &str) -> Result<BTreeMap<String, String>, StoreError> {
        let shelf = state(&self.world);
        let inner = shelf.lock();
        if inner.away || self.world.dead() {
            return Err(away(bucket));
        }
        Ok(inner.buckets.get(bucket).ok_or_else(|| gone(bucket))?.bucket.tags.clone())
    }

    async fn tag(&self, bucket: &str, tags: &BTreeMap<String, String>) -> Result<(), StoreError> {
        self.change(format!("tag bucket {bucket}"), |inner| {
            let stored = inner.buckets.get_mut(bucket).ok_or_else(|| gone(bucket))?;
            let before = stored.bucket.tags.clone();
            stored.bucket.tags.clone_from(tags);
            Ok(stored.bucket.tags != before)
        })
    }

    async fn versioning(&self, bucket: &str, on: bool) -> Result<(), StoreError> {
        self.change(format!("versioning {on} of bucket {bucket}"), |inner| {
            let stored = inner.buckets.get_mut(bucket).ok_or_else(|| gone(bucket))?;
            let want = if on { Versioning::Enabled } else { Versioning::Suspended };
            Ok(std::mem::replace(&mut stored.bucket.versioning, want) != want)
        })
    }

    async fn expire(&self, bucket: &str, change: &Expiry) -> Result<(), StoreError> {
        self.change(format!("expiry {change:?} of bucket {bucket}"), |inner| {
            let stored = inner.buckets.get_mut(bucket).ok_or_else(|| gone(bucket))?;
            let before = stored.bucket.expire.clone();
            stored.bucket.expire.retain(|prefix, _| !change.drop.contains(prefix));
            stored.bucket.expire.extend(change.set.clone());
            Ok(stored.bucket.expire != before)
        })
    }

    async fn empty(&self, bucket: &str) -> Result<bool, StoreError> {
        // One piece takes two objects, so that a full bucket needs several passes.
        self.change(format!("empty bucket {bucket}"), |inner| {
            let stored = inner.buckets.get_mut(bucket).ok_or_else(|| gone(bucket))?;
            stored.objects = stored.objects.saturating_sub(2);
            Ok(false)
        })?;
        Ok(state(&self.world).lock().buckets.get(bucket).is_none_or(|s| s.objects == 0))
    }

    async fn delete(&self, bucket: &str) -> Result<(), StoreError> {
        self.change(format!("delete bucket {bucket}"), |inner| match inner.buckets.get(bucket) {
            Some(full) if full.objects > 0 => {
                Err(StoreError::new(Trouble::NotEmpty, format!("deleting bucket {bucket}: BucketNotEmpty")))
            }
            there => {
                let there = there.is_some();
                inner.buckets.remove(bucket);
                Ok(there)
            }
        })
    }

    async fn assume(&self, ask: &Assume) -> Result<Credentials, StoreError> {
        if !self.tokens {
            return Err(StoreError::new(Trouble::NoStsKeys, "no stsSecretRef"));
        }
        // Rounded, so that runs that differ by seconds end with the same Secret.
        let now = self.world.now().as_second() / 150 * 150;
        let ends = now + i64::try_from(ask.duration.as_secs()).unwrap();
        // Asking changes nothing outside, so it is not an effect; that it is asked once shows in the writes.
        let shelf = state(&self.world);
        if shelf.lock().away {
            return Err(away("AssumeRole"));
        }
        let cut = self.world.gate(&format!("assume {}", ask.session), || {
            shelf.lock().policies.push(ask.policy.clone());
            Ok(())
        });
        cut.map_err(|f| StoreError::new(Trouble::StoreUnreachable, f.message))?;
        let forgot = shelf.lock().forgot;
        Ok(Credentials {
            access_key: format!("AK{forgot}"),
            secret_key: TREASURE.into(),
            session_token: format!("token-{TREASURE}"),
            expires_at: Timestamp::from_second(ends).unwrap(),
        })
    }

    async fn knows(&self, credentials: &Credentials) -> Result<bool, StoreError> {
        let shelf = state(&self.world);
        let inner = shelf.lock();
        if inner.away {
            Err(away("listing buckets"))
        } else {
            Ok(credentials.access_key == format!("AK{}", inner.forgot))
        }
    }
}

/// Opens [`Client`]s.
pub(crate) struct Open(pub(crate) World);

impl Open {
    /// A client with all keys.
    pub(crate) fn client(&self) -> Client {
        Client { world: self.0.clone(), tokens: true }
    }
}

impl OpenStore for Open {
    fn open(&self, _: &Settings, keys: &StoreKeys) -> Arc<dyn Store> {
        Arc::new(Client { world: self.0.clone(), tokens: keys.sts.is_some() })
    }
}

struct NoKafka;

impl OpenKafka for NoKafka {
    fn open(&self, _: &str, _: &KafkaSpec) -> Arc<dyn Broker> {
        unreachable!("buckets and grants never talk to brokers")
    }
}

/// Connections to the store of a world, without a broker.
pub(crate) fn connections(world: &World) -> Arc<Connections> {
    Connections::new(HOME, Arc::new(NoKafka), Arc::new(Open(world.clone())))
}

/// A DataPlane with both Secrets, and the namespaces `ml` and `other`.
pub(crate) fn plane(world: &World, edit: impl FnOnce(&mut DataPlaneSpec)) {
    for name in ["ml", "other"] {
        let labels = [("kubernetes.io/metadata.name".to_owned(), name.to_owned())];
        let metadata = ObjectMeta { name: Some(name.into()), labels: Some(labels.into()), ..ObjectMeta::default() };
        world.apply(&Namespace { metadata, ..Namespace::default() });
    }
    for name in ["store-admin", "store-sts"] {
        let text = |t: &str| ByteString(t.as_bytes().to_vec());
        let data = [("accessKey".to_owned(), text("AK")), ("secretKey".to_owned(), text("SK"))];
        let metadata = ObjectMeta { name: Some(name.into()), namespace: Some(HOME.into()), ..ObjectMeta::default() };
        world.apply(&Secret { metadata, data: Some(data.into()), ..Secret::default() });
    }
    let secret = |name: &str| Some(SecretRef { name: name.into() });
    let mut spec = DataPlaneSpec {
        owner: "lab".into(),
        object_store: Some(ObjectStoreSpec {
            endpoint: "http://minio:9000".into(),
            bucket_prefix: Some("lab-".into()),
            ..ObjectStoreSpec::default()
        }),
        kafka: Some(KafkaSpec { bootstrap_servers: "kafka:9092".into(), topic_prefix: None }),
        admin_secret_ref: secret("store-admin"),
        sts_secret_ref: secret("store-sts"),
        ..DataPlaneSpec::default()
    };
    edit(&mut spec);
    world.apply(&DataPlane::new("default", spec));
}

/// Seconds since the story began.
pub(crate) fn elapsed(world: &World) -> i64 {
    let epoch: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    world.now().as_second() - epoch.as_second()
}
