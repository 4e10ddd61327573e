//! From inside jobs: what was declared works, what was not is denied, and a driver cannot reach for more.
//!
//! A container, a Spark driver and its executor try every verb on four places; another driver tries to start pods.

use std::time::Duration;

use serde_json::{Value, json};

use super::jobs::{self, succeeded, with};
use super::stores;
use super::tools::{Space, check};
use crate::stage::{Stage, at};
use crate::ui::{Outcome, Ui};

/// Longest time for one of the jobs.
const LIMIT: Duration = Duration::from_secs(240);

pub(super) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let space = Space::new(stage, "story-walls")?;
    let bucket = |name: &str| {
        json!({"apiVersion": "millrace.dev/v1alpha1", "kind": "DataBucket", "metadata": {"name": name},
               "spec": {"deletionPolicy": "DeleteAll"}})
    };
    space.apply(&[bucket("features"), bucket("raw"), bucket("other")])?;
    let ready = |name: &str| -> Outcome<String> {
        let object = space.condition(("databucket", name), "Ready", Duration::from_secs(60))?;
        Ok(at(&object, "/status/bucketName").to_owned())
    };
    ready("features")?;
    let (raw, other) = (ready("raw")?, format!("s3://{}", ready("other")?));
    stores::mc(stage, &format!("echo rain | mc pipe --quiet store/{raw}/weather/one.txt"))?;
    let places = [
        "--own",
        "$(bucket.features)/walls/own",
        "--read",
        "$(bucket.raw)/weather",
        "--sibling",
        "$(bucket.features)/walls/sibling",
        "--other",
        &other,
    ];
    let data = json!({"reads": ["bucket/raw/weather/"], "writes": ["bucket/features/walls/own/"]});
    space.apply(&[
        with(jobs::container("container", &[&["/walls/probe.py"], &places[..]].concat()), data.clone()),
        with(jobs::spark("spark", "/walls/probe_spark.py", &places), data),
    ])?;
    let grant = space.wait(("processingjob", "spark"), LIMIT, |job| {
        let grant = at(job, "/status/attempt/grant");
        Ok((!grant.is_empty()).then(|| grant.to_owned()))
    })?;
    // It never asks for its executor; without one declared it would have no API token to misuse.
    space.apply(&[jobs::spark("steal", "/walls/steal.py", &[&grant])])?;
    for (name, tried) in [("container", "a container"), ("spark", "a driver and an executor"), ("steal", "a thief")] {
        let step = ui.step(format!("the walls around {tried}"), "");
        let job = succeeded(&space, name, LIMIT)?;
        let results = job.pointer("/status/results").cloned().unwrap_or_default();
        let passed = results.pointer("/passed").and_then(Value::as_bool) == Some(true);
        check(passed, &format!("the walls around {tried} have a hole"), format!("{results:#}"))?;
        step.done(told(&results));
    }
    Ok(())
}

/// How many tries were made.
fn told(results: &Value) -> String {
    let all = results.as_object().map_or(0, serde_json::Map::len);
    format!("{all} results, {}", at(results, "/refusal").chars().take(80).collect::<String>())
}
