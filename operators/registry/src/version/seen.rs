//! What a ModelVersion's pass sees, as plain data.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use millrace_crds::DataGrant;
use serde::{Deserialize, Serialize};

use crate::{
    mlflow::{MlflowError, Version},
    pods::{PodView, Trouble},
};

/// See the module.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Observed {
    /// The ModelRegistry, if there is one.
    pub registry: Option<RegistryView>,
    /// The DataBucket of the source, if there is one.
    pub source: Option<SourceView>,
    /// Our grant to read the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<DataGrant>,
    /// The Job that measures it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
    /// Why that Job has no pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_trouble: Option<Trouble>,
    /// Its pods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<PodView>,
    /// Why the server was asked and gave no answer.
    pub error: Option<MlflowError>,
    /// Whether the server gave an answer; nothing below counts otherwise.
    pub asked: bool,
    /// Until when a registration without an answer may still take effect.
    pub on_its_way: Option<Timestamp>,
    /// Our version: by its tag, or proved by its number if the tag is gone.
    pub version: Option<Version>,
    /// The aliases of the model and who holds them.
    pub aliases: BTreeMap<String, Holder>,
}

/// A ModelRegistry, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RegistryView {
    /// Whether its server has answered lately.
    pub available: bool,
    /// Its image, by which sources are measured too.
    pub image: String,
    /// When that is pulled.
    pub pull_policy: String,
    /// Its server.
    #[serde(skip_serializing_if = "ServerRef::is_unknown")]
    pub server: ServerRef,
}

/// Which server to call, and as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerRef {
    /// Uid of the ModelRegistry, from which the login is derived.
    pub uid: String,
    /// URL of the server.
    pub url: String,
}

impl ServerRef {
    fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

/// A DataBucket, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceView {
    /// Name of the DataBucket.
    pub name: String,
    /// Whether it is Ready, that is: verified to be ours.
    pub ready: bool,
    /// The DataPlane it lives on.
    #[serde(default)]
    pub data_plane: String,
}

/// Who holds an alias.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Number of the version.
    pub version: i64,
    /// Whether a ModelVersion stands behind it that lists the alias.
    pub declared: bool,
}
