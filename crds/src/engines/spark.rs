//! The section `spark`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PullPolicy;
use crate::scalar::Quantity;
use crate::schema;

/// A Spark application: a driver pod that asks for its executors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::rule("!has(self.conf) || self.conf.all(k, k != 'spark.master' && k != 'spark.driver.host' && !k.startsWith('spark.kubernetes.'))", "conf may not set spark.master, spark.driver.host or spark.kubernetes.*: Millrace sets them; use driver, executors, pod and env"),
    schema::rule("!has(self.class) || self.main.endsWith('.jar')", "class belongs to a .jar; leave it out for a .py")
]))]
pub struct SparkSpec {
    /// Image of driver and executors, with Spark's own entrypoint.
    #[schemars(length(min = 1, max = 512), transform = schema::text(512).templated())]
    pub image: String,
    /// When to pull it. Default: IfNotPresent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<PullPolicy>,
    /// The application: `local:///path` in the image, or `s3a://…` under `reads`. `.py` or `.jar`.
    #[schemars(length(min = 1, max = 512), transform = schema::text(512).pattern("^(local|s3a|https?)://.+$").templated())]
    pub main: String,
    /// Main class of a `.jar`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub class: Option<String>,
    /// Arguments of the application.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(64, 1_024).templated())]
    pub args: Vec<String>,
    /// Spark properties. `spark.master`, `spark.driver.host` and `spark.kubernetes.*` are ours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = schema::map(64, 1_024).templated())]
    pub conf: BTreeMap<String, String>,
    /// Size of the driver. Default: 500m, 1Gi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<DriverSpec>,
    /// Number and size of the executors. Default: 1 of 500m, 1Gi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executors: Option<ExecutorsSpec>,
}

/// The driver.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriverSpec {
    /// CPU request. Default: 500m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Quantity>,
    /// Memory request and limit, all of it: heap and overhead are taken from it. Default: 1Gi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Quantity>,
}

/// The executors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecutorsSpec {
    /// How many. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000))]
    pub count: Option<i32>,
    /// CPU request of each. Default: 500m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Quantity>,
    /// Memory request and limit of each, all of it: heap and overhead are taken from it. Default: 1Gi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Quantity>,
}
