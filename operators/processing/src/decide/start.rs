//! An attempt that is stored and does not run: what it waits for, how that is told, and when it is given up.

use millrace_crds::{
    Reason, ReasonText,
    processing_job::{Attempt, FailureClass},
};
use millrace_kit::{Class, Key, causes, conditions, later};

use super::{
    group, state_guard,
    stop::{self, conclude, saw},
    workers,
};
use crate::{
    diagnosis, engines,
    job::{
        attempt,
        name::{self, BUDGET},
        outcome::{Obstacle, Outcome, Trouble},
    },
    looks,
    pass::{Pass, SLOW},
    rollback,
};

/// An attempt that does not run yet.
pub(crate) fn starting(pass: &mut Pass<'_>, attempt: &Attempt) {
    let seen = &pass.seen.data;
    let since = attempt.created_at.as_ref().map_or(pass.now, |t| t.0);
    let (slow, until) = (later(since, SLOW), later(since, pass.model.policy.start));
    let found = refused(pass, attempt);
    if let Some(Refused::Final(outcome)) = found {
        return conclude(pass, outcome);
    }
    if attempt::size(attempt) > 1 && group::whole(attempt, seen) {
        // From here on one that is gone is missed: it is never made a second time beside its peers.
        saw(pass);
    }
    if let Some(outcome) = workers::check(pass, attempt) {
        return conclude(pass, outcome);
    }
    let obstacle = match found {
        Some(Refused::Passing(obstacle)) => Some(obstacle),
        _ => obstacle(pass, attempt).or_else(|| (pass.now >= slow).then(|| patience(pass, attempt))),
    };
    if pass.now >= until {
        saw(pass);
        let obstacle = obstacle.unwrap_or_else(|| patience(pass, attempt));
        let message = format!("not started within deadlines.start: {}", obstacle.trouble.message);
        return conclude(pass, Outcome::failed(obstacle.class, message));
    }
    pass.wake_at(if pass.now < slow { slow.min(until) } else { until });
    if let Some(pace) = engines::of(attempt).pace(&pass.seen.data) {
        pass.wake_at(later(pass.now, pace));
    }
    if group::pods(&pass.seen.data).any(diagnosis::starts::is_silent) {
        pass.wake_at(looks::START.next(since, pass.now));
    }
    if let Some(reason) = rollback::in_time(pass, attempt) {
        return stop::ask(pass, reason);
    }
    let Some(obstacle) = obstacle else { return };
    tell(pass, obstacle);
}

/// Puts an obstacle into the status; a pod that is seen counts as submitted, and its uid is stored.
fn tell(pass: &mut Pass<'_>, obstacle: Obstacle) {
    let now = pass.now;
    let told = conditions::get(&pass.status, "Ready").filter(|told| obstacle.told_by(told)).cloned();
    // Kubelets word one cause in several ways, in turns, and numbers change all the time: that costs a write a look at most.
    let stands = told.filter(|_| obstacle.echo() || !pass.seen.data.look);
    if stands.as_ref().is_some_and(|told| told.message != obstacle.trouble.message) && !obstacle.echo() {
        let since = attempt::live(&pass.status).and_then(|a| a.created_at.as_ref()).map_or(now, |t| t.0);
        pass.wake_at(looks::START.next(since, now));
    }
    let trouble = match stands {
        Some(told) => Trouble { reason: ReasonText::as_given(told.reason), message: told.message },
        None => obstacle.trouble,
    };
    if trouble.reason == Reason::DataNotReady {
        conditions::set(&mut pass.status, "DataReady", ("False", &trouble.reason, &trouble.message), now);
    }
    saw(pass);
    pass.trouble = Some(trouble);
}

