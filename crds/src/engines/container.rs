//! The section `container`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PullPolicy;
use crate::scalar::Quantity;
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
    pub cpu: Option<Quantity>,
    /// Memory request and limit. Default: 256Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Quantity>,
}
