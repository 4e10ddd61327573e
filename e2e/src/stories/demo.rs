//! The demo, and whether what it shows is true: counts, the version in MLflow, the topic, the bucket.
//!
//! Everything is looked up where it lives, not in the objects that report it.

use std::time::Duration;

use serde_json::{Value, json};

use super::mlflow::Mlflow;
use super::tools::{Space, check, number, same};
use super::{jobs, stores};
use crate::demo::{self, Shown};
use crate::stage::{Stage, TEAM, at};
use crate::ui::{Outcome, Ui};

/// Flights of 2013 in the data set, which is fixed.
const FLIGHTS: f64 = 336_776.0;
/// By how much a real model beats a constant and the same model taught with shuffled labels.
const MARGIN: f64 = 0.1;

pub(super) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let shown = demo::demo(stage, ui)?;
    let space = Space::team(stage);
    counts(&space, &shown, ui)?;
    auc(&shown)?;
    registered(&space, &shown.version)?;
    topic(&space)?;
    bucket(&space)
}

/// The rows of the features, counted again by a job that shares nothing with the one that made them.
fn counts(space: &Space<'_>, shown: &Shown, ui: &Ui) -> Outcome<()> {
    let step = ui.step("counting the flights another way", "");
    let run = space.find("mlpipelinerun", &shown.run)?.unwrap_or_default();
    let steps = run.pointer("/status/steps").and_then(Value::as_array).cloned().unwrap_or_default();
    let job = steps
        .iter()
        .find(|s| at(s, "/name") == "features")
        .map(|s| at(s, "/child/name").to_owned())
        .unwrap_or_default();
    let features = space.find("processingjob", &job)?.unwrap_or_default();
    let name = format!("count-{}", shown.run);
    let count = jobs::container(&name, &["/app/count.py", "$(bucket.raw)", "$(bucket.features)"]);
    space.apply(&[jobs::with(count, json!({"reads": ["bucket/raw", "bucket/features/year=2013/"]}))])?;
    let counted = jobs::succeeded(space, &name, Duration::from_secs(180))?;
    space.delete("processingjob", &name)?;
    let of = |job: &Value, word: &str| number(job, &format!("/status/results/{word}"));
    for word in ["rows", "labelled", "late"] {
        same(&format!("the count {word} of the features"), &of(&features, word), &of(&counted, word))?;
    }
    same("the number of rows in the files", &of(&counted, "features_rows"), &Some(FLIGHTS))?;
    same("the number of flights", &of(&counted, "rows"), &Some(FLIGHTS))?;
    step.done(format!("{FLIGHTS} rows, {} late", of(&counted, "late").unwrap_or_default()));
    Ok(())
}

fn auc(shown: &Shown) -> Outcome<()> {
    let of = |word: &str| number(&shown.results, &format!("/{word}")).unwrap_or(f64::NAN);
    let (auc, constant, shuffled) = (of("auc"), of("auc_constant"), of("auc_shuffled"));
    let beats = auc > constant + MARGIN && auc > shuffled + MARGIN;
    check(beats, "the model does not beat chance", format!("AUC {auc}, constant {constant}, shuffled {shuffled}"))
}

/// The version as MLflow has it, asked over its own API.
fn registered(space: &Space<'_>, version: &Value) -> Outcome<()> {
    let mlflow = Mlflow::open(space)?;
    let number = version.pointer("/status/version").and_then(Value::as_i64).unwrap_or(0);
    let model = at(version, "/spec/model");
    let path = format!("model-versions/get?name={model}&version={number}");
    let code = mlflow.stranger(&format!("/api/2.0/mlflow/{path}"))?;
    same("MLflow's answer without a login", &code, &401)?;
    let said = mlflow.get(&path)?;
    let found = said.pointer("/model_version").cloned().unwrap_or_default();
    same("the version's source in MLflow", &at(&found, "/source"), &at(version, "/status/source"))?;
    same("the version's status in MLflow", &at(&found, "/status"), &"READY")?;
    let ours = mlflow.tagged(model, at(version, "/metadata/uid"))?;
    same("the versions with our uid", &ours.len(), &1)?;
    let said = mlflow.get(&format!("registered-models/alias?name={model}&alias=candidate"))?;
    let holder = said.pointer("/model_version/version").map(|v| v.to_string().replace('"', ""));
    same("the holder of the alias candidate", &holder, &Some(number.to_string()))
}

fn topic(space: &Space<'_>) -> Outcome<()> {
    let object = space.condition(("datatopic", "flight-events"), "Ready", Duration::from_secs(30))?;
    let name = at(&object, "/status/topicName");
    let found =
        stores::topic(space.stage, name)?.ok_or_else(|| space.failure("the topic is not on the broker", name))?;
    same("the topic's name", &name, &"ml.flight-events")?;
    same("the topic's id", &found.id.as_str(), &at(&object, "/status/topicId"))?;
    same("the topic's partitions", &found.partitions, &6)?;
    same("the topic's retention", &found.config.get("retention.ms").map(String::as_str), &Some("604800000"))
}

fn bucket(space: &Space<'_>) -> Outcome<()> {
    let object = space.condition(("databucket", "features"), "Ready", Duration::from_secs(30))?;
    let bucket = at(&object, "/status/bucketName");
    let tags = stores::tags(space.stage, bucket)?;
    let uid = at(&object, "/metadata/uid");
    for (key, wanted) in [("owner", "sandbox"), ("namespace", TEAM), ("name", "features"), ("uid", uid)] {
        let found = tags.get(&format!("millrace.dev/{key}")).map(String::as_str);
        same(&format!("the tag millrace.dev/{key} of bucket {bucket}"), &found, &Some(wanted))?;
    }
    check(stores::versioned(space.stage, bucket)?, "the bucket features keeps no old versions", bucket)
}
