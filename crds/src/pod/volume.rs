//! Directories a job mounts beside `/tmp` and its data.
//!
//! Only kinds that cannot leave the namespace: no path of a node, no device, no token.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scalar::{self, Quantity};
use crate::schema;

/// An absolute path without `.`, `..`, `:` or a slash at its end.
const PATH: &str = "^(/[.]?[A-Za-z0-9_-][A-Za-z0-9._-]*)+$";
const FREE: &str = "!['/tmp', '/dev', '/proc', '/sys', '/run', '/var/run', '/etc/millrace'].exists(p, self == p || self.startsWith(p + '/')) && !(self in ['/etc', '/var'])";
const FREE_HINT: &str =
    "/tmp, /dev, /proc, /sys, /run, /var/run and /etc/millrace are ours or the kernel's: mount it elsewhere";

/// A directory and what is mounted there: exactly one of the kinds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [schema::rule(
    "[has(self.emptyDir), has(self.ephemeral), has(self.configMap), has(self.secret), has(self.persistentVolumeClaim)].filter(x, x).size() == 1",
    "give exactly one of emptyDir, ephemeral, configMap, secret, persistentVolumeClaim"
)]))]
pub struct Volume {
    /// Where the containers see it: an absolute path that is not Millrace's or the kernel's own.
    #[schemars(transform = schema::text(253).pattern(PATH).checked(FREE, FREE_HINT))]
    pub mount_path: String,
    /// Whether it can only be read. Default: true for configMap and secret, else false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// A new directory on the node for each pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty_dir: Option<EmptyDir>,
    /// A new claim for each pod, which goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral: Option<Ephemeral>,
    /// The keys of a ConfigMap as files. Not for Spark with executors and for Flink, whose applications
    /// make pods themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<ConfigMapFiles>,
    /// The keys of a Secret as files, a DataGrant's excepted. Not for Spark with executors and for Flink, whose applications
    /// make pods themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretFiles>,
    /// A claim of this namespace. Not for Spark with executors and for Flink, whose applications
    /// make pods themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent_volume_claim: Option<Claim>,
}

/// A new directory on the node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmptyDir {
    /// More than that evicts the pod, for example `10Gi`. Default: 1Gi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = scalar::bytes())]
    pub size_limit: Option<Quantity>,
}

/// A new claim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ephemeral {
    /// How much to ask for, for example `50Gi`.
    #[schemars(transform = scalar::bytes())]
    pub size: Quantity,
    /// Name of the StorageClass. Default: the cluster's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub storage_class_name: Option<String>,
}

/// A ConfigMap of this namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapFiles {
    /// Name of the ConfigMap.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// A Secret of this namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretFiles {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
}

/// A claim of this namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// Name of the PersistentVolumeClaim.
    #[schemars(length(min = 1, max = 253))]
    pub claim_name: String,
}
