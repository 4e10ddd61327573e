//! The port: what the operator asks of a store, and how it is reached.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use millrace_crds::data_plane::ObjectStoreSpec;
use serde::{Deserialize, Serialize};

use super::error::StoreError;

/// Region signed for where the DataPlane names none.
pub const DEFAULT_REGION: &str = "us-east-1";

/// How to reach a store; no secret in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// URL of the S3 API.
    pub endpoint: String,
    /// URL of the STS API.
    pub sts_endpoint: String,
    /// Region to sign for.
    pub region: String,
    /// Whether buckets are addressed by path.
    pub path_style: bool,
    /// Role to assume, if the store wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
}

impl Settings {
    /// The settings a DataPlane gives, with the defaults filled in.
    #[must_use]
    pub fn of(spec: &ObjectStoreSpec) -> Self {
        Self {
            endpoint: spec.endpoint.clone(),
            sts_endpoint: spec.sts_endpoint.clone().unwrap_or_else(|| spec.endpoint.clone()),
            region: spec.region.clone().unwrap_or_else(|| DEFAULT_REGION.to_owned()),
            path_style: spec.path_style.unwrap_or(true),
            role_arn: spec.role_arn.clone(),
        }
    }
}

/// A long-lived pair of keys, from a Secret in the operator's namespace. `Debug` shows neither; there is no `Serialize`.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Access key id.
    pub access: String,
    /// Secret key.
    pub secret: String,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(redacted)")
    }
}

/// Short-lived credentials. `Debug` shows the expiry alone; there is no `Serialize`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Access key id.
    pub access_key: String,
    /// Secret key.
    pub secret_key: String,
    /// Credentials token.
    pub session_token: String,
    /// When they end.
    pub expires_at: Timestamp,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Whether a bucket keeps old versions of its objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Versioning {
    /// Never switched on.
    #[default]
    Off,
    /// On.
    Enabled,
    /// Was on; old versions stay, new ones are not made.
    Suspended,
}

/// A bucket as the store shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    /// All tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Versioning.
    #[serde(default)]
    pub versioning: Versioning,
    /// Days of plain expiry rules (enabled, by prefix alone), by prefix. Other rules are not shown and never touched.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expire: BTreeMap<String, i32>,
}

/// A change of a bucket's plain expiry rules; rules of other prefixes and of other shapes stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// Prefixes with the days they must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, i32>,
    /// Prefixes whose rule must go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
}

/// What to ask of STS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assume {
    /// The session policy; never empty, an empty one would mean all rights of the caller.
    pub policy: String,
    /// How long the credentials live, in whole seconds.
    pub duration: Duration,
    /// Name of the session, for the store's own audit log.
    pub session: String,
}

/// Bucket calls, each one idempotent or safe to repeat. Every call ends within a few seconds.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// A cheap call that proves that the store answers and takes our keys.
    ///
    /// # Errors
    /// Why it does not.
    async fn probe(&self) -> Result<(), StoreError>;

    /// The bucket of this name, live; `None` is the store's own word that there is none.
    ///
    /// # Errors
    /// No answer, or a refusal.
    async fn look(&self, bucket: &str) -> Result<Option<Bucket>, StoreError>;

    /// Whether the bucket has this key, or with a slash at its end some key that begins with it.
    ///
    /// # Errors
    /// No answer, a refusal, or no such bucket.
    async fn has(&self, bucket: &str, key: &str) -> Result<bool, StoreError>;

    /// Creates the bucket.
    ///
    /// # Errors
    /// [`Trouble::Exists`] if there is one, whoever owns it.
    async fn create(&self, bucket: &str) -> Result<(), StoreError>;

    /// The bucket's tags, live. Some stores say "none" of a bucket that is not there.
    ///
    /// # Errors
    /// No answer, or a refusal.
    async fn tags(&self, bucket: &str) -> Result<BTreeMap<String, String>, StoreError>;

    /// Writes these tags in place of all there are.
    ///
    /// # Errors
    /// No answer, a refusal, or no such bucket.
    async fn tag(&self, bucket: &str, tags: &BTreeMap<String, String>) -> Result<(), StoreError>;

    /// Switches versioning on, or suspends it.
    ///
    /// # Errors
    /// No answer, or a refusal.
    async fn versioning(&self, bucket: &str, on: bool) -> Result<(), StoreError>;

    /// Changes the plain expiry rules.
    ///
    /// # Errors
    /// No answer, or a refusal.
    async fn expire(&self, bucket: &str, change: &Expiry) -> Result<(), StoreError>;

    /// Deletes some objects, versions and unfinished uploads. Returns whether the bucket is now empty.
    ///
    /// # Errors
    /// No answer, or a refusal.
    async fn empty(&self, bucket: &str) -> Result<bool, StoreError>;

    /// Deletes the empty bucket; one that is gone counts as deleted.
    ///
    /// # Errors
    /// [`Trouble::NotEmpty`] if it holds anything.
    async fn delete(&self, bucket: &str) -> Result<(), StoreError>;

    /// Fetches short-lived credentials with the `sts` keys, cut down to the policy.
    ///
    /// # Errors
    /// [`Trouble::NoStsKeys`] if the DataPlane has no usable ones; no answer, or a refusal.
    async fn assume(&self, ask: &Assume) -> Result<Credentials, StoreError>;

    /// Whether the store still knows credentials it has issued. What they may do does not matter.
    ///
    /// # Errors
    /// No answer, or one that says nothing of them.
    async fn knows(&self, credentials: &Credentials) -> Result<bool, StoreError>;
}

/// The keys a store client works with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreKeys {
    /// From `adminSecretRef`: creates, tags and deletes buckets.
    pub admin: Keys,
    /// From `stsSecretRef`: calls AssumeRole. `None` if the DataPlane names none.
    pub sts: Option<Keys>,
}

/// Opens store clients; cheap, no call is made.
pub trait OpenStore: Send + Sync {
    /// A client for this store. Called again whenever address or keys change.
    fn open(&self, at: &Settings, keys: &StoreKeys) -> Arc<dyn Store>;
}
