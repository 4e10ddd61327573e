//! The section `container`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PullPolicy;
use crate::scalar::{self, Quantity};
use crate::schema;

/// One container: training, scoring, anything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerSpec {
    /// Image of the container.
    #[schemars(length(min = 1, max = 512), transform = schema::text(512).templated())]
    pub image: String,
    /// When to pull it. Default: IfNotPresent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<PullPolicy>,
    /// Command; replaces the image's entrypoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(64, 1_024).templated())]
    pub command: Vec<String>,
    /// Arguments of the command or entrypoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(64, 1_024).templated())]
    pub args: Vec<String>,
    /// CPU request. Default: 100m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = scalar::cores())]
    pub cpu: Option<Quantity>,
    /// Memory request and limit. Default: 256Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = scalar::bytes())]
    pub memory: Option<Quantity>,
    /// GPUs and other extended resources by their full name, for example `nvidia.com/gpu: 1`; request and limit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = schema::counts(8, 1_000_000))]
    pub resources: BTreeMap<String, i32>,
    /// Size of the shared memory at /dev/shm, for example `1Gi`; its use counts as memory. Default: the
    /// container runtime's 64Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = scalar::bytes())]
    pub shared_memory: Option<Quantity>,
    /// Pods that work together, at most 64: all or nothing. More than one find RANK, WORLD_SIZE, MASTER_ADDR and
    /// MASTER_PORT in their environment, as `torch.distributed` reads them; rank 0 returns the results. When one fails or
    /// is lost the others are stopped, and the next attempt starts all of them. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub replicas: Option<i32>,
    /// Where it keeps its progress: `bucket/NAME[/prefix]`, which implies the access of `writes`. The container finds
    /// the URI in MILLRACE_CHECKPOINT: the same in all attempts of a run, another one for every run. Nothing is ever
    /// deleted there: an `expire` of the bucket that reaches it is refused while the job has its data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::text(256).pattern(schema::PRINTED).checked(schema::PLACE, schema::PLACE_HINT).templated())]
    pub checkpoint: Option<String>,
}
