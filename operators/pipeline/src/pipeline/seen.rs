//! What a pipeline sees, as plain data.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{DataBucket, DataTopic, ml_pipeline_run::RunPhase};
use serde::{Deserialize, Serialize};

use crate::verbs::verb::Namespace;

/// What a pipeline sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Observed {
    /// Buckets it owns, and whatever stands under the name of one it declares.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<DataBucket>,
    /// The same for topics.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<DataTopic>,
    /// What it uses, does not declare, and exists: `bucket/NAME`, `topic/NAME`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub used: BTreeSet<String>,
    /// Its revisions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<RevisionView>,
    /// All its runs, also those made by hand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RunView>,
    /// What of the namespace its steps depend on.
    #[serde(skip_serializing_if = "Namespace::is_empty")]
    pub namespace: Namespace,
    /// Names of the runs that exist, of those which triggers start now.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub started: BTreeSet<String>,
}

/// A revision as its pipeline sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RevisionView {
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: String,
    /// Generation of the pipeline that first had this spec.
    pub number: i64,
}

/// A run as its pipeline sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunView {
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: String,
    /// Whether it may be deleted: the pipeline made it, or its name was generated, so that it cannot stand in Git.
    pub ours: bool,
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Time>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<RunPhase>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// What it runs, or is to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}
