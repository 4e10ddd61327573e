use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use millrace_kit::Key;

use super::{Answer, Freshness, Sight, State};
use crate::kafka::{Change, Topic};

fn key(name: &str) -> Key {
    Key::new("ml", name)
}

fn present(id: &str) -> Sight {
    Sight::Present(Topic { id: id.into(), partitions: 1, replication_factor: 1, config: BTreeMap::new() })
}

fn see(state: &mut State, sight: Sight) -> BTreeSet<Key> {
    let changes = state.changes("t");
    state.saw(Answer { name: "t", sight, changes, last: false }, &BTreeSet::new()).expect("the answer counts")
}

/// A view that is up and has told `a` of topic `t`.
fn told() -> State {
    let mut state = State::default();
    state.up("c".into(), 1);
    state.watch("t", &key("a"));
    see(&mut state, present("1"));
    assert_eq!(state.tell("t", Freshness::Snapshot), Some(present("1")));
    state
}

#[test]
fn what_was_not_asked_yet_has_to_be_asked() {
    let mut state = State::default();
    assert_eq!(state.tell("t", Freshness::Snapshot), None);
    assert_eq!(told().tell("t", Freshness::Live), None);
}

#[test]
fn only_news_wake_and_only_once() {
    let mut state = told();
    assert!(see(&mut state, present("1")).is_empty());
    assert_eq!(see(&mut state, Sight::Absent), BTreeSet::from([key("a")]));
    assert!(see(&mut state, Sight::Absent).is_empty());
}

#[test]
fn who_asks_is_told_and_not_woken() {
    let mut state = told();
    state.watch("t", &key("b"));
    let answer = Answer { name: "t", sight: Sight::Absent, changes: 0, last: false };
    assert_eq!(state.saw(answer, &BTreeSet::from([key("a")])), Some(BTreeSet::from([key("b")])));
}

#[test]
fn a_change_of_ours_makes_the_snapshot_stale() {
    let mut state = told();
    state.invalidate("t");
    assert_eq!(state.tell("t", Freshness::Snapshot), None);
    see(&mut state, present("1"));
    assert_eq!(state.tell("t", Freshness::Snapshot), Some(present("1")));
}

fn grow(partitions: i32) -> Change {
    Change::Grow { name: "t".into(), partitions }
}

fn answer(sight: Sight, changes: u64, last: bool) -> Answer<'static> {
    Answer { name: "t", sight, changes, last }
}

#[test]
fn an_answer_older_than_a_change_of_ours_does_not_count() {
    let mut state = told();
    let before = state.changes("t");
    state.invalidate("t");
    let sent = state.changes("t");
    assert_eq!(state.saw(answer(Sight::Absent, before, true), &BTreeSet::new()), None);
    state.confirmed(grow(1));
    assert_eq!(state.saw(answer(present("1"), sent, true), &BTreeSet::new()), None);
    let now = state.changes("t");
    assert!(state.saw(answer(present("1"), now, false), &BTreeSet::new()).is_some());
}

#[test]
fn nobody_is_woken_by_what_they_did_themselves_however_late_it_shows() {
    let mut state = told();
    state.invalidate("t");
    state.confirmed(grow(2));
    let changes = state.changes("t");
    // The broker has confirmed it and does not show it yet: no news, and nothing to tell.
    assert_eq!(state.saw(answer(present("1"), changes, false), &BTreeSet::new()), None);
    assert_eq!(state.tell("t", Freshness::Snapshot), None);
    let grown = Sight::Present(Topic { id: "1".into(), partitions: 2, ..Topic::default() });
    assert_eq!(state.saw(answer(grown.clone(), changes, false), &BTreeSet::new()), Some(BTreeSet::new()));
    assert_eq!(state.tell("t", Freshness::Snapshot), Some(grown));
}

#[test]
fn the_brokers_word_counts_in_the_end() {
    let mut state = told();
    state.confirmed(grow(2));
    let changes = state.changes("t");
    assert!(state.saw(answer(present("1"), changes, true), &BTreeSet::new()).is_some());
    assert_eq!(state.tell("t", Freshness::Snapshot), Some(present("1")));
}

#[test]
fn an_outage_is_told_to_who_asks_and_its_end_to_who_was_told() {
    let mut state = told();
    assert!(state.down(Timestamp::UNIX_EPOCH, "gone"));
    assert!(!state.down(Timestamp::UNIX_EPOCH, "still gone"), "one outage is one piece of news");
    assert!(matches!(state.tell("t", Freshness::Live), Some(Sight::Unreachable { message, .. }) if message == "gone"));
    assert!(state.up("c".into(), 1));
    assert_eq!(state.tell("t", Freshness::Snapshot), None, "anything may have happened meanwhile");
    assert_eq!(see(&mut state, present("1")), BTreeSet::from([key("a")]));
}

#[test]
fn an_outage_nobody_noticed_wakes_nobody() {
    let mut state = told();
    state.down(Timestamp::UNIX_EPOCH, "gone");
    state.up("c".into(), 1);
    assert!(see(&mut state, present("1")).is_empty());
}

#[test]
fn topics_that_concern_nobody_are_forgotten() {
    let mut state = told();
    state.prune(|_| false);
    assert!(state.names().is_empty());
}
