//! Savepoints: the one a job stops with, and those taken now and then.
//!
//! The id is stored first, then asked for, then looked after. Asked twice it is the same savepoint; "completed" means only
//! that it no longer runs, so nothing counts but a location.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    engines::{OnDelete, Upgrade},
    processing_job::{Attempt, PointKind, Purpose, RestorePoint, StopReason, Trigger},
};
use millrace_kit::{conditions, later};

use super::{keeps, restore_points, state_spec};
use crate::{
    engines::flink::rest::{FlinkCall, FlinkView, PointView, TriggerView},
    engines::flink::{layout, name},
    job::attempt,
    pass::Pass,
};

/// Pause before a savepoint that failed is asked for once more.
const POLL_PENDING: Duration = Duration::from_secs(5);
/// How long one that is taken now and then may take.
const GIVE_UP_AFTER: Duration = Duration::from_secs(600);

/// Stores that a job that is asked to stop shall do so with a savepoint, if it shall and can.
pub(crate) fn intend(pass: &mut Pass<'_>, reason: StopReason) {
    let Some(attempt) = attempt::live(&pass.status).cloned() else { return };
    let there = pass.seen.data.workload.as_ref().is_some_and(|p| !p.over() && p.deleted.is_none());
    if keeps(&attempt).is_none() || attempt.started_at.is_none() || !there || !wanted(pass, reason) {
        return;
    }
    store(pass, &attempt, Purpose::Stop);
}

fn wanted(pass: &Pass<'_>, reason: StopReason) -> bool {
    let state = state_spec(pass);
    let upgrade = state.map(|s| s.upgrade).unwrap_or_default();
    match reason {
        StopReason::NotHealthy | StopReason::Unreachable | StopReason::JobGone | StopReason::Failed => false,
        StopReason::Deleted => state.is_some_and(|s| s.on_delete == OnDelete::Savepoint),
        StopReason::SpecChanged => upgrade == Upgrade::Savepoint,
        // Nothing else was asked for: a suspension loses nothing.
        StopReason::Suspended | StopReason::RunDeadline | StopReason::Unknown => upgrade != Upgrade::LastState,
    }
}

fn store(pass: &mut Pass<'_>, attempt: &Attempt, purpose: Purpose) {
    let count = attempt.flink.as_ref().and_then(|own| own.trigger.as_ref()).map_or(0, |t| t.count) + 1;
    let uid = pass.job.metadata.uid.clone().unwrap_or_default();
    let id = name::hex(&[&uid, &attempt.name, "savepoint", &count.to_string()]);
    let at = Some(Time(pass.now));
    change(pass, |trigger| *trigger = Some(Trigger { id, purpose, count, at, ..Trigger::default() }));
}

fn change(pass: &mut Pass<'_>, edit: impl FnOnce(&mut Option<Trigger>)) {
    if let Some(own) = attempt::live_mut(&mut pass.status).and_then(|a| a.flink.as_mut()) {
        edit(&mut own.trigger);
    }
}

/// Takes over what became of the savepoint that was asked for.
pub(crate) fn progress(pass: &mut Pass<'_>) {
    let Some(attempt) = attempt::live(&pass.status).cloned() else { return };
    let Some(trigger) = pending(&attempt).cloned() else { return };
    let Some(view) = pass.seen.data.flink.clone() else { return };
    let last = view.savepoint.clone().filter(|p| p.last && trigger.purpose == Purpose::Stop);
    let done = match (&view.trigger, last) {
        (Some(TriggerView::Done { path }), _) => Some(PointView { path: path.clone(), ..PointView::default() }),
        // Flink forgets what it was asked for, and knows what it has done.
        (_, Some(last)) => Some(last),
        _ => None,
    };
    if let Some(done) = done {
        return taken(pass, (&attempt, &trigger), (&view, done));
    }
    let late =
        trigger.purpose == Purpose::Keep && asked(&trigger).is_some_and(|at| pass.now >= later(at, GIVE_UP_AFTER));
    let problem = match view.trigger {
        Some(TriggerView::Failed { problem }) => Some(problem),
        _ if late => Some("Flink did not complete it in time".to_owned()),
        _ => None,
    };
    if let (Some(problem), None) = (problem, &trigger.problem) {
        let problem = conditions::cut(&problem, 1_024).to_owned();
        change(pass, |trigger| {
            if let Some(trigger) = trigger {
                trigger.problem = Some(problem);
            }
        });
    }
}

fn taken(pass: &mut Pass<'_>, of: (&Attempt, &Trigger), what: (&FlinkView, PointView)) {
    let ((attempt, trigger), (view, done)) = (of, what);
    let known = view.savepoint.clone().filter(|p| p.path == done.path).unwrap_or(done);
    change(pass, |trigger| {
        if let Some(trigger) = trigger {
            trigger.path = Some(known.path.clone());
            trigger.problem = None;
        }
    });
    let point = restore_points::point(attempt, PointKind::Savepoint, &known);
    let at = point.at.or_else(|| trigger.at.clone());
    let periodic = (trigger.purpose == Purpose::Keep).then_some(true);
    restore_points::add(pass, RestorePoint { at, periodic, ..point });
}

/// Whether the attempt stopped with a savepoint, so that it has not come to its end.
pub(crate) fn saved(attempt: &Attempt) -> bool {
    let trigger = attempt.flink.as_ref().and_then(|own| own.trigger.as_ref());
    trigger.is_some_and(|t| t.purpose == Purpose::Stop && t.path.is_some())
}

