//! Jobs that outlive their credentials: fifteen minutes, the shortest there is, in jobs that write for twenty.
//!
//! boto3 in a container, Spark's S3A and Flink's S3 file system side by side, on a DataPlane of their own with that lifetime.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::jobs::{self, running, succeeded, with};
use super::stores;
use super::tools::{Space, check, number};
use crate::stage::{Stage, at};
use crate::ui::{Failure, Outcome, Ui};

/// How long the jobs write, in seconds.
const SECONDS: &str = "1200";
/// The fewest writes in that time: one about every twenty seconds.
const WRITES: f64 = 40.0;
const LIMIT: Duration = Duration::from_secs(1_500);
const NAME: &str = "story-renew";
/// Flink's job: it has no end, and commits files on checkpoints.
const STREAM: &str = "stream";
const SCRIPT: &str = "
CREATE TABLE ticks (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '5');
CREATE TABLE seen (n BIGINT) WITH ('connector' = 'filesystem', 'path' = '$(bucket.target)/stream', 'format' = 'json');
INSERT INTO seen SELECT n FROM ticks;
";

pub(super) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let plane = Plane::new(stage)?;
    let space = Space::new(stage, NAME)?;
    stage.bring("image-streams", ui)?;
    let bucket = json!({"dataPlane": NAME, "deletionPolicy": "DeleteAll"});
    space.apply(&[json!({"apiVersion": "millrace.dev/v1alpha1", "kind": "DataBucket", "metadata": {"name": "target"}, "spec": bucket})])?;
    let bucket = space.condition(("databucket", "target"), "Ready", Duration::from_secs(60))?;
    let bucket = at(&bucket, "/status/bucketName").to_owned();
    let data = json!({"dataPlane": NAME, "writes": ["bucket/target"]});
    let place = "$(bucket.target)";
    space.apply(&[
        with(jobs::container("boto", &["/app/renew.py", place, SECONDS]), data.clone()),
        with(jobs::spark("s3a", "/app/renew_spark.py", &[place, SECONDS]), data),
        json!({"apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob", "metadata": {"name": STREAM}, "spec": {
            "dataPlane": NAME, "writes": ["bucket/target/stream/"], "flink": {
                "image": format!("{}/streams:dev", stage.images), "sql": SCRIPT,
                "jobManager": {"cpu": "200m", "memory": "1Gi"}, "taskManagers": {"cpu": "200m", "memory": "1Gi"},
                "state": {"bucket": "target", "checkpointEvery": "10s"},
            },
        }}),
    ])?;
    let step = ui.step("writing for twenty minutes with credentials of fifteen", "");
    let mut expiries: BTreeSet<String> = BTreeSet::new();
    for name in ["boto", "s3a", STREAM] {
        running(&space, (name, 1), Duration::from_secs(180))?;
    }
    space.until(("the end of both jobs", LIMIT), || {
        for grant in space.list("datagrants", &[])? {
            expiries.insert(format!("{} {}", at(&grant, "/metadata/name"), at(&grant, "/status/expiresAt")));
        }
        let all = space.list("processingjobs", &[])?;
        let over = |job: &Value| ["Succeeded", "Failed"].contains(&at(job, "/status/phase"));
        step.note(&format!("{} expiries seen", expiries.len()));
        Ok(all.iter().filter(|job| at(job, "/metadata/name") != STREAM).all(over).then_some(()))
    })?;
    let mut told = Vec::new();
    for name in ["boto", "s3a"] {
        let job = succeeded(&space, name, Duration::from_secs(5))?;
        let attempts = job.pointer("/status/attempt/number").and_then(Value::as_i64);
        check(attempts == Some(1), &format!("{name} did not write in one go"), format!("{attempts:?} attempts"))?;
        let writes = number(&job, "/status/results/writes").unwrap_or(0.0);
        check(writes >= WRITES, &format!("{name} wrote too little"), writes)?;
        told.push(format!("{name} {writes} writes"));
        if name == "boto" {
            let keys = number(&job, "/status/results/credentials").unwrap_or(0.0);
            check(keys >= 2.0, "the credential was never renewed", keys)?;
            told.push(format!("{keys} credentials"));
        }
    }
    let job = space.condition(("processingjob", STREAM), "Healthy", Duration::from_secs(30))?;
    let attempts = job.pointer("/status/attempt/number").and_then(Value::as_i64);
    check(attempts == Some(1), "the stream was interrupted", format!("{attempts:?} attempts"))?;
    let newest =
        space.until(("a file of the stream written within the last minute", Duration::from_secs(60)), || {
            let found = stores::mc(stage, &format!("mc find store/{bucket}/stream --newer-than 1m"))?;
            Ok(found.lines().last().map(str::to_owned))
        })?;
    told.push(format!("stream still writes: {}", newest.rsplit('/').next().unwrap_or_default()));
    step.done(told.join(", "));
    space.delete("processingjob", STREAM)?;
    space.delete("databucket", "target")?;
    drop(plane);
    Ok(())
}

/// A second DataPlane on the same stores, with credentials of fifteen minutes; goes with its handle.
struct Plane<'a>(&'a Stage);

impl<'a> Plane<'a> {
    fn new(stage: &'a Stage) -> Outcome<Self> {
        let default = stage.json(&["get", "dataplane", "default"])?;
        let mut spec = default.pointer("/spec").cloned().unwrap_or_default();
        let fields =
            spec.as_object_mut().ok_or_else(|| Failure::because("the DataPlane default has no spec", &default))?;
        fields.insert("owner".to_owned(), json!(NAME));
        fields.remove("kafka");
        if let Some(store) = fields.get_mut("objectStore").and_then(Value::as_object_mut) {
            store.insert("credentialLifetime".to_owned(), json!("15m"));
        }
        let space = Space::team(stage);
        space.apply(&[json!({"apiVersion": "millrace.dev/v1alpha1", "kind": "DataPlane", "metadata": {"name": NAME}, "spec": spec})])?;
        Ok(Self(stage))
    }
}

impl Drop for Plane<'_> {
    fn drop(&mut self) {
        // What is left of an interrupted story is taken up by the next one.
        let _ = self.0.text(&["delete", "dataplane", NAME, "--ignore-not-found", "--wait=false"]);
    }
}
