//! Small shapes several kinds use: references to Secrets, selections of namespaces, shares, access.
//!
//! Nothing in a tenant's object names another namespace; owners share, users keep bare names.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// Pattern of a name that becomes an object's name: a DNS label.
pub const LABEL_PATTERN: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";

/// A Secret by name, in the namespace the field's description says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// One key of a Secret or ConfigMap of the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyRef {
    /// Name of the Secret or ConfigMap.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key in it.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// Namespaces chosen by their labels; an empty selector chooses every namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceSelector {
    /// Labels a namespace must carry, all of them. `kubernetes.io/metadata.name` chooses one by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = schema::map(16, 63))]
    pub match_labels: BTreeMap<String, String>,
}

impl NamespaceSelector {
    /// Whether a namespace with these labels is one of them.
    #[must_use]
    pub fn chooses(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
    }
}

/// What may be done with a topic or bucket. Write implies read, list and delete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Access {
    /// Read and list.
    #[default]
    Read,
    /// Read, list, write and delete.
    Write,
}

/// Makes an object usable by its bare name from other namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// The namespaces that may use it.
    pub namespaces: NamespaceSelector,
    /// The most they may do. Default: Read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
}