/// The savepoint that is asked for and has no end yet.
fn pending(attempt: &Attempt) -> Option<&Trigger> {
    keeps(attempt)?.trigger.as_ref().filter(|t| t.path.is_none())
}

fn asked(trigger: &Trigger) -> Option<Timestamp> {
    trigger.at.as_ref().map(|t| t.0)
}

/// Until when a job may take to stop with a savepoint.
fn deadline(pass: &Pass<'_>, attempt: &Attempt) -> Timestamp {
    let since = attempt.stopping_at.as_ref().map_or(pass.now, |t| t.0);
    later(since, pass.model.policy.stop)
}

/// Until when an attempt that is being stopped still waits for its savepoint; `None` if there is nothing to wait for.
pub(crate) fn waits(pass: &Pass<'_>, attempt: &Attempt) -> Option<Timestamp> {
    pending(attempt).filter(|t| t.purpose == Purpose::Stop)?;
    Some(deadline(pass, attempt)).filter(|until| pass.now < *until)
}

/// Asks once more for a savepoint that failed, while there is time.
pub(crate) fn insist(pass: &mut Pass<'_>, attempt: &Attempt) {
    let Some(trigger) = pending(attempt).filter(|t| t.purpose == Purpose::Stop && t.problem.is_some()) else { return };
    let due = asked(trigger).map_or(pass.now, |at| later(at, POLL_PENDING));
    let alive = pass.seen.data.flink.as_ref().and_then(|v| v.job.as_ref()).is_some_and(|job| !job.over());
    if pass.now >= due && alive && waits(pass, attempt).is_some() {
        store(pass, attempt, Purpose::Stop);
    }
}

/// Whether one is on its way.
pub(crate) fn busy(attempt: &Attempt) -> bool {
    pending(attempt).is_some_and(|trigger| trigger.problem.is_none())
}

/// Stores that a savepoint is due, if one is.
pub(crate) fn now_and_then(pass: &mut Pass<'_>, attempt: &Attempt) {
    let Some(every) = state_spec(pass).and_then(|s| s.savepoint_every) else { return };
    if busy(attempt) {
        return;
    }
    let trigger = keeps(attempt).and_then(|own| own.trigger.as_ref());
    let last = pass.status.state.iter().flat_map(|s| &s.restore_points).find(|p| p.kind == PointKind::Savepoint);
    let last = last.and_then(|p| p.at.as_ref()).map(|t| t.0);
    let began = attempt.started_at.as_ref().map(|t| t.0);
    let Some(since) = last.into_iter().chain(began).chain(trigger.and_then(asked)).max() else { return };
    let due = later(since, every);
    if pass.now < due {
        return pass.wake_at(due);
    }
    store(pass, attempt, Purpose::Keep);
}

/// What has to be asked of Flink now.
pub(crate) fn call(pass: &Pass<'_>, attempt: &Attempt) -> Option<FlinkCall> {
    let trigger = pending(attempt).filter(|t| t.problem.is_none())?;
    let stop = trigger.purpose == Purpose::Stop;
    if stop && waits(pass, attempt).is_none() {
        return None;
    }
    let seen = &pass.seen.data;
    let view = seen.flink.as_ref()?;
    let open = view.job.as_ref().is_some_and(|job| !job.over());
    // What was stored in this very pass has not been looked for yet.
    let new =
        pass.job.status.as_ref().and_then(|s| s.attempt.as_ref()).and_then(pending).is_none_or(|t| t.id != trigger.id);
    if !open || !(new || view.trigger == Some(TriggerView::Unknown)) {
        return None;
    }
    let root = layout::stored_root(seen.grant.as_ref()?, attempt.flink.as_ref()?.place.as_deref()?)?;
    Some(FlinkCall::Savepoint {
        url: layout::url(seen.workload.as_ref()?)?,
        job: attempt.flink.as_ref()?.job_id.clone(),
        trigger: trigger.id.clone(),
        target: layout::savepoints(&root),
        stop,
    })
}

/// Forgets the savepoints that Flink has taken to delete.
pub(crate) fn forget(pass: &mut Pass<'_>) {
    let gone = &pass.seen.data.disposed;
    if !gone.is_empty() {
        attempt::state_mut(&mut pass.status).restore_points.retain(|p| !gone.contains(&p.path));
    }
}

/// The oldest of the savepoints taken now and then that are more than are kept, to be deleted by a job that runs.
pub(crate) fn dispose(pass: &Pass<'_>, attempt: &Attempt) -> Option<FlinkCall> {
    let keep = state_spec(pass)?.keep;
    let seen = &pass.seen.data;
    seen.flink.as_ref()?.job.as_ref().filter(|job| !job.over() && attempt.stop_reason.is_none())?;
    let state = pass.status.state.as_ref()?;
    let precious = |path: &String| [&state.next_restore, &state.upgraded_from].into_iter().flatten().any(|p| p == path);
    let periodic = state.restore_points.iter().filter(|p| p.periodic == Some(true));
    let oldest = periodic.skip(keep).map(|p| p.path.clone()).filter(|path| !precious(path)).last()?;
    Some(FlinkCall::Dispose { url: layout::url(seen.workload.as_ref()?)?, path: oldest })
}
