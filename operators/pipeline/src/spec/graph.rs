//! The edges between steps: a topological order, or the cycles that forbid one.

use std::collections::{BTreeMap, BTreeSet};

use millrace_crds::step::StepSpec;

use super::finding::Finding;

/// The steps one step needs, each with the field path that says so.
pub(crate) type Needs = BTreeMap<String, String>;

/// Indexes of the steps, each after all it needs, in the order of the spec where the edges leave a choice.
pub(crate) fn order(steps: &[StepSpec], edges: &[Needs]) -> Result<Vec<usize>, Vec<Finding>> {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut order = Vec::new();
    let mut cycles = Vec::new();
    loop {
        let open = |at: &usize| steps.get(*at).is_some_and(|s| !done.contains(s.name.as_str()));
        let left: Vec<usize> = (0..steps.len()).filter(open).collect();
        let free = |at: &&usize| edges.get(**at).is_some_and(|needs| needs.keys().all(|n| done.contains(n.as_str())));
        if let Some(next) = left.iter().find(free) {
            order.push(*next);
            done.extend(steps.get(*next).map(|s| s.name.as_str()));
        } else if let Some(first) = left.first() {
            // Everything left waits for a cycle; name one, pretend it is gone and look for the next.
            let (finding, members) = cycle(*first, steps, edges, &done);
            cycles.push(finding);
            done.extend(members.iter().filter_map(|at| steps.get(*at)).map(|s| s.name.as_str()));
        } else {
            break;
        }
    }
    if cycles.is_empty() { Ok(order) } else { Err(cycles) }
}

/// Walks from step to an unfinished need until one comes twice.
fn cycle(first: usize, steps: &[StepSpec], edges: &[Needs], done: &BTreeSet<&str>) -> (Finding, Vec<usize>) {
    let mut walk = vec![first];
    let mut words = Vec::new();
    let mut at = first;
    let start = loop {
        let open = edges.get(at).and_then(|needs| needs.iter().find(|(n, _)| !done.contains(n.as_str())));
        let Some((need, path)) = open else { break 0 };
        let Some(next) = steps.iter().position(|s| s.name == *need) else { break 0 };
        words.push(format!("{} needs {need} ({path})", steps.get(at).map_or("", |s| s.name.as_str())));
        if let Some(start) = walk.iter().position(|w| *w == next) {
            break start;
        }
        walk.push(next);
        at = next;
    };
    let words: Vec<String> = words.into_iter().skip(start).collect();
    let problem = format!("the steps form a cycle: {}; remove one of these dependencies", words.join(", "));
    (Finding::new("spec.steps", problem), walk.into_iter().skip(start).collect())
}
