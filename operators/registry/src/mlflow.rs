//! MLflow as the operator sees it: a small port, its errors as states, and what one look at a server brings back.
//!
//! Implemented by the REST adapter ([`rest`]) and by the simulated server of the tests. Never decides anything.

pub mod rest;
pub mod view;

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Tag of every version made here: the uid of its ModelVersion. What is found by it is ours.
pub const TAG_UID: &str = "millrace.dev/uid";

/// A server and how to log in.
#[derive(Clone)]
pub struct Server {
    /// `http://host:port`, no slash at the end.
    pub url: String,
    /// Where its pods say what they were given; absent for a server that was not made by this operator.
    pub given: Option<String>,
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.url)
    }
}

/// One registered version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// Name of the registered model.
    pub model: String,
    /// Its number, from 1; MLflow never gives a number twice.
    pub version: i64,
    /// URI of the files.
    #[serde(default)]
    pub source: String,
    /// Description; empty if none.
    #[serde(default)]
    pub description: String,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl Version {
    /// The uid of the ModelVersion it was made for; empty if it is not ours.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.tags.get(TAG_UID).map_or("", String::as_str)
    }
}

/// What a server's pod was given, as keyed fingerprints; see `children/serve.py`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Given {
    /// Secret and key of the database's URI, `NAME/KEY`.
    pub secret: String,
    /// The database's URI.
    pub uri: Mounted,
    /// The declared admin.
    pub admin: Mounted,
    /// The operator's own login.
    pub login: Mounted,
}

/// One Secret: what the server works with, and what lies there now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mounted {
    /// What the server works with.
    #[serde(alias = "started", alias = "set", skip_serializing_if = "Option::is_none")]
    pub used: Option<String>,
    /// What lies there now; absent if the Secret or a key of it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mounted: Option<String>,
}

/// What one look brings back: every version made here, and who holds which alias.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// What the server says its version is.
    pub server_version: String,
    /// Versions that carry [`TAG_UID`], by that tag, lowest first.
    pub versions: BTreeMap<String, Vec<Version>>,
    /// What the pod that answered was given; absent if it does not say.
    pub given: Option<Given>,
    /// By model: alias and the version it points at, of all versions.
    pub aliases: BTreeMap<String, BTreeMap<String, i64>>,
}

impl Catalogue {
    /// Versions by the tag with our uid.
    #[must_use]
    pub fn by_uid(versions: impl IntoIterator<Item = Version>) -> BTreeMap<String, Vec<Version>> {
        let mut all: BTreeMap<String, Vec<Version>> = BTreeMap::new();
        for version in versions {
            all.entry(version.uid().to_owned()).or_default().push(version);
        }
        all.values_mut().for_each(|list| list.sort_by_key(|v| v.version));
        all
    }
}

/// A version to register.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewVersion {
    /// Name of the registered model; made if there is none.
    pub model: String,
    /// URI of the files.
    pub source: String,
    /// Description; empty if none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The run it came from, as text; empty if none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub run_link: String,
    /// Tags, [`TAG_UID`] among them.
    pub tags: BTreeMap<String, String>,
}

/// Why MLflow did not do as asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum MlflowError {
    /// No connection: nothing was sent.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// Sent, but no usable answer came: it may have been done.
    #[error("no answer: {0}")]
    Unanswered(String),
    /// The server does not know us, or forbids it.
    #[error("refused the login: {0}")]
    Denied(String),
    /// What was asked about is not there.
    #[error("not found: {0}")]
    Missing(String),
    /// What was to be made is there.
    #[error("exists: {0}")]
    Exists(String),
    /// The request cannot work.
    #[error("refused: {0}")]
    Refused(String),
    /// The server failed, its database for one.
    #[error("failed: {0}")]
    Broken(String),
}

/// A call's outcome.
pub type Answer<T> = Result<T, MlflowError>;

/// The calls the operator makes. Each one is a single request unless it says otherwise, and ends within seconds.
#[async_trait]
pub trait Mlflow: Send + Sync {
    /// One look: the server's version, our versions and all aliases, page by page, and what its pod was given. Touches the
    /// database.
    async fn look(&self, server: &Server) -> Answer<Catalogue>;
    /// Our versions with this uid, lowest first.
    async fn find(&self, server: &Server, uid: &str) -> Answer<Vec<Version>>;
    /// One version by number; `None` is proof that it is not there.
    async fn version(&self, server: &Server, model: &str, version: i64) -> Answer<Option<Version>>;
    /// Makes a registered model; `Exists` if it is there.
    async fn create_model(&self, server: &Server, model: &str) -> Answer<()>;
    /// Makes a version; the server chooses the number.
    async fn create_version(&self, server: &Server, new: &NewVersion) -> Answer<Version>;
    /// Deletes a version, and with it the aliases that point at it; `Missing` if it is not there.
    async fn delete_version(&self, server: &Server, model: &str, version: i64) -> Answer<()>;
    /// Changes one version or one alias.
    async fn change(&self, server: &Server, change: &Change) -> Answer<()>;
}

/// A change of what is registered; each is idempotent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Name of the registered model.
    pub model: String,
    /// Number of the version.
    pub version: i64,
    /// What to change.
    pub what: What,
}

/// The changes there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// Sets a tag: key, value.
    SetTag(String, String),
    /// Removes a tag.
    DropTag(String),
    /// Sets the description.
    Describe(String),
    /// Points an alias at the version.
    SetAlias(String),
    /// Removes an alias of the model.
    DropAlias(String),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, version, what } = self;
        match what {
            What::SetTag(key, _) => write!(f, "set tag {key} of {model}/{version}"),
            What::DropTag(key) => write!(f, "drop tag {key} of {model}/{version}"),
            What::Describe(_) => write!(f, "describe {model}/{version}"),
            What::SetAlias(alias) => write!(f, "set alias {alias} to {model}/{version}"),
            What::DropAlias(alias) => write!(f, "drop alias {alias} of {model}/{version}"),
        }
    }
}
