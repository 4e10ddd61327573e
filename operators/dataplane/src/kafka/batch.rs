//! Packs changes into requests the broker likes: one kind each, no topic twice, bounded in topics and partitions.
//!
//! KRaft refuses a whole request above 10,000 partitions; half of that leaves room for replicas' sake.

use std::{
    collections::{BTreeSet, VecDeque},
    mem::discriminant,
};

use super::Change;

/// Most topics in one request.
pub(super) const TOPICS: usize = 100;
/// Most partitions in one request. A single topic may have more: then it travels alone.
pub(super) const PARTITIONS: i32 = 5_000;
/// What a topic without a number of partitions is counted as: the broker's default is not known here.
const DEFAULT: i32 = 16;

/// Takes the next request out of the line: the first change that may go and all that fit to it. Changes of one topic keep
/// their order, and none goes while another of its topic is on its way (`busy`).
pub(super) fn next<T>(line: &mut VecDeque<T>, busy: &BTreeSet<String>, change: impl Fn(&T) -> &Change) -> Vec<T> {
    let mut request = Vec::new();
    let mut closed = busy.clone();
    let mut kind = None;
    let mut sum = 0_i32;
    let mut rest = VecDeque::new();
    while let Some(item) = line.pop_front() {
        let one = change(&item);
        let size = partitions(one);
        let fits = kind.is_none_or(|kind| kind == discriminant(one))
            && !closed.contains(one.name())
            && (request.is_empty() || sum.saturating_add(size) <= PARTITIONS);
        closed.insert(one.name().to_owned());
        if fits {
            kind = Some(discriminant(one));
            sum = sum.saturating_add(size);
            request.push(item);
        } else {
            rest.push_back(item);
        }
        if request.len() == TOPICS {
            break;
        }
    }
    rest.append(line);
    *line = rest;
    request
}

const fn partitions(change: &Change) -> i32 {
    match change {
        Change::Create { partitions: Some(partitions), .. } | Change::Grow { partitions, .. } => *partitions,
        Change::Create { partitions: None, .. } => DEFAULT,
        Change::Configure { .. } | Change::Delete { .. } => 0,
    }
}

#[cfg(test)]
#[path = "tests/batch.rs"]
mod tests;
