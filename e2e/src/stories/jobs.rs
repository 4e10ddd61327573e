//! ProcessingJobs of the stories, and waiting for their ends.

use std::time::Duration;

use serde_json::{Value, json};

use super::tools::Space;
use crate::stage::{at, condition};
use crate::ui::{Failure, Outcome};

/// The image with the scripts of `examples/flights/app` as `/app` and of `examples/walls/app` as `/walls`.
pub(super) const IMAGE: &str = "docker.io/millrace/flights:dev";

/// A job of one container that runs a Python script of the image.
pub(super) fn container(name: &str, command: &[&str]) -> Value {
    let command: Vec<&str> = ["python3"].iter().chain(command).copied().collect();
    job(name, json!({"container": {"image": IMAGE, "command": command, "cpu": "50m", "memory": "256Mi"}}))
}

/// A Spark job with one executor that runs a Python script of the image.
pub(super) fn spark(name: &str, main: &str, args: &[&str]) -> Value {
    let spark = json!({
        "image": IMAGE,
        "main": format!("local://{main}"),
        "args": args,
        "driver": {"cpu": "200m", "memory": "1Gi"},
        "executors": {"count": 1, "cpu": "100m", "memory": "1Gi"},
    });
    job(name, json!({"spark": spark}))
}

/// A Spark job without executors that runs SQL.
pub(super) fn sql(name: &str, sql: &str) -> Value {
    let spark = json!({
        "image": IMAGE, "sql": sql, "driver": {"cpu": "200m", "memory": "1Gi"}, "executors": {"count": 0},
    });
    job(name, json!({"spark": spark}))
}

/// The job with more fields of its Spark section.
pub(super) fn with_spark(mut job: Value, more: Value) -> Value {
    if let (Some(spark), Value::Object(more)) = (job.pointer_mut("/spec/spark").and_then(Value::as_object_mut), more) {
        spark.extend(more);
    }
    job
}

fn job(name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob",
        "metadata": {"name": name},
        "spec": spec,
    })
}

/// The job with more fields of its spec.
pub(super) fn with(mut job: Value, more: Value) -> Value {
    if let (Some(spec), Value::Object(more)) = (job.pointer_mut("/spec").and_then(Value::as_object_mut), more) {
        spec.extend(more);
    }
    job
}

/// Waits until the job has ended, well or not.
pub(super) fn ended(space: &Space<'_>, name: &str, limit: Duration) -> Outcome<Value> {
    space.wait(("processingjob", name), limit, |job| {
        let over = matches!(condition(job, "Succeeded"), Some(("True" | "False", ..)));
        match condition(job, "Stalled") {
            Some(("True", reason, message)) if !over => {
                Err(space.failure(&format!("job {name} is stalled: {reason}"), message))
            }
            _ => Ok(over.then(|| job.clone())),
        }
    })
}

/// Waits until the job has ended well.
pub(super) fn succeeded(space: &Space<'_>, name: &str, limit: Duration) -> Outcome<Value> {
    let job = ended(space, name, limit)?;
    match condition(&job, "Succeeded") {
        Some(("True", ..)) => Ok(job),
        other => Err(failed(space, &job, &format!("{other:?}"))),
    }
}

/// Waits until the attempt of this number runs: its pod's first container has started.
pub(super) fn running(space: &Space<'_>, (name, attempt): (&str, i64), limit: Duration) -> Outcome<Value> {
    space.wait(("processingjob", name), limit, |job| {
        if let Some(("False", reason, message)) = condition(job, "Succeeded") {
            return Err(failed(space, job, &format!("{reason}: {message}")));
        }
        let number = job.pointer("/status/attempt/number").and_then(Value::as_i64);
        Ok((number == Some(attempt) && at(job, "/status/phase") == "Running").then(|| job.clone()))
    })
}

fn failed(space: &Space<'_>, job: &Value, why: &str) -> Failure {
    let log = space.text(&["logs", at(job, "/status/attempt/pod"), "--tail=40"]).unwrap_or_default();
    space.failure(&format!("job {} failed", at(job, "/metadata/name")), format!("{why}\n{log}"))
}

/// The record of a finished attempt.
pub(super) fn record(job: &Value, number: i64) -> Value {
    let all = job.pointer("/status/lastAttempts").and_then(Value::as_array);
    let found = all.into_iter().flatten().find(|a| a.pointer("/number").and_then(Value::as_i64) == Some(number));
    found.cloned().unwrap_or_default()
}

/// How many failures went on the application's account.
pub(super) fn application_failures(job: &Value) -> i64 {
    job.pointer("/status/failures/application").and_then(Value::as_i64).unwrap_or(0)
}

/// Waits until an executor of Spark runs.
pub(super) fn executor(space: &Space<'_>, limit: Duration) -> Outcome<()> {
    space.until(("a running executor", limit), || {
        let executors = space.list("pods", &["-l", "spark-role=executor"])?;
        Ok(executors.iter().any(|p| at(p, "/status/phase") == "Running").then_some(()))
    })
}