fn obstacle(pass: &Pass<'_>, attempt: &Attempt) -> Option<Obstacle> {
    let seen = &pass.seen.data;
    if let Some(obstacle) = workers::obstacle(pass) {
        return Some(obstacle);
    }
    if group::pods(seen).next().is_some() {
        return group::pods(seen).find_map(|pod| diagnosis::starts::pod(pod, pass.now));
    }
    let (name, grant) = (attempt.grant.as_ref()?, seen.grant.as_ref()?);
    diagnosis::starts::grant(name, grant)
}

/// What a start without any obstacle waits for.
fn patience(pass: &Pass<'_>, attempt: &Attempt) -> Obstacle {
    let seen = &pass.seen.data;
    if let Some(obstacle) = engines::of(attempt).waits_for(pass) {
        return obstacle;
    }
    let idle = group::pods(seen).find(|pod| diagnosis::started(pod).is_none());
    match (idle, &attempt.grant) {
        (Some(pod), _) => {
            let told = format!("Pod {} is {} and runs no container yet", pod.name, pod.phase);
            Obstacle::new(FailureClass::Infrastructure, Reason::WaitingForPod, told)
        }
        (None, Some(grant)) if group::pods(seen).next().is_none() => {
            let told = format!("DataGrant {grant} is not answered; is the dataplane operator running?");
            Obstacle::new(FailureClass::Dependency, Reason::WaitingForData, told)
        }
        _ => {
            let first = group::missing(attempt, seen).into_iter().next();
            let told = format!("Pod {} does not exist", first.unwrap_or_default());
            Obstacle::new(FailureClass::Infrastructure, Reason::WaitingForPod, told)
        }
    }
}

enum Refused {
    Final(Outcome),
    Passing(Obstacle),
}

/// What the API server said to our creates of this attempt's objects.
fn refused(pass: &Pass<'_>, attempt: &Attempt) -> Option<Refused> {
    let namespace = pass.job.metadata.namespace.clone().unwrap_or_default();
    let seen = &pass.seen.data;
    let mine = [
        ("Service", name::service(&attempt.name)),
        ("ConfigMap", engines::of(attempt).config(&attempt.name)),
        ("Deployment", attempt.name.clone()),
        ("DataGrant", name::grant(&attempt.name)),
        ("PodDisruptionBudget", BUDGET.to_owned()),
    ];
    // What is there was made after all.
    let workload = engines::of(attempt).workload_kind().kind;
    let pods = group::missing(attempt, seen).into_iter().map(|name| (&*workload, name));
    let guard = state_guard::wanted(pass).map(|(name, _)| ("DataGrant", name));
    let account = engines::of(attempt).account().into_iter();
    let account = account.flat_map(|own| ["ServiceAccount", "RoleBinding"].map(|kind| (kind, own.name.to_owned())));
    let mut ids = pods
        .chain(mine)
        .chain(account)
        .chain(guard)
        .map(|(kind, name)| format!("create {kind} {}", Key::new(&namespace, name)));
    let last = ids.find_map(|id| pass.seen.failures.of(&id))?;
    let failure = &last.failure;
    let told = format!("{}: {}", failure.reason, failure.message);
    if failure.reason == Reason::Terminating {
        return Some(Refused::Final(Outcome::failed(FailureClass::DriverLost, told)));
    }
    Some(match failure.class {
        Class::Invalid => Refused::Final(Outcome::failed(FailureClass::Configuration, told)),
        Class::Forbidden => {
            let of_quota = causes::of(&failure.reason, &failure.message).map(|cause| Obstacle::of(cause, "a pod"));
            let other = || Obstacle::new(FailureClass::Configuration, Reason::Refused, told);
            Refused::Passing(of_quota.unwrap_or_else(other))
        }
        Class::Waiting | Class::Transient | Class::Internal => {
            // One lost answer is no news.
            let class = FailureClass::Infrastructure;
            let trouble = || Obstacle::new(class, Reason::ApiTrouble, told).restless();
            return (last.count > 2).then(|| Refused::Passing(trouble()));
        }
    })
}
