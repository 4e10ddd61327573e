//! Two objects, one topic: who wants the same name on the broker, and who has the better claim.
//!
//! Derived names of one DataPlane are distinct; a given name (`externalName`) may hit a derived or another given one.
//! `.` and `_` count as one, as in Kafka. A derived name beats a given one; between given names the one that has adopted
//! already, then the older object. Found through index words, since the cache cannot be scanned.

use std::sync::Arc;

use millrace_crds::{DataPlane, DataTopic};
use millrace_kit::{Key, cache::Cache};

use super::model::broker_name;
use crate::store::facts::{in_namespace, on_plane, shared};

fn derived(plane: &str, name: &str) -> String {
    format!("derived/{plane}/{}", name.replace('_', "."))
}

fn given(plane: &str, name: &str) -> String {
    format!("given/{plane}/{}", name.replace('_', "."))
}

/// The words a topic is found by, here and in the grant controller.
pub(super) fn index_keys(topic: &DataTopic) -> Vec<String> {
    let plane = &topic.spec.data_plane;
    let name = broker_name(topic, "");
    let mut words = vec![on_plane(plane), in_namespace(&topic.metadata.namespace.clone().unwrap_or_default())];
    let own = topic.spec.topic.external_name.is_none();
    words.push(if own { derived(plane, &name) } else { given(plane, &name) });
    if !topic.spec.topic.share.is_empty() {
        words.push(shared(&topic.metadata.name.clone().unwrap_or_default()));
    }
    words
}

/// The other objects that want the same topic: whom a change of this one may concern.
pub(super) fn of(topic: &DataTopic, cache: &Cache) -> Vec<Key> {
    others(topic, cache).iter().map(|r| Key::of(r.as_ref())).collect()
}

/// Whether another object has the better claim to this topic.
pub(super) fn beaten(topic: &DataTopic, cache: &Cache) -> bool {
    others(topic, cache).iter().any(|other| precedence(other) < precedence(topic))
}

fn others(topic: &DataTopic, cache: &Cache) -> Vec<Arc<DataTopic>> {
    let plane = &topic.spec.data_plane;
    let key = Key::new("", plane);
    let prefix = cache.get::<DataPlane>(&key).and_then(|p| p.spec.kafka.clone()?.topic_prefix).unwrap_or_default();
    let name = broker_name(topic, &prefix);
    let mut found = cache.indexed::<DataTopic>(&given(plane, &name));
    if let Some(rest) = name.replace('_', ".").strip_prefix(&prefix.replace('_', ".")) {
        found.extend(cache.indexed::<DataTopic>(&derived(plane, rest)));
    }
    found.retain(|r| r.metadata.uid != topic.metadata.uid);
    found
}

/// Smaller is better.
fn precedence(topic: &DataTopic) -> (bool, bool, Option<jiff::Timestamp>, Option<String>) {
    let adopted = topic.status.as_ref().is_some_and(|s| s.topic_id.is_some());
    let meta = &topic.metadata;
    let born = meta.creation_timestamp.as_ref().map(|t| t.0);
    (topic.spec.topic.external_name.is_some(), !adopted, born, meta.uid.clone())
}
