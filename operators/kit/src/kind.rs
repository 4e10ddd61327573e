//! Which Kubernetes resource something is, and where one object of it lives.
//!
//! Owns the names by which caches, ports and queues speak of objects. Never holds an object itself.

use std::{any::TypeId, borrow::Cow, fmt};

use kube::{
    Resource,
    api::ApiResource,
    core::{ClusterResourceScope, object::HasStatus},
};
use serde::{Serialize, de::DeserializeOwned};

/// Any typed Kubernetes object the kernel can read or build.
pub trait Object:
    Resource<DynamicType = (), Scope: 'static> + Clone + fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

impl<K> Object for K where
    K: Resource<DynamicType = (), Scope: 'static>
        + Clone
        + fmt::Debug
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static
{
}

/// The kind a controller is responsible for: an [`Object`] with a Millrace status.
pub trait Primary: Object + HasStatus<Status = Self::Stat> {
    /// The status type; the same as `HasStatus::Status`, with the bounds the kernel needs.
    type Stat: millrace_crds::HasConditions
        + Clone
        + Default
        + fmt::Debug
        + PartialEq
        + Serialize
        + DeserializeOwned
        + Send
        + Sync;
}

impl<K> Primary for K
where
    K: Object + HasStatus,
    K::Status: millrace_crds::HasConditions
        + Clone
        + Default
        + fmt::Debug
        + PartialEq
        + Serialize
        + DeserializeOwned
        + Send
        + Sync,
{
    type Stat = K::Status;
}

/// A resource type: group, version, kind, plural and scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// API group; empty for the core group.
    pub group: Cow<'static, str>,
    /// API version within the group, as in `v1alpha1`.
    pub version: Cow<'static, str>,
    /// Kind, as in `ProcessingJob`.
    pub kind: Cow<'static, str>,
    /// Plural lower-case resource name, as in URLs and RBAC.
    pub plural: Cow<'static, str>,
    /// Whether objects live in a namespace.
    pub namespaced: bool,
}

impl Kind {
    /// The kind of a typed object.
    #[must_use]
    pub fn of<K: Object>() -> Self {
        Self {
            group: Cow::Owned(K::group(&()).into_owned()),
            version: Cow::Owned(K::version(&()).into_owned()),
            kind: Cow::Owned(K::kind(&()).into_owned()),
            plural: Cow::Owned(K::plural(&()).into_owned()),
            namespaced: TypeId::of::<K::Scope>() != TypeId::of::<ClusterResourceScope>(),
        }
    }

    /// `group/version`, or `version` for the core group.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }

    /// kube's description of the same resource.
    #[must_use]
    pub fn api_resource(&self) -> ApiResource {
        ApiResource {
            group: self.group.to_string(),
            version: self.version.to_string(),
            api_version: self.api_version(),
            kind: self.kind.to_string(),
            plural: self.plural.to_string(),
        }
    }
}

/// Namespace and name of an object of a known kind; the namespace is empty for cluster-scoped kinds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
pub struct Key {
    /// Namespace; empty for cluster-scoped kinds.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl Key {
    /// A key from its two parts.
    #[must_use]
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// The key of an object.
    #[must_use]
    pub fn of<K: Object>(object: &K) -> Self {
        let meta = object.meta();
        Self::new(meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() { f.write_str(&self.name) } else { write!(f, "{}/{}", self.namespace, self.name) }
    }
}

/// One object: its kind and its key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// What it is.
    pub kind: Kind,
    /// Where it is.
    pub key: Key,
}

impl Address {
    /// The address of an object of kind `K`.
    #[must_use]
    pub fn of<K: Object>(key: Key) -> Self {
        Self { kind: Kind::of::<K>(), key }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.kind, self.key)
    }
}
