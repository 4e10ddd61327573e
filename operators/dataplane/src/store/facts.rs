//! What the S3 side needs to know of a DataPlane, as plain data: addresses, owner, who may use it.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use millrace_crds::{DataBucket, DataGrant, DataPlane};
use millrace_kit::{Failure, Key, Reader, Watch};
use serde::{Deserialize, Serialize};

use super::Settings;
use crate::{namespaces::labels_of, protection};

/// Lifetime of credentials where the DataPlane sets none.
const LIFETIME: Duration = Duration::from_secs(3_600);

/// A DataPlane as seen from one namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// `spec.owner`.
    pub owner: String,
    /// Whether the namespace may use it.
    pub allowed: bool,
    /// Whether the namespace may adopt by `externalName`.
    #[serde(default)]
    pub external: bool,
    /// The store, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<Settings>,
    /// Put before every bucket's name.
    #[serde(default)]
    pub bucket_prefix: String,
    /// Lifetime of credentials, in seconds.
    pub lifetime_seconds: u64,
    /// Credentials issued before this time count for nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_since: Option<Timestamp>,
    /// The brokers, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap_servers: Option<String>,
}

impl Facts {
    /// The facts of a DataPlane for a namespace with these labels.
    #[must_use]
    pub fn of(plane: &DataPlane, labels: &BTreeMap<String, String>) -> Self {
        let spec = &plane.spec;
        let store = spec.object_store.as_ref();
        let asked = store.and_then(|s| s.credential_lifetime.as_ref()).and_then(millrace_crds::Duration::seconds);
        Self {
            owner: spec.owner.clone(),
            allowed: spec.namespaces.as_ref().is_none_or(|chosen| chosen.chooses(labels)),
            external: spec.external_names.as_ref().is_some_and(|chosen| chosen.chooses(labels)),
            store: store.map(Settings::of),
            bucket_prefix: store.and_then(|s| s.bucket_prefix.clone()).unwrap_or_default(),
            lifetime_seconds: asked.unwrap_or(LIFETIME.as_secs()),
            issuer_since: plane.status.as_ref().and_then(|s| s.issuer.as_ref()).map(|issuer| issuer.since.0),
            bootstrap_servers: spec.kafka.as_ref().map(|k| k.bootstrap_servers.clone()),
        }
    }

    /// The facts of the DataPlane `name` as seen from `namespace`; `None` if there is no such DataPlane.
    ///
    /// # Errors
    /// The Kubernetes API failed.
    pub async fn see(name: &str, namespace: &str, reader: &Reader) -> Result<Option<Self>, Failure> {
        let Some(plane) = reader.cached::<DataPlane>(&Key::new("", name)) else { return Ok(None) };
        let labels = labels_of(namespace, reader).await?;
        Ok(Some(Self::of(&plane, &labels)))
    }
}

/// Index word: objects on a DataPlane.
#[must_use]
pub fn on_plane(name: &str) -> String {
    format!("plane/{name}")
}

/// Index word: objects of a namespace.
#[must_use]
pub fn in_namespace(name: &str) -> String {
    format!("namespace/{name}")
}

/// Index word: objects of this name that are shared with other namespaces; the topics' own index has the same word.
#[must_use]
pub fn shared(name: &str) -> String {
    format!("shared/{name}")
}

/// The index of buckets; every listener of the kind uses this one.
pub(crate) fn index_bucket(bucket: &DataBucket) -> Vec<String> {
    let meta = &bucket.metadata;
    let mut words =
        vec![on_plane(&bucket.spec.data_plane), in_namespace(meta.namespace.as_deref().unwrap_or_default())];
    let named = bucket.status.iter().filter_map(|status| status.bucket_name.as_deref());
    words.extend(named.map(|name| protection::on_store(&bucket.spec.data_plane, name)));
    if !bucket.spec.bucket.share.is_empty() {
        words.push(shared(meta.name.as_deref().unwrap_or_default()));
    }
    words
}

/// The watches by which a DataPlane's spec, or a namespace's labels, wake the objects that depend on them. Whether brokers and
/// store answer, an object hears from the views: a DataPlane that flips wakes nobody.
pub(crate) fn plane_watches<K: millrace_kit::Object>() -> Vec<Watch> {
    vec![plane_watch::<K>().spec_only(), namespace_watch::<K>()]
}

/// The watch by which any change of a DataPlane wakes those that depend on it.
pub(crate) fn plane_watch<K: millrace_kit::Object>() -> Watch {
    Watch::related::<DataPlane>("a DataPlane's address or rules change", |plane: &DataPlane, cache| {
        keys(cache.indexed::<K>(&on_plane(plane.metadata.name.as_deref().unwrap_or_default())))
    })
}

/// The watch by which a namespace's labels wake its objects.
pub(crate) fn namespace_watch<K: millrace_kit::Object>() -> Watch {
    Watch::related::<Namespace>("labels decide who may use a DataPlane", |namespace: &Namespace, cache| {
        keys(cache.indexed::<K>(&in_namespace(namespace.metadata.name.as_deref().unwrap_or_default())))
    })
}

fn keys<K: millrace_kit::Object>(found: Vec<std::sync::Arc<K>>) -> Vec<Key> {
    found.iter().map(|k| Key::of(k.as_ref())).collect()
}

/// Index words of a grant: its plane, its namespace, what it names and where it keeps state.
pub(crate) fn index_grant(grant: &DataGrant) -> Vec<String> {
    let mut words =
        vec![on_plane(&grant.spec.data_plane), in_namespace(grant.metadata.namespace.as_deref().unwrap_or_default())];
    for asked in &grant.spec.access {
        words.extend(asked.bucket.iter().map(|b| names_bucket(b)));
        words.extend(asked.topic.iter().map(|t| names_topic(t)));
    }
    words.extend(protection::kept(grant).map(|(bucket, _)| protection::keeps_in(&grant.spec.data_plane, bucket)));
    words
}

/// Index word: grants that name this bucket.
pub(crate) fn names_bucket(name: &str) -> String {
    format!("bucket/{name}")
}

/// Index word: grants that name this topic.
pub(crate) fn names_topic(name: &str) -> String {
    format!("topic/{name}")
}
