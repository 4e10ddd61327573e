//! Structured Streaming from Kafka: suspended between two batches, resumed, killed, resumed; every event once in the table.
//!
//! The table is counted by SQL of Spark, after each step that could lose or double something.

use std::time::Duration;

use serde_json::{Value, json};

use super::jobs::{self, record, running, succeeded, with};
use super::stores::produce;
use super::tools::{Space, same};
use crate::stage::{Stage, at};
use crate::ui::{Outcome, Ui};

/// Longest time for one step on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

pub(super) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let space = Space::new(stage, "story-stream")?;
    let head = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "millrace.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    space.apply(&[
        head("DataTopic", "events", json!({"partitions": 2, "deletionPolicy": "Delete"})),
        head("DataBucket", "table", json!({"deletionPolicy": "DeleteAll"})),
        job(),
    ])?;
    let topic = space.condition(("datatopic", "events"), "Ready", LIMIT)?;
    let topic = at(&topic, "/status/topicName").to_owned();
    let batches = ui.step("events into a table", "");
    produce(stage, &topic, (1, 500))?;
    running(&space, ("keep", 1), LIMIT)?;
    space.condition(("processingjob", "keep"), "Ready", LIMIT)?;
    counted(&space, "first", 500)?;
    batches.done("500");
    suspended(&space, &topic, ui)?;
    let step = ui.step("a stream whose driver is killed", "");
    let job = running(&space, ("keep", 2), LIMIT)?;
    produce(stage, &topic, (1_201, 1_500))?;
    space.text(&["delete", "pod", at(&job, "/status/attempt/pod"), "--force", "--grace-period=0"])?;
    running(&space, ("keep", 3), LIMIT)?;
    produce(stage, &topic, (1_501, 1_600))?;
    counted(&space, "third", 1_600)?;
    step.done("1,600, each once");
    Ok(())
}

/// Stopped between two batches: the program itself ends, and what it was at is in the table.
fn suspended(space: &Space<'_>, topic: &str, ui: &Ui) -> Outcome<()> {
    let step = ui.step("a stream suspended and resumed", "");
    produce(space.stage, topic, (501, 1_000))?;
    space.text(&["patch", "processingjob", "keep", "--type=merge", "--patch", r#"{"spec":{"suspend":true}}"#])?;
    let job = space.wait(("processingjob", "keep"), LIMIT, |job| {
        Ok((at(job, "/status/phase") == "Suspended").then(|| job.clone()))
    })?;
    let last = record(&job, 1);
    same("the result of the stopped attempt", &at(&last, "/result"), &"Stopped")?;
    same("its exit code", &last.pointer("/exitCode").and_then(Value::as_i64), &Some(0))?;
    space.until(("no pod of the stream", LIMIT), || {
        Ok(space
            .list("pods", &["-l", "millrace.dev/owner-name=keep,millrace.dev/role=executor"])?
            .is_empty()
            .then_some(()))
    })?;
    produce(space.stage, topic, (1_001, 1_200))?;
    space.text(&["patch", "processingjob", "keep", "--type=merge", "--patch", r#"{"spec":{"suspend":false}}"#])?;
    running(space, ("keep", 2), LIMIT)?;
    counted(space, "second", 1_200)?;
    step.done("1,200, each once; exit code 0");
    Ok(())
}

fn job() -> Value {
    let args = ["--topic", "$(topic.events)", "--out", "$(bucket.table)/events", "--per-batch", "100"];
    let job = jobs::spark("keep", "/streaming/events.py", &args);
    let job = jobs::with_spark(job, json!({"mode": "Streaming", "checkpoint": "bucket/table/state/of/keep/"}));
    let soon = json!({"backoff": {"initial": "1s"}});
    with(
        job,
        json!({"reads": ["topic/events"], "writes": ["bucket/table/events/"], "deadlines": {"stop": "90s"}, "retry": soon}),
    )
}

/// Waits until the table holds so many events, and fails if one is there twice: SQL says so, attempt by attempt.
fn counted(space: &Space<'_>, name: &str, wanted: u32) -> Outcome<()> {
    let sql = format!(
        "CREATE TEMPORARY VIEW seen AS SELECT count(*) AS n, count(DISTINCT event) AS d \
           FROM parquet.`$(bucket.table)/events`;\n\
         SELECT if(n = {wanted} AND d = {wanted}, 'whole', raise_error(concat(n, ' rows, ', d, ' events'))) FROM seen;"
    );
    let retry = json!({"limit": 8, "backoff": {"initial": "1s", "max": "5s"}});
    space.apply(&[with(jobs::sql(name, &sql), json!({"reads": ["bucket/table/events/"], "retry": retry}))])?;
    succeeded(space, name, LIMIT).map(|_| ())
}
