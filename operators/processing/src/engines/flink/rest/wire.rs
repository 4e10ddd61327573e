//! Flink's JSON, read into what decide needs. Fields differ between versions; what is absent is left out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{JobView, PointView, TriggerView, VertexView};

/// Longest text of a trouble, in characters.
const LONGEST: usize = 1_500;

/// Our job out of `/jobs/overview`.
pub(super) fn job(overview: &Value, id: &str) -> Option<JobView> {
    let jobs = overview.get("jobs")?.as_array()?;
    let job = jobs.iter().find(|job| job.get("jid").and_then(Value::as_str) == Some(id))?;
    let count = |key: &str| job.pointer(&format!("/tasks/{key}")).and_then(Value::as_i64).unwrap_or(0);
    Some(JobView {
        state: job.get("state").and_then(Value::as_str).unwrap_or_default().to_owned(),
        tasks: count("total"),
        running: count("running"),
        finished: count("finished"),
    })
}

/// The newest exception out of `/jobs/:id/exceptions`; before 2.0 also `root-exception`.
pub(super) fn exception(body: &Value) -> Option<String> {
    let entry = body.pointer("/exceptionHistory/entries/0/stacktrace").or_else(|| body.get("root-exception"));
    let trace = entry.and_then(Value::as_str).filter(|trace| !trace.trim().is_empty())?;
    Some(cause(trace))
}

/// What a job ended of, out of `/jobs/:id/execution-result`.
pub(super) fn failure(body: &Value) -> Option<String> {
    let trace = body.pointer("/job-execution-result/failure-cause/stack-trace").and_then(Value::as_str)?;
    (!trace.trim().is_empty()).then(|| cause(trace))
}

/// The innermost cause of a Java stack trace, without its frames.
pub(super) fn cause(trace: &str) -> String {
    let plain = |line: &&str| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with("at ") && !line.starts_with("... ") && !line.starts_with("Suppressed: ")
    };
    let lines: Vec<&str> = trace.lines().filter(plain).collect();
    let last = lines.iter().rposition(|line| line.trim_start().starts_with("Caused by: ")).unwrap_or(0);
    let words: Vec<&str> = lines.iter().skip(last).map(|line| line.trim()).collect();
    let text = words.join(" ");
    text.strip_prefix("Caused by: ").unwrap_or(&text).chars().take(LONGEST).collect()
}

/// The newest checkpoint that is still there and the newest savepoint, out of `/jobs/:id/checkpoints`.
pub(super) fn points(body: &Value) -> (Option<PointView>, Option<PointView>) {
    let latest = ["completed", "savepoint"].into_iter().filter_map(|key| body.pointer(&format!("/latest/{key}")));
    let history = body.get("history").and_then(Value::as_array).into_iter().flatten();
    let all: Vec<&Value> = latest.chain(history).collect();
    let newest = |savepoint: bool| {
        let fits = |p: &&&Value| {
            let flag = |key: &str| p.get(key).and_then(Value::as_bool).unwrap_or(false);
            let done = p.get("status").and_then(Value::as_str) == Some("COMPLETED");
            done && !flag("discarded") && flag("is_savepoint") == savepoint
        };
        let number = |p: &&&Value| p.get("id").and_then(Value::as_i64).unwrap_or(0);
        all.iter().filter(fits).max_by_key(number).and_then(|p| point(p))
    };
    (newest(false), newest(true))
}

fn point(body: &Value) -> Option<PointView> {
    let path = body.get("external_path").and_then(Value::as_str).filter(|path| path.contains("://"))?;
    let number = |key: &str| body.get(key).and_then(Value::as_i64);
    Some(PointView {
        path: path.to_owned(),
        at: number("trigger_timestamp").and_then(|ms| Timestamp::from_millisecond(ms).ok()),
        size: number("state_size"),
        last: body.get("checkpoint_type").and_then(Value::as_str) == Some("SYNC_SAVEPOINT"),
    })
}

/// The vertices, out of `/jobs/:id` and `/jobs/:id/resource-requirements`. One without bounds cannot be changed, and none is
/// told then: Flink wants them all or none.
pub(super) fn vertices(job: &Value, requirements: &Value) -> Vec<VertexView> {
    let whole = |from: &Value, pointer: &str| {
        from.pointer(pointer).and_then(Value::as_i64).and_then(|number| i32::try_from(number).ok())
    };
    let one = |vertex: &Value| {
        let id = vertex.get("id")?.as_str()?;
        let bound = |key: &str| whole(requirements, &format!("/{id}/parallelism/{key}"));
        Some(VertexView {
            id: id.to_owned(),
            bounds: (bound("lowerBound")?, bound("upperBound")?),
            tasks: whole(vertex, "/parallelism")?,
            limit: whole(vertex, "/maxParallelism").filter(|limit| *limit > 0).unwrap_or(i32::MAX),
        })
    };
    let all = job.get("vertices").and_then(Value::as_array).into_iter().flatten();
    all.map(one).collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// The body of a change of parallelism.
pub(super) fn requirements(bounds: &BTreeMap<String, (i32, i32)>) -> Value {
    let one = |(id, (least, most)): (&String, &(i32, i32))| {
        (id.clone(), json!({"parallelism": {"lowerBound": least, "upperBound": most}}))
    };
    Value::Object(bounds.iter().map(one).collect())
}

/// The answer to `/jobs/:id/savepoints/:trigger`. COMPLETED means only that it no longer runs.
pub(super) fn trigger(body: &Value) -> TriggerView {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    match (text("/status/id"), text("/operation/location")) {
        (Some("COMPLETED"), Some(path)) => TriggerView::Done { path: path.to_owned() },
        (Some("COMPLETED"), None) => {
            let trace = text("/operation/failure-cause/stack-trace").or_else(|| text("/operation/failure-cause/class"));
            TriggerView::Failed { problem: cause(trace.unwrap_or("Flink gives no location")) }
        }
        _ => TriggerView::Running,
    }
}

#[cfg(test)]
mod tests;
