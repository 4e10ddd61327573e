//! Topics and buckets are kept as declared, and outlive their objects when asked to.
//!
//! Changed behind our back: put back within a minute, and an Event says so. Deleted with `Retain` and applied again:
//! the same topic, the same bucket with its objects.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::stores;
use super::tools::{Space, check, same};
use crate::stage::{Stage, at};
use crate::ui::{Outcome, Ui, short};

/// How long drift lasts at most, as promised; printed here.
const DRIFT: Duration = Duration::from_secs(60);
/// How long an object may take to be Ready.
const READY: Duration = Duration::from_secs(60);

pub(super) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let space = Space::new(stage, "story-drift")?;
    let kinds = [("datatopic", "kept"), ("databucket", "kept")];
    space.apply(&[topic("Retain"), bucket("Retain")])?;
    for kind in kinds {
        space.condition(kind, "Ready", READY)?;
    }
    drift(&space, ui)?;
    adopted_topic(&space, ui)?;
    adopted_bucket(&space, ui)?;
    space.apply(&[topic("Delete"), bucket("DeleteAll")])?;
    for (kind, name) in kinds {
        space.condition((kind, name), "Ready", READY)?;
        space.delete(kind, name)?;
    }
    Ok(())
}

fn topic(deletion: &str) -> Value {
    json!({"apiVersion": "millrace.dev/v1alpha1", "kind": "DataTopic", "metadata": {"name": "kept"},
           "spec": {"partitions": 2, "config": {"retention.ms": "3600000"}, "deletionPolicy": deletion}})
}

fn bucket(deletion: &str) -> Value {
    json!({"apiVersion": "millrace.dev/v1alpha1", "kind": "DataBucket", "metadata": {"name": "kept"},
           "spec": {"versioning": true, "deletionPolicy": deletion}})
}

fn status(space: &Space<'_>, kind: &str, field: &str) -> Outcome<String> {
    let object = space.condition((kind, "kept"), "Ready", READY)?;
    Ok(at(&object, &format!("/status/{field}")).to_owned())
}

/// Topic and bucket drift at once. A key that the object does not list is somebody else's and stays.
fn drift(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    let step = ui.step("drift behind our back", "");
    let (topic, bucket) = (status(space, "datatopic", "topicName")?, status(space, "databucket", "bucketName")?);
    stores::alter(space.stage, &topic, "retention.ms=1234567,max.message.bytes=2000000")?;
    stores::mc(space.stage, &format!("mc version suspend --quiet store/{bucket}"))?;
    let begun = Instant::now();
    space.until(("the topic's retention put back", DRIFT), || {
        let found = stores::topic(space.stage, &topic)?.unwrap_or_default();
        let retention = found.config.get("retention.ms").map(String::as_str);
        same("a key nobody declared", &found.config.get("max.message.bytes").map(String::as_str), &Some("2000000"))?;
        Ok((retention == Some("3600000")).then_some(()))
    })?;
    let took = begun.elapsed();
    space.until(("the bucket's versioning put back", DRIFT), || {
        Ok(stores::versioned(space.stage, &bucket)?.then_some(()))
    })?;
    let both = begun.elapsed();
    let said = told(space, "DataTopic", "DriftCorrected")?;
    check(said.contains("retention.ms"), "the Event does not name the key", &said)?;
    told(space, "DataBucket", "DriftCorrected")?;
    step.done(format!("topic after {}, bucket after {}", short(took), short(both)));
    Ok(())
}

/// The message of an Event of the object `kept` of this kind.
fn told(space: &Space<'_>, kind: &str, reason: &str) -> Outcome<String> {
    let selector = format!("involvedObject.kind={kind},involvedObject.name=kept");
    space.until((&format!("an Event {reason} of the {kind}"), Duration::from_secs(15)), || {
        let events = space.list("events", &["--field-selector", &selector])?;
        Ok(events.iter().find(|e| at(e, "/reason") == reason).map(|e| at(e, "/message").to_owned()))
    })
}

fn adopted_topic(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    let step = ui.step("a topic that outlives its object", "");
    let (name, id) = (status(space, "datatopic", "topicName")?, status(space, "datatopic", "topicId")?);
    space.delete("datatopic", "kept")?;
    let found = stores::topic(space.stage, &name)?.unwrap_or_default();
    same("the id of the topic without its object", &found.id, &id)?;
    space.apply(&[topic("Retain")])?;
    same("the id of the topic after it was applied again", &status(space, "datatopic", "topicId")?, &id)?;
    told(space, "DataTopic", "TopicAdopted")?;
    step.done(id);
    Ok(())
}

fn adopted_bucket(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    let step = ui.step("a bucket that outlives its object", "");
    let name = status(space, "databucket", "bucketName")?;
    let before = stores::tags(space.stage, &name)?;
    stores::mc(space.stage, &format!("echo kept | mc pipe --quiet store/{name}/proof.txt"))?;
    space.delete("databucket", "kept")?;
    same("the tags of the bucket without its object", &stores::tags(space.stage, &name)?, &before)?;
    space.apply(&[bucket("Retain")])?;
    same("the bucket after it was applied again", &status(space, "databucket", "bucketName")?, &name)?;
    let after = stores::tags(space.stage, &name)?;
    for key in ["owner", "namespace", "name"] {
        let key = format!("millrace.dev/{key}");
        same(&format!("the tag {key}"), &after.get(&key), &before.get(&key))?;
    }
    check(
        before.get("millrace.dev/uid") != after.get("millrace.dev/uid"),
        "the bucket was not adopted",
        format!("{after:?}"),
    )?;
    let kept = stores::mc(space.stage, &format!("mc cat store/{name}/proof.txt"))?;
    same("the object in the bucket", &kept.trim(), &"kept")?;
    told(space, "DataBucket", "Adopted")?;
    step.done(name);
    Ok(())
}
