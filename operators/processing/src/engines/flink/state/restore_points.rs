//! Restore points: what is learnt of them while an attempt runs, and what an ended attempt leaves to the next one.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::processing_job::{
    Attempt, FailureClass, FlinkAttempt, PointKind, Purpose, RestorePoint, StopReason,
};
use millrace_kit::later;

use super::{keeps, state_spec};
use crate::{
    engines::flink::layout,
    engines::flink::rest::PointView,
    job::{
        attempt as attempts,
        outcome::Outcome,
        restore_point::{EMPTY, UNKNOWN},
    },
    pass::Pass,
};

/// Points that are listed.
const KEPT: usize = 10;
/// How often a newer checkpoint is written down while the job runs.
const EVERY: Duration = Duration::from_secs(300);
/// An attempt shorter than this has completed no checkpoint, where the spec of its time is not known any more.
const SHORT: Duration = Duration::from_secs(10);

/// Puts a point at the head of the list, and makes it what the next attempt starts from. A newer checkpoint replaces an
/// older one, but never the point an upgrade may have to go back to.
pub(crate) fn add(pass: &mut Pass<'_>, point: RestorePoint) {
    let state = attempts::state_mut(&mut pass.status);
    let back = state.upgraded_from.clone();
    state.next_restore = Some(point.path.clone());
    state.restore_points.retain(|old| {
        let replaced = old.kind == PointKind::Checkpoint && Some(&old.path) != back.as_ref();
        old.path != point.path && !replaced
    });
    state.restore_points.insert(0, point);
    state.restore_points.truncate(KEPT);
}

/// A point as it is stored.
pub(crate) fn point(attempt: &Attempt, kind: PointKind, view: &PointView) -> RestorePoint {
    RestorePoint {
        path: view.path.clone(),
        kind,
        at: view.at.map(Time),
        size: view.size,
        attempt: attempt.name.clone(),
        ..RestorePoint::default()
    }
}

/// Writes down the newest checkpoint of a running attempt: the first at once, later ones now and then.
pub(crate) fn note(pass: &mut Pass<'_>, attempt: &Attempt) {
    let Some(view) = pass.seen.data.flink.as_ref().and_then(|v| v.checkpoint.clone()) else { return };
    let known = pass.status.state.iter().flat_map(|s| &s.restore_points);
    let mine = known.clone().find(|p| p.kind == PointKind::Checkpoint && p.attempt == attempt.name);
    let written = mine.and_then(|p| p.at.as_ref()).map(|at| at.0);
    let newer = mine.is_none_or(|p| p.path != view.path);
    let due = written.is_none_or(|at| view.at.is_none_or(|new| new >= later(at, EVERY)));
    // After a newer savepoint a checkpoint that is older is no news.
    let newest = known.map(|p| p.at.as_ref().map(|at| at.0)).next().flatten();
    let late = newest.is_some_and(|at| view.at.is_some_and(|new| new < at));
    if newer && due && !late {
        add(pass, point(attempt, PointKind::Checkpoint, &view));
    }
}

/// What the attempt that ends with `outcome` leaves to the next one.
pub(crate) fn settle(pass: &mut Pass<'_>, attempt: &Attempt, outcome: &Outcome) {
    let Some(own) = keeps(attempt).cloned() else { return };
    if pass.seen.data.workload.is_some() || attempt.pod_uid.is_some() {
        attempts::state_mut(&mut pass.status).leftovers.push(attempt.name.clone());
    }
    if attempt.stop_reason == Some(StopReason::NotHealthy) {
        let state = attempts::state_mut(&mut pass.status);
        state.next_restore = state.upgraded_from.clone().or_else(|| Some(UNKNOWN.to_owned()));
        state.restore_points.retain(|p| p.attempt != attempt.name);
        return;
    }
    let saved = own.trigger.as_ref().is_some_and(|t| t.purpose == Purpose::Stop && t.path.is_some());
    if !saved {
        match learn(pass, (attempt, &own), outcome) {
            Newest::Point(point) => add(pass, *point),
            Newest::Restored => attempts::state_mut(&mut pass.status).next_restore = own.restored_from,
            Newest::Nothing => {
                let state = attempts::state_mut(&mut pass.status);
                state.next_restore = Some(EMPTY.to_owned());
                state.restore_points.retain(|p| p.kind != PointKind::Checkpoint);
            }
            Newest::Unknown => attempts::state_mut(&mut pass.status).next_restore = Some(UNKNOWN.to_owned()),
        }
    }
}

