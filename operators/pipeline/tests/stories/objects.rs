//! What the stories begin with.

use millrace_crds::{DataBucket, MLPipeline, MLPipelineRun, ModelRegistry, ProcessingJob};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) fn typed<K: DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).unwrap()
}

/// Three steps over a bucket and a topic, each step referring to the one before.
pub(crate) fn chain(image: &str) -> Value {
    json!({
        "params": {"day": "1"},
        "buckets": [{"name": "raw"}],
        "topics": [{"name": "events", "partitions": 3, "config": {"retention.ms": "1"}}],
        "history": {"succeeded": 1},
        "steps": [
            {"name": "features", "container": {"image": image, "args": ["$(params.day)", "$(bucket.raw)"]}, "reads": ["bucket/raw"]},
            {"name": "train", "needs": ["features"], "container": {"image": image}, "retry": {"limit": 1}},
            {"name": "register", "when": "steps.train.results.auc >= 0.7",
             "register": {"model": "m", "source": "$(steps.train.results.model)", "aliases": ["candidate"]}},
        ]
    })
}

/// One step without data: the cheapest run there is.
pub(crate) fn single() -> Value {
    json!({"steps": [{"name": "only", "container": {"image": "i"}}]})
}

/// A step that fails with one that needs it, and one that does not.
pub(crate) fn fork() -> Value {
    json!({"steps": [
        {"name": "bad", "container": {"image": "i"}},
        {"name": "after-bad", "needs": ["bad"], "container": {"image": "i"}},
        {"name": "other", "container": {"image": "i"}},
        {"name": "after-other", "needs": ["other"], "container": {"image": "i"}},
    ]})
}

/// A step whose result is used when another has ended.
pub(crate) fn tidy() -> Value {
    json!({"steps": [
        {"name": "a", "container": {"image": "i"}},
        {"name": "hold", "container": {"image": "i"}},
        {"name": "b", "needs": ["hold"], "container": {"image": "i", "args": ["$(steps.a.results.auc)"]}},
    ]})
}

/// A registration and nothing else.
pub(crate) fn register() -> Value {
    json!({"steps": [{"name": "register", "register": {"model": "m", "source": "s3://late/m", "aliases": ["champion"]}}]})
}

pub(crate) fn pipeline(spec: &Value) -> MLPipeline {
    typed(json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "MLPipeline",
        "metadata": {"name": "p", "namespace": "ml"}, "spec": spec,
    }))
}

/// The same pipeline asking for a run.
pub(crate) fn asking(spec: &Value, value: &str) -> MLPipeline {
    let mut pipeline = pipeline(spec);
    let annotations = pipeline.metadata.annotations.get_or_insert_default();
    annotations.insert(millrace_crds::well_known::ANNOTATION_RUN_REQUESTED.into(), value.into());
    pipeline
}

pub(crate) fn run(name: &str, spec: &Value) -> MLPipelineRun {
    typed(json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "MLPipelineRun",
        "metadata": {"name": name, "namespace": "ml"}, "spec": spec,
    }))
}

pub(crate) fn registry() -> ModelRegistry {
    typed(json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "ModelRegistry", "metadata": {"name": "main", "namespace": "ml"},
        "spec": {"database": {"secretRef": {"name": "db"}}, "artifacts": {"bucket": "models"}},
    }))
}

/// A bucket somebody made by hand.
pub(crate) fn bucket(name: &str) -> DataBucket {
    typed(json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "DataBucket", "metadata": {"name": name, "namespace": "ml"},
        "spec": {"dataPlane": "default", "versioning": true},
    }))
}

/// A job somebody made by hand.
pub(crate) fn job(name: &str) -> ProcessingJob {
    typed(json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob",
        "metadata": {"name": name, "namespace": "ml", "labels": {"millrace.dev/step": "none"}},
        "spec": {"container": {"image": "x"}},
    }))
}

/// The chain over another bucket, with a topic of other settings.
pub(crate) fn other_data() -> Value {
    let mut other = chain("i");
    other["buckets"] = json!([{"name": "other"}]);
    other["steps"][0]["reads"] = json!(["bucket/other"]);
    other["steps"][0]["container"]["args"] = json!([]);
    other["topics"][0] = json!({"name": "events", "partitions": 6});
    other
}
