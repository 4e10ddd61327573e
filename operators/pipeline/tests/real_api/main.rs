//! The operator as a process on a real API server, with exactly the rights it declares; actors play the other operators.
//!
//! Needs KUBECONFIG with every right, and MILLRACE_AUDIT_LOG, as `cargo xtask local-api` prints them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and plays users and other operators, who write"
)]

mod actors;
mod cluster;

use std::time::Duration;

use cluster::{Cluster, USER};
use millrace_crds::{
    DataBucket, DataTopic, MLPipeline, MLPipelineRun, ModelRegistry, ModelVersion, ProcessingJob,
    well_known::ANNOTATION_RUN_REQUESTED,
};
use serde_json::{Value, json};

fn chain(topic: Value) -> Value {
    json!({
        "params": {"day": "1"},
        "buckets": [{"name": "raw"}],
        "topics": [topic],
        "steps": [
            {"name": "features", "container": {"image": "i", "args": ["$(params.day)", "$(bucket.raw)", "$(HOME)"]}, "reads": ["bucket/raw"]},
            {"name": "train", "needs": ["features"], "container": {"image": "i"}},
            {"name": "register", "when": "steps.train.results.auc >= 0.7", "register": {
                "model": "m", "source": "$(steps.train.results.model)", "tags": {"auc": "$(steps.train.results.auc)"}}},
        ]
    })
}

fn topic() -> Value {
    json!({"name": "events", "partitions": 3, "config": {"retention.ms": "1000"}})
}

fn single() -> Value {
    json!({"steps": [{"name": "only", "container": {"image": "i"}}]})
}

fn condition(object: &Value, kind: &str) -> (String, String) {
    let all = object.pointer("/status/conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    let found = all.into_iter().find(|c| c["type"] == kind).unwrap_or_default();
    (found["status"].as_str().unwrap_or_default().into(), found["message"].as_str().unwrap_or_default().into())
}

fn ready(object: &Value) -> bool {
    condition(object, "Ready").0 == "True" && object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

fn phase<'a>(phase: &'a str) -> impl Fn(&Value) -> bool + 'a {
    move |object| object["status"]["phase"] == phase
}

/// Three steps, killed by SIGKILL half-way: the same end, no job made twice.
async fn runs_and_survives(cluster: &Cluster) {
    cluster
        .create::<ModelRegistry>(
            "main",
            &json!({"database": {"secretRef": {"name": "db"}}, "artifacts": {"bucket": "models"}}),
        )
        .await;
    let run = json!({"pipeline": "flow", "params": {"day": "$(HOME)"}});
    cluster.create::<MLPipelineRun>("early", &run).await;
    cluster.wait::<MLPipelineRun>("early", |r| condition(r, "Succeeded").1.contains("does not exist")).await;
    cluster.create::<MLPipeline>("flow", &chain(topic())).await;
    cluster.wait::<MLPipelineRun>("early", |r| r["status"]["steps"][0]["phase"] == "Succeeded").await;
    cluster.kill_operator();
    cluster.start_operator();
    let done = cluster.wait::<MLPipelineRun>("early", phase("Succeeded")).await;
    assert_eq!(done["status"]["progress"], "3/3", "{done:#}");
    let jobs = cluster.list::<ProcessingJob>().await;
    assert_eq!(jobs.len(), 2, "{jobs:#?}");
    let job = jobs.iter().find(|j| j["metadata"]["labels"]["millrace.dev/step"] == "features").unwrap();
    assert_eq!(job["spec"]["container"]["args"], json!(["$$(HOME)", "$(bucket.raw)", "$(HOME)"]));
    let versions = cluster.list::<ModelVersion>().await;
    assert_eq!(versions[0]["spec"]["registry"], "main");
    assert_eq!(versions[0]["spec"]["tags"]["auc"], "0.81");
}

/// What is no longer declared is taken back: a setting, then an object; a foreign object is left alone.
async fn keeps_declared_data(cluster: &Cluster) {
    let mut spec = chain(json!({"name": "events", "partitions": 6}));
    spec["buckets"] = json!([{"name": "raw"}, {"name": "more"}]);
    cluster.replace::<MLPipeline>("flow", &spec).await;
    let topic = cluster.wait::<DataTopic>("events", |t| t["spec"]["partitions"] == 6).await;
    assert_eq!(topic["spec"].get("config"), None, "{topic:#}");
    cluster.wait::<MLPipeline>("flow", ready).await;
    spec["buckets"] = json!([{"name": "raw"}]);
    cluster.replace::<MLPipeline>("flow", &spec).await;
    cluster.gone::<DataBucket>("more").await;
    cluster.create::<MLPipeline>("second", &chain(topic_named("other"))).await;
    let second = cluster.wait::<MLPipeline>("second", |p| condition(p, "Stalled").0 == "True").await;
    assert_eq!(
        condition(&second, "Stalled").1,
        "spec.buckets[raw]: DataBucket raw belongs to MLPipeline flow; remove it from the declarations to use it as it is, or choose another name"
    );
}

fn topic_named(name: &str) -> Value {
    json!({"name": name, "partitions": 1})
}

