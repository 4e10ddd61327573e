use std::collections::BTreeMap;

use super::{Change, PARTITIONS, TOPICS, requests};

fn create(name: &str, partitions: i32) -> Change {
    Change::Create { name: name.into(), partitions, replication_factor: None, config: BTreeMap::new() }
}

fn delete(name: &str) -> Change {
    Change::Delete { name: name.into(), id: "x".into() }
}

fn shape(changes: Vec<Change>) -> Vec<usize> {
    requests(changes).iter().map(Vec::len).collect()
}

#[test]
fn requests_are_bounded_in_topics() {
    assert_eq!(shape((0..250).map(|n| create(&format!("t{n}"), 1)).collect()), [TOPICS, TOPICS, 50]);
}

#[test]
fn requests_are_bounded_in_partitions() {
    assert_eq!(shape((0..5).map(|n| create(&format!("t{n}"), 2_000)).collect()), [2, 2, 1]);
}

#[test]
fn a_topic_above_the_bound_travels_alone() {
    assert_eq!(shape(vec![create("small", 1), create("huge", PARTITIONS + 1), create("other", 1)]), [2, 1]);
}

#[test]
fn kinds_are_not_mixed_and_one_topic_keeps_its_order() {
    let all = requests(vec![create("a", 1), delete("b"), delete("a"), create("a", 2), create("c", 1)]);
    assert_eq!(all, [vec![create("a", 1), create("c", 1)], vec![delete("b"), delete("a")], vec![create("a", 2)]]);
}
