//! Whether anything is left waiting for ever: run on for a month after the end of a story, alone, every object an operator
//! keeps must have come to an end that it says.

use std::time::Duration;

use serde_json::Value;

use super::{
    drive::{Play, Story},
    schedule::Schedule,
    world::World,
};
use crate::{Address, port::text};

/// Longer than any deadline.
const MONTH: Duration = Duration::from_secs(30 * 86_400);
/// The clock's shortest step meanwhile.
const STRIDE: Duration = Duration::from_secs(900);

/// What is left waiting for ever after the undisturbed run of a story: one line each, with what it says it waits for.
///
/// An object waits unless it is Ready, Stalled (a person is asked), or has ended (`Succeeded` is True or False). An object
/// that is being deleted waits unless it is Stalled.
#[must_use]
pub(super) fn left_waiting(story: &Story<'_>) -> Vec<String> {
    let (mut play, faults) = Play::to_the_end(World::default(), story, Schedule::UNDISTURBED);
    if !faults.is_empty() {
        return faults;
    }
    if let Err(restless) = play.alone(MONTH, STRIDE) {
        return vec![format!("{}: {restless}", story.name)];
    }
    let kinds = play.primaries();
    let inner = play.world.lock();
    let kept = inner.objects.iter().filter(|(at, _)| kinds.contains(&at.kind));
    kept.filter(|(_, object)| waits(object)).map(|(at, object)| told(story.name, at, object)).collect()
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let all = object.pointer("/status/conditions").and_then(Value::as_array);
    all.into_iter().flatten().find(|c| text(c, "/type") == kind)
}

fn is(object: &Value, kind: &str, flag: &str) -> bool {
    condition(object, kind).is_some_and(|c| text(c, "/status") == flag)
}

fn waits(object: &Value) -> bool {
    let stalled = is(object, "Stalled", "True");
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return !stalled;
    }
    let ended = is(object, "Succeeded", "True") || is(object, "Succeeded", "False");
    !(stalled || ended || (is(object, "Ready", "True") && !is(object, "Reconciling", "True")))
}

fn told(story: &str, at: &Address, object: &Value) -> String {
    let said = condition(object, "Ready")
        .map_or_else(|| "it says nothing".to_owned(), |c| format!("{}: {}", text(c, "/reason"), text(c, "/message")));
    let dying = if object.pointer("/metadata/deletionTimestamp").is_some() { ", being deleted," } else { "" };
    format!("{story}: {at}{dying} waits for ever: {said}")
}