/// A bad spec is told with all findings; mended, it is ready.
async fn tells_what_is_wrong(cluster: &Cluster) {
    let bad = json!({"steps": [
        {"name": "a", "needs": ["b"], "container": {"image": "i", "args": ["$(params.day)"]}},
        {"name": "b", "when": "steps.a.results.x >", "container": {"image": "i"}},
    ]});
    cluster.create::<MLPipeline>("bad", &bad).await;
    let told = cluster.wait::<MLPipeline>("bad", |p| condition(p, "Stalled").0 == "True").await;
    let message = condition(&told, "Stalled").1;
    assert_eq!(
        message,
        "spec.steps[a].container.args[0]: $(params.day): parameter day is not declared; spec.params has none; \
         spec.steps[b].when: not CEL: Syntax error: mismatched input '<EOF>' expecting expression at character 20"
    );
    cluster.replace::<MLPipeline>("bad", &single()).await;
    cluster.wait::<MLPipeline>("bad", ready).await;
}

/// A new value of the annotation makes one run; a run of one step costs its budget.
async fn runs_on_request_within_budget(cluster: &Cluster) {
    cluster.annotate::<MLPipeline>("bad", (ANNOTATION_RUN_REQUESTED, "first")).await;
    cluster.wait::<MLPipeline>("bad", |p| p["status"]["lastHandledRunRequest"] == "first").await;
    let runs = cluster.selected::<MLPipelineRun>("spec.pipeline=bad").await;
    assert_eq!(runs.len(), 1, "{runs:#?}");
    let name = runs[0]["metadata"]["name"].as_str().unwrap();
    cluster.wait::<MLPipelineRun>(name, phase("Succeeded")).await;
    let (jobs, run) = cluster.writes_of_run(name);
    assert_eq!((jobs, run), (1, 2), "creates of jobs, status writes of the run");
    println!("writes of a one-step run by the pipeline operator: {}", jobs + run);
}

/// A job the API server refuses fails its step in words, and stops nobody else.
async fn a_refused_job_fails_its_step(cluster: &Cluster) {
    let long = "x".repeat(1_000);
    let spec = json!({"params": {"p": long}, "steps": [
        {"name": "long", "container": {"image": "i", "args": ["$(params.p) $(params.p)"]}},
        {"name": "other", "container": {"image": "i"}},
    ]});
    cluster.create::<MLPipeline>("refused", &spec).await;
    cluster.create::<MLPipelineRun>("refused", &json!({"pipeline": "refused"})).await;
    let run = cluster.wait::<MLPipelineRun>("refused", phase("Failed")).await;
    let told = condition(&run, "Succeeded").1;
    assert!(told.starts_with("step long (Invalid): ") && told.contains("spec.container.args[0]"), "{told}");
    assert_eq!(run["status"]["steps"][1]["phase"], "Succeeded", "{run:#}");
}

/// The job of a finished step is deleted while another runs: what it returned stands in the run.
async fn a_finished_job_may_go(cluster: &Cluster) {
    let spec = json!({"steps": [
        {"name": "a", "container": {"image": "i"}},
        {"name": "hold", "container": {"image": "i"}},
        {"name": "b", "needs": ["hold"], "container": {"image": "i", "args": ["$(steps.a.results.auc)"]}},
    ]});
    cluster.create::<MLPipeline>("tidy", &spec).await;
    cluster.create::<MLPipelineRun>("tidy", &json!({"pipeline": "tidy"})).await;
    let run = cluster.wait::<MLPipelineRun>("tidy", |r| r["status"]["steps"][0]["phase"] == "Succeeded").await;
    assert_eq!(run["status"]["steps"][0]["results"], json!({"auc": 0.81}), "{run:#}");
    cluster.delete::<ProcessingJob>(run["status"]["steps"][0]["child"]["name"].as_str().unwrap()).await;
    let done = cluster.wait::<MLPipelineRun>("tidy", phase("Succeeded")).await;
    let b = done["status"]["steps"][2]["child"]["name"].as_str().unwrap().to_owned();
    let job = cluster.wait::<ProcessingJob>(&b, |j| !j.is_null()).await;
    assert_eq!(job["spec"]["container"]["args"], json!(["0.81"]));
    assert!(!cluster.list::<ProcessingJob>().await.iter().any(|j| j["metadata"]["labels"]["millrace.dev/step"] == "a"));
}

/// A job whose spec cannot work is deleted before its step has failed, in its words.
async fn what_is_given_up_is_taken_back(cluster: &Cluster) {
    let spec = json!({"steps": [{"name": "invalid", "container": {"image": "i"}}]});
    cluster.create::<MLPipeline>("invalid", &spec).await;
    cluster.create::<MLPipelineRun>("invalid", &json!({"pipeline": "invalid"})).await;
    let run = cluster.wait::<MLPipelineRun>("invalid", phase("Failed")).await;
    assert_eq!(condition(&run, "Succeeded").1, "step invalid (InvalidSpec): done");
    cluster.gone::<ProcessingJob>(run["status"]["steps"][0]["child"]["name"].as_str().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_real_api_server() {
    let cluster = Cluster::open().await;
    cluster.start_operator();
    let actors = tokio::spawn(actors::play(cluster.client.clone(), cluster.namespace.clone()));
    runs_and_survives(&cluster).await;
    keeps_declared_data(&cluster).await;
    tells_what_is_wrong(&cluster).await;
    runs_on_request_within_budget(&cluster).await;
    a_refused_job_fails_its_step(&cluster).await;
    a_finished_job_may_go(&cluster).await;
    what_is_given_up_is_taken_back(&cluster).await;
    let idle = cluster.idle(Duration::from_secs(10)).await;
    assert_eq!(idle, Vec::<String>::new(), "writes of {USER} while nothing happens");
    actors.abort();
    cluster.kill_operator();
}
