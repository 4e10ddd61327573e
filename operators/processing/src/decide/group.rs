//! The pods of an attempt as one: all or nothing.
//!
//! An attempt has one pod or several. It runs when all of them run, it succeeds when all of them have, and it fails with
//! the first that fails. Never judge a pod here whose uid is not the stored one.

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::processing_job::{Attempt, AttemptResult, FailureClass};
use millrace_kit::later;

use crate::{
    diagnosis, engines,
    job::{attempt, name, outcome::Outcome},
    pass::Pass,
    seen::{Observed, WorkloadView},
};

/// How much of a uid is stored of the pods from rank 1 on.
const SHORT: usize = 8;
/// How long the phase of a pod may come later than the end of its programs; a second is usual.
const CONFIRM: Duration = Duration::from_secs(60);
/// How long a program's failure waits for one that says more.
const SETTLE: Duration = Duration::from_secs(5);

/// The live attempt's pods that are there, in order of rank.
pub(crate) fn pods(seen: &Observed) -> impl Iterator<Item = &WorkloadView> {
    seen.workload.iter().chain(&seen.ranks)
}

/// Whether something of it may still run.
pub(crate) fn alive(seen: &Observed) -> bool {
    pods(seen).any(|pod| !pod.over())
}

/// Whether a pod that was stored is gone.
pub(crate) fn lost(seen: &Observed) -> bool {
    seen.lost || !seen.lost_ranks.is_empty()
}

/// Until when a program's failure waits for what may have caused it: the peers of a pod that was evicted or deleted often
/// say so first, by failing for want of it.
pub(crate) fn settling(pass: &Pass<'_>, attempt: &Attempt, end: &Outcome) -> Option<Timestamp> {
    let peers = attempt::size(attempt) > 1 && alive(&pass.seen.data);
    let until =
        end.finished.filter(|_| peers && end.class == Some(FailureClass::Application)).map(|at| later(at, SETTLE));
    until.filter(|until| *until > pass.now)
}

/// Whether all of it is there.
pub(crate) fn whole(attempt: &Attempt, seen: &Observed) -> bool {
    pods(seen).count() == attempt::size(attempt)
}

/// Names of the pods that are still to be made: neither there nor stored as having been there.
pub(crate) fn missing(attempt: &Attempt, seen: &Observed) -> Vec<String> {
    let first = (attempt.pod_uid.is_none() && seen.workload.is_none()).then(|| attempt.pod.clone().unwrap_or_default());
    let others = (1..attempt::size(attempt)).filter(|rank| attempt.ranks.get(rank - 1).is_none_or(String::is_empty));
    let others = others.map(|rank| name::rank(&attempt.name, rank));
    first.into_iter().chain(others.filter(|name| !seen.ranks.iter().any(|pod| pod.name == *name))).collect()
}

/// Stores which pods there are.
pub(crate) fn store(attempt: &mut Attempt, seen: &Observed) {
    if let Some(pod) = &seen.workload {
        attempt.pod_uid = Some(pod.uid.clone());
    }
    for rank in 1..attempt::size(attempt) {
        let name = name::rank(&attempt.name, rank);
        let Some(pod) = seen.ranks.iter().find(|pod| pod.name == name) else { continue };
        attempt.ranks.resize(attempt.ranks.len().max(rank), String::new());
        if let Some(slot) = attempt.ranks.get_mut(rank - 1) {
            *slot = pod.uid.chars().take(SHORT).collect();
        }
    }
}

/// When the last of them started, if all did.
pub(crate) fn started(pass: &Pass<'_>, attempt: &Attempt) -> Option<Option<Timestamp>> {
    let seen = &pass.seen.data;
    if let Some(runs) = engines::of(attempt).runs(pass) {
        return (whole(attempt, seen) && (runs || attempt.started_at.is_some())).then_some(None);
    }
    let all: Option<Vec<_>> = pods(seen).map(diagnosis::started).collect();
    all.filter(|_| whole(attempt, seen)).map(|all| all.into_iter().max().flatten())
}

/// Until when to wait for the last word of a node on a pod whose program has ended.
pub(crate) fn unconfirmed(pass: &Pass<'_>) -> Option<Timestamp> {
    pods(&pass.seen.data).filter_map(|pod| pod_unconfirmed(pass, pod)).min()
}

fn pod_unconfirmed(pass: &Pass<'_>, pod: &WorkloadView) -> Option<Timestamp> {
    let until = later(pod.unconfirmed.unwrap_or(pass.now), CONFIRM);
    (diagnosis::awaits_phase(pod) && pass.now < until).then_some(until)
}

/// How the attempt ended, if it did: lost with a pod that is gone, failed with the one that says most of why, well when
/// all ended well, with the results of rank 0.
pub(crate) fn outcome(pass: &Pass<'_>, attempt: &Attempt) -> Option<Outcome> {
    let seen = &pass.seen.data;
    let first = seen.lost.then(|| attempt.pod.clone().unwrap_or_default());
    if let Some(gone) = first.as_ref().or_else(|| seen.lost_ranks.first()) {
        return Some(Outcome::failed(FailureClass::DriverLost, format!("Pod {gone} is gone")));
    }
    let ends: Vec<(&WorkloadView, Outcome)> =
        pods(seen).filter_map(|pod| pod_outcome(pass, attempt, pod).map(|end| (pod, end))).collect();
    let failed = ends.iter().filter(|(_, end)| end.result != AttemptResult::Succeeded);
    if let Some((pod, end)) = failed.min_by_key(|(_, end)| (weight(end.class), end.finished)) {
        let mut end = end.clone();
        if attempt::size(attempt) > 1 {
            end.message = format!("{}: {}", pod.name, end.message);
        }
        return Some(end);
    }
    (ends.len() == attempt::size(attempt)).then(|| ends.into_iter().next().map(|(_, end)| end)).flatten()
}

fn pod_outcome(pass: &Pass<'_>, attempt: &Attempt, pod: &WorkloadView) -> Option<Outcome> {
    if pod_unconfirmed(pass, pod).is_some() {
        return None;
    }
    let end = engines::of(attempt).outcome(pod, pass)?;
    let silent = end.exit_code == Some(0) && attempt.pod.as_ref() != Some(&pod.name);
    if silent && end.class == Some(FailureClass::Configuration) {
        // Rank 0 speaks for all; what the others write to their termination logs is theirs.
        return Some(Outcome { result: AttemptResult::Succeeded, class: None, ..end });
    }
    Some(end)
}

/// When one pod ends, its peers soon fail for want of it: what its surroundings did to it says more than what they say.
const fn weight(class: Option<FailureClass>) -> u8 {
    match class {
        Some(FailureClass::Infrastructure) => 0,
        Some(FailureClass::DriverLost) => 1,
        Some(FailureClass::OutOfMemory) => 2,
        Some(FailureClass::Configuration | FailureClass::Image) => 3,
        _ => 4,
    }
}
