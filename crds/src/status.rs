//! Parts of statuses that several kinds share: the intent to create something outside Kubernetes, and drift.
//!
//! A status is the write-ahead log for what cannot be derived; nothing derivable belongs into it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// Written before a topic, bucket or model version is created outside Kubernetes, so that after a crash
/// the operator can tell its own creation from somebody else's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Creating {
    /// The name about to be created on the broker, the store or the server.
    #[schemars(length(max = 512))]
    pub name: String,
    /// True when that name was seen to be absent before the creation was sent: what then appears was created by this object.
    #[serde(default)]
    pub saw_absent: bool,
}

/// The last time something outside was found changed behind our back and put back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// When it was found (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// What differed, for example config keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(64, 253))]
    pub keys: Vec<String>,
}
