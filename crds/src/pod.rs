//! The closed, safe subset of a pod template a job may set.
//!
//! What is missing is missing on purpose: service accounts, host access and security contexts are ours.

pub mod placement;
pub mod volume;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::{LABEL_PATTERN, SecretRef};
use crate::{scalar, schema};

use placement::{Affinity, TopologySpread};
use volume::Volume;

/// What a job may say about its pods: the driver, the executors, the container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::rule("!has(self.labels) || self.labels.all(k, !k.startsWith('millrace.dev/') && !k.startsWith('spark-'))", "labels: millrace.dev/ and spark- are ours; remove them"),
    schema::rule("!has(self.annotations) || self.annotations.all(k, !k.startsWith('millrace.dev/'))", "annotations: millrace.dev/ is reserved by Millrace; remove it")
]))]
pub struct PodSubset {
    /// Labels to add; those that begin with `millrace.dev/` or `spark-` are reserved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = schema::map(32, 63))]
    pub labels: BTreeMap<String, String>,
    /// Annotations to add; those that begin with `millrace.dev/` are reserved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = schema::map(32, 1_024))]
    pub annotations: BTreeMap<String, String>,
    /// Labels a node must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = schema::map(16, 63))]
    pub node_selector: BTreeMap<String, String>,
    /// Taints the pods tolerate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(16))]
    pub tolerations: Vec<Toleration>,
    /// Nodes and neighbours the pods need, prefer or avoid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// How evenly the pods are spread, over zones for example.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(4))]
    pub topology_spread_constraints: Vec<TopologySpread>,
    /// Name of the scheduler. Default: the cluster's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub scheduler_name: Option<String>,
    /// Kueue's LocalQueue every pod waits in, executors too: it becomes their label `kueue.x-k8s.io/queue-name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), transform = schema::text(63).pattern(LABEL_PATTERN))]
    pub queue: Option<String>,
    /// Name of a PriorityClass. One that begins with `system-` must be allowed by the DataPlane (`systemPriority`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub priority_class_name: Option<String>,
    /// Secrets of this namespace to pull images with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(8).keyed("name"))]
    pub image_pull_secrets: Vec<SecretRef>,
    /// User id the containers run as; never 0. Default: the image's, which must not be root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub run_as_user: Option<i64>,
    /// Group id that owns mounted files. Default: the user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub fs_group: Option<i64>,
    /// Writable scratch space mounted at /tmp, for example `2Gi`; more than that evicts the pod. Default: 1Gi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = scalar::bytes())]
    pub scratch: Option<scalar::Quantity>,
    /// Directories to mount in addition to /tmp and the job's data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(16).keyed("mountPath"))]
    pub volumes: Vec<Volume>,
}

/// A taint the pods tolerate, in the words of Kubernetes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Toleration {
    /// Taint key; absent means every key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub key: Option<String>,
    /// `Equal` or `Exists`. Default: Equal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), extend("enum" = ["Equal", "Exists"]))]
    pub operator: Option<String>,
    /// Taint value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`; absent means every effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), extend("enum" = ["NoSchedule", "PreferNoSchedule", "NoExecute"]))]
    pub effect: Option<String>,
    /// Seconds a NoExecute taint is tolerated. Default: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}
