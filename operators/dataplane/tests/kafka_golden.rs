//! Golden passes of DataPlane and DataTopic, and what holds of every decision about a topic.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, path::Path};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{DataTopic, HasConditions, data_topic::TopicDeletion};
use millrace_dataplane::{
    kafka::{Change, Sight, Topic},
    plane::Planes,
    topic::{Observed, PlaneSeen, Topics},
};
use millrace_kit::{Action, Operator, Seen, conditions, sim::golden};
use proptest::prelude::*;

fn check<O: Operator>(kind: &str) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(kind);
    let cases = golden::check::<O>(&dir).unwrap_or_else(|faults| panic!("{faults}"));
    println!("{kind}: {cases} golden cases");
}

#[test]
fn golden_topics() {
    check::<Topics>("datatopic");
}

#[test]
fn golden_planes() {
    check::<Planes>("dataplane");
}

/// The broker, as far as a decision's effects go.
fn apply(topic: &mut Option<Topic>, change: &Change) {
    match (change, topic.as_mut()) {
        (Change::Create { partitions, config, .. }, None) => {
            let (partitions, config) = (partitions.unwrap_or(3), config.clone());
            *topic = Some(Topic { id: "new".into(), partitions, replication_factor: 1, config });
        }
        (Change::Grow { partitions, .. }, Some(topic)) => topic.partitions = *partitions,
        (Change::Configure { set, reset, .. }, Some(topic)) => {
            topic.config.extend(set.clone());
            topic.config.retain(|k, _| !reset.contains(k));
        }
        (Change::Delete { id, .. }, Some(there)) if there.id == *id => *topic = None,
        _ => {}
    }
}

fn configs() -> impl Strategy<Value = BTreeMap<String, String>> {
    let key = prop_oneof![Just("retention.ms"), Just("cleanup.policy"), Just("max.message.bytes")];
    proptest::collection::btree_map(key.prop_map(str::to_owned), "[1-9]{1,3}", 0..3)
}

prop_compose! {
    fn topics()(id in "[ab]", partitions in 1..5_i32, config in configs()) -> Topic {
        Topic { id, partitions, replication_factor: 1, config }
    }
}

prop_compose! {
    fn objects()(
        partitions in proptest::option::of(1..5_i32),
        config in configs(),
        delete in any::<bool>(),
        dying in any::<bool>(),
        known in proptest::option::of("[ab]"),
        managed in proptest::collection::btree_set(configs().prop_map(|c| c.into_keys().next().unwrap_or_default()), 0..2),
    ) -> DataTopic {
        let mut object = DataTopic::new("t", Default::default());
        object.metadata.namespace = Some("ml".into());
        object.metadata.generation = Some(1);
        object.metadata.deletion_timestamp = dying.then_some(Time(Timestamp::UNIX_EPOCH));
        object.spec.topic.partitions = partitions;
        object.spec.topic.config = config;
        object.spec.topic.deletion_policy = delete.then_some(TopicDeletion::Delete);
        let status = object.status.get_or_insert_default();
        status.topic_name = known.is_some().then(|| "ml.t".to_owned());
        status.topic_id = known;
        status.managed_config_keys = managed.into_iter().filter(|k| !k.is_empty()).collect();
        object
    }
}

/// Passes until nothing is asked for any more.
fn settle(mut object: DataTopic, mut topic: Option<Topic>) -> Result<(DataTopic, Option<Topic>), TestCaseError> {
    for _ in 0..6 {
        let sight = topic.clone().map_or(Sight::Absent, Sight::Present);
        let plane = PlaneSeen::Kafka { prefix: String::new(), allowed: true, external_names: false };
        let seen = Seen { data: Observed { plane, topic: Some(sight), ..Observed::default() }, ..Seen::default() };
        let decision = Topics::decide(&object, &seen, Timestamp::UNIX_EPOCH);
        prop_assert_eq!(&decision, &Topics::decide(&object, &seen, Timestamp::UNIX_EPOCH), "decide is pure");
        let calm = decision.actions.is_empty() && Some(&decision.status) == object.status.as_ref();
        object.status = Some(decision.status);
        // The kernel writes the generation.
        object.status.get_or_insert_default().set_observed_generation(1);
        for action in &decision.actions {
            if let Action::Effect(change) = action {
                apply(&mut topic, change);
            }
        }
        if calm {
            return Ok((object, topic));
        }
    }
    Err(TestCaseError::fail(format!("does not come to rest: {:?} {topic:?}", object.status)))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn passes_come_to_rest_and_touch_only_what_they_may(object in objects(), topic in proptest::option::of(topics())) {
        let known = object.status.clone().and_then(|s| s.topic_id);
        let before = object.status.clone().unwrap_or_default().managed_config_keys;
        let (after, end) = settle(object.clone(), topic.clone())?;
        let spec = &object.spec.topic;
        let dying = object.metadata.deletion_timestamp.is_some();
        if let (Some(topic), None) = (&topic, &end) {
            prop_assert!(dying && spec.deletion_policy == Some(TopicDeletion::Delete), "deleted alive, or under Retain");
            prop_assert_eq!(Some(&topic.id), known.as_ref(), "deleted another incarnation");
        }
        if let (Some(topic), Some(end)) = (&topic, &end) {
            prop_assert!(end.partitions >= topic.partitions);
            for (key, value) in &topic.config {
                let ours = spec.config.contains_key(key) || before.contains(key);
                prop_assert!(ours || end.config.get(key) == Some(value), "{} is not ours to touch", key);
            }
        }
        let status = after.status.unwrap_or_default();
        if conditions::is_true(&status, "Ready") && !dying {
            let end = end.unwrap();
            let as_it_is = topic.as_ref().map_or(end.partitions, |t| t.partitions);
            prop_assert_eq!(end.partitions, spec.partitions.unwrap_or(as_it_is));
            prop_assert!(spec.config.iter().all(|(k, v)| end.config.get(k) == Some(v)));
            prop_assert!(before.iter().all(|k| spec.config.contains_key(k) || !end.config.contains_key(k)));
            let listed: Vec<String> = spec.config.keys().cloned().collect();
            prop_assert_eq!(status.managed_config_keys, listed);
        }
    }
}
