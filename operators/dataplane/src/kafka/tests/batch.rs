use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Change, PARTITIONS, TOPICS, next};

fn create(name: &str, partitions: i32) -> Change {
    Change::Create {
        name: name.into(),
        partitions: Some(partitions),
        replication_factor: None,
        config: BTreeMap::new(),
    }
}

fn delete(name: &str) -> Change {
    Change::Delete { name: name.into(), id: "x".into() }
}

/// All requests, one after the other.
fn requests(changes: Vec<Change>) -> Vec<Vec<Change>> {
    let mut line = VecDeque::from(changes);
    let mut all = Vec::new();
    while !line.is_empty() {
        all.push(next(&mut line, &BTreeSet::new(), |change| change));
    }
    all
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
    assert_eq!(shape(vec![create("huge", PARTITIONS + 1), create("small", 1)]), [1, 1]);
}

#[test]
fn kinds_are_not_mixed_and_one_topic_keeps_its_order() {
    let all = requests(vec![create("a", 1), delete("b"), delete("a"), create("a", 2), create("c", 1)]);
    assert_eq!(all, [vec![create("a", 1), create("c", 1)], vec![delete("b"), delete("a")], vec![create("a", 2)]]);
}

#[test]
fn a_topic_waits_for_its_change_on_the_way() {
    let mut line = VecDeque::from([create("a", 1), create("b", 1), delete("a")]);
    let busy = BTreeSet::from(["a".to_owned()]);
    assert_eq!(next(&mut line, &busy, |change| change), [create("b", 1)]);
    assert_eq!(line, [create("a", 1), delete("a")]);
    assert!(next(&mut line, &busy, |change| change).is_empty());
}
