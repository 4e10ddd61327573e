//! Packs changes into requests the broker likes: one kind each, no topic twice, bounded in topics and partitions.
//!
//! KRaft refuses a whole request above 10,000 partitions; half of that leaves room for replicas' sake.

use std::{collections::BTreeSet, mem::discriminant};

use super::Change;

/// Most topics in one request.
pub(super) const TOPICS: usize = 100;
/// Most partitions in one request. A single topic may have more: then it travels alone.
pub(super) const PARTITIONS: i32 = 5_000;

/// The changes as requests, in an order that keeps the order of changes of one topic.
pub(super) fn requests(changes: Vec<Change>) -> Vec<Vec<Change>> {
    let mut all: Vec<Request> = Vec::new();
    for change in changes {
        // Only behind the last request that touches the same topic.
        let after = all.iter().rposition(|r| r.names.contains(change.name())).map_or(0, |at| at + 1);
        match all.iter_mut().skip(after).find(|r| r.takes(&change)) {
            Some(request) => request.add(change),
            None => {
                let mut request = Request::default();
                request.add(change);
                all.push(request);
            }
        }
    }
    all.into_iter().map(|r| r.changes).collect()
}

#[derive(Default)]
struct Request {
    changes: Vec<Change>,
    names: BTreeSet<String>,
    partitions: i32,
}

impl Request {
    fn takes(&self, change: &Change) -> bool {
        self.changes.first().is_none_or(|first| discriminant(first) == discriminant(change))
            && self.changes.len() < TOPICS
            && self.partitions.saturating_add(partitions(change)) <= PARTITIONS
    }

    fn add(&mut self, change: Change) {
        self.partitions = self.partitions.saturating_add(partitions(&change));
        self.names.insert(change.name().to_owned());
        self.changes.push(change);
    }
}

const fn partitions(change: &Change) -> i32 {
    match change {
        Change::Create { partitions, .. } | Change::Grow { partitions, .. } => *partitions,
        Change::Configure { .. } | Change::Delete { .. } => 0,
    }
}

#[cfg(test)]
#[path = "tests/batch.rs"]
mod tests;
