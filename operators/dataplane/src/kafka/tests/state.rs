use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use millrace_kit::Key;

use super::{Asking, Freshness, Sight, State};
use crate::kafka::Topic;

fn key(name: &str) -> Key {
    Key::new("ml", name)
}

fn present(id: &str) -> Sight {
    Sight::Present(Topic { id: id.into(), partitions: 1, replication_factor: 1, config: BTreeMap::new() })
}

fn see(state: &mut State, sight: Sight) -> BTreeSet<Key> {
    state.saw(BTreeMap::from([("t".to_owned(), sight)]), &Asking::new())
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
    let asking = Asking::from([("t".to_owned(), BTreeSet::from([key("a")]))]);
    let woken = state.saw(BTreeMap::from([("t".to_owned(), Sight::Absent)]), &asking);
    assert_eq!(woken, BTreeSet::from([key("b")]));
}

#[test]
fn a_change_of_ours_makes_the_snapshot_stale() {
    let mut state = told();
    state.spoil(std::iter::once("t"));
    assert_eq!(state.tell("t", Freshness::Snapshot), None);
    see(&mut state, present("1"));
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
