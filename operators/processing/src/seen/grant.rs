//! An attempt's access to data.

use millrace_crds::{
    DataGrant,
    data_grant::{DataGrantStatus, GrantedBucket, GrantedTopic},
};
use millrace_kit::conditions;
use serde::{Deserialize, Serialize};

/// The attempt's access to data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GrantView {
    /// Uid.
    pub uid: String,
    /// Whether pods may start on it.
    pub ready: bool,
    /// Whether a person must act before it can become ready.
    pub stalled: bool,
    /// Reason and message of its Ready condition, once it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<(String, String)>,
    /// Its Secret; none when no bucket is granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Kafka's addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootstrap_servers: Option<String>,
    /// The store's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The store's region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whether buckets are addressed by path.
    pub path_style: bool,
    /// Buckets and their names on the store.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<GrantedBucket>,
    /// Topics and their names on the broker.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<GrantedTopic>,
}

impl GrantView {
    /// What matters of a grant.
    pub(crate) fn of(grant: &DataGrant) -> Self {
        let uid = grant.metadata.uid.clone().unwrap_or_default();
        let status = grant.status.clone().unwrap_or_default();
        let generation = grant.metadata.generation.unwrap_or(0);
        let said = conditions::get(&status, "Ready").map(|c| (c.reason.clone(), c.message.clone()));
        let ready = conditions::is_ready(&status, generation);
        let stalled = conditions::is_true(&status, "Stalled");
        let DataGrantStatus {
            secret_name: secret,
            bootstrap_servers,
            endpoint,
            region,
            path_style,
            buckets,
            topics,
            ..
        } = status;
        let path_style = path_style.unwrap_or(false);
        Self { uid, ready, stalled, said, secret, bootstrap_servers, endpoint, region, path_style, buckets, topics }
    }
}