enum Newest {
    Point(Box<RestorePoint>),
    /// It completed none of its own.
    Restored,
    /// It has reached its end, and its state with it.
    Nothing,
    Unknown,
}

fn learn(pass: &Pass<'_>, of: (&Attempt, &FlinkAttempt), outcome: &Outcome) -> Newest {
    let (attempt, own) = of;
    let seen = &pass.seen.data;
    if let Some(view) = seen.flink.as_ref()
        && let Some(job) = view.job.as_ref().filter(|job| job.over())
    {
        // Checkpoints go when a job finishes; a savepoint never does.
        return match (&view.checkpoint, &view.savepoint) {
            _ if job.state == "FINISHED" => Newest::Nothing,
            (Some(checkpoint), _) => Newest::Point(Box::new(point(attempt, PointKind::Checkpoint, checkpoint))),
            (None, Some(savepoint)) => Newest::Point(Box::new(point(attempt, PointKind::Savepoint, savepoint))),
            (None, None) => Newest::Restored,
        };
    }
    match seen.ha.as_ref().map(|ha| (ha.found, ha.newest)) {
        Some((true, Some(number))) => {
            stored(pass, (attempt, own), number).map_or(Newest::Unknown, |p| Newest::Point(Box::new(p)))
        }
        // A JobManager on its way out makes its ConfigMap anew, and empty.
        Some((true, None)) if !has_saved(pass, attempt) => Newest::Restored,
        _ if may_have_saved(pass, attempt, outcome) => Newest::Unknown,
        _ => Newest::Restored,
    }
}

/// The checkpoint of this number, as it lies in the bucket.
fn stored(pass: &Pass<'_>, of: (&Attempt, &FlinkAttempt), number: i64) -> Option<RestorePoint> {
    let (attempt, own) = of;
    let root = layout::stored_root(pass.seen.data.grant.as_ref()?, own.place.as_deref()?)?;
    let folder = layout::checkpoints(&root);
    let path = format!("{folder}/{}/chk-{number}", own.job_id);
    Some(RestorePoint {
        path,
        kind: PointKind::Checkpoint,
        at: Some(Time(pass.now)),
        attempt: attempt.name.clone(),
        ..RestorePoint::default()
    })
}

/// Whether the attempt is known to have completed a checkpoint.
fn has_saved(pass: &Pass<'_>, attempt: &Attempt) -> bool {
    pass.status.state.iter().flat_map(|s| &s.restore_points).any(|p| p.attempt == attempt.name)
}

/// Whether an attempt of which nothing is left may have completed a checkpoint: its job ran, or there was time for it.
fn may_have_saved(pass: &Pass<'_>, attempt: &Attempt, outcome: &Outcome) -> bool {
    if attempt.started_at.is_some() {
        return true;
    }
    if attempt.pod_uid.is_none() && pass.seen.data.workload.is_none()
        || outcome.class == Some(FailureClass::Configuration)
    {
        return false;
    }
    let same = attempt.spec_hash.as_ref() == Some(&pass.model.hash);
    let interval = state_spec(pass).filter(|_| same).map_or(SHORT, |s| s.checkpoint_every);
    let began = outcome.started.or_else(|| attempt.created_at.as_ref().map(|t| t.0)).unwrap_or(pass.now);
    outcome.finished.unwrap_or(pass.now) >= later(began, interval)
}
