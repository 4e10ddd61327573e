//! A step of a pipeline: a job specification, or one of a few other verbs.
//!
//! The union rule of a step stands here; the one of ProcessingJob stands there.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::LABEL_PATTERN;
use crate::job::JobSpec;
use crate::model_version::{ALIAS, ALIAS_HINT, MODEL, MODEL_HINT};
use crate::schema;

/// The fields that say what a step does, of which it gives exactly one: those of a job, and a few other verbs.
pub const VERBS: [&str; 4] = ["spark", "flink", "container", "register"];

/// One step: `spark`, `flink` or `container` as in a ProcessingJob, or `register`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::exactly_one(&VERBS),
    schema::rule("!has(self.register) || !(has(self.reads) || has(self.writes) || has(self.env) || has(self.pod) || has(self.keepPods) || has(self.dataPlane))", "a register step runs no pod: leave out reads, writes, env, pod, keepPods and dataPlane"),
    schema::rule("!has(self.suspend) && !has(self.readyWhen) && !has(self.rerun)", "suspend, readyWhen and rerun belong to a ProcessingJob of its own; a step follows its run"),
    schema::rule("!has(self.needs) || !self.needs.exists(n, n == self.name)", "a step cannot need itself")
]))]
pub struct StepSpec {
    /// Name, unique in the pipeline.
    #[schemars(length(min = 1, max = 40), transform = schema::text(40).pattern(LABEL_PATTERN))]
    pub name: String,
    /// Steps that must have succeeded before. A reference `$(steps.NAME.…)` implies it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(20, 40).set())]
    pub needs: Vec<String>,
    /// CEL condition over `params`, `run` and `steps`; false skips the step and its dependents. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::text(1_024).templated())]
    pub when: Option<String>,
    /// Register a model version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register: Option<RegisterSpec>,
    /// The job, when the step is one.
    #[serde(flatten)]
    pub job: JobSpec,
}

impl StepSpec {
    /// The fields of [`VERBS`] that it gives.
    #[must_use]
    pub fn given(&self) -> Vec<&'static str> {
        let job = &self.job;
        let given: [bool; VERBS.len()] =
            [job.spark.is_some(), job.flink.is_some(), job.container.is_some(), self.register.is_some()];
        VERBS.into_iter().zip(given).filter(|(_, given)| *given).map(|(field, _)| field).collect()
    }
}

/// Registers a model version: makes a ModelVersion and waits for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegisterSpec {
    /// Name of the ModelRegistry. Default: the only one of the namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::text(63).pattern(LABEL_PATTERN))]
    pub registry: Option<String>,
    /// Name of the registered model.
    #[schemars(length(min = 1, max = 128), transform = schema::text(128).checked(MODEL, MODEL_HINT).templated())]
    pub model: String,
    /// Where the model's files are: a URI in a bucket of the namespace, usually `$(steps.NAME.results.model)`.
    #[schemars(length(min = 1, max = 1_024), transform = schema::text(1_024).pattern(schema::PRINTED).checked(schema::URI, schema::URI_HINT).templated())]
    pub source: String,
    /// Aliases the new version takes over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(10, 64).pattern("^[a-zA-Z0-9_-]+$").checked(ALIAS, ALIAS_HINT).set())]
    pub aliases: Vec<String>,
    /// Tags of the version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = schema::map(32, 512).templated())]
    pub tags: BTreeMap<String, String>,
    /// Description of the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::text(1_024).templated())]
    pub description: Option<String>,
}
