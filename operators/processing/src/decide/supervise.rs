//! The live attempt: has it ended, must it stop, does it run, why does it not run yet.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    job::Rerun,
    processing_job::{Attempt, AttemptResult, FailureClass, JobPhase},
};
use millrace_kit::{Class, Key, conditions, failure, later};

use super::{GIVE_UP, Pass, SLOW, finish::finish};
use crate::{
    engine,
    evidence::{self, Obstacle, Outcome},
    observe::PodView,
    status,
};

/// Stored stop reasons.
const SUSPENDED: &str = "Suspended";
const SPEC_CHANGED: &str = "SpecChanged";
const RUN_DEADLINE: &str = "RunDeadline";

/// Judges the live attempt; the questions' order is fixed.
pub(crate) fn supervise(pass: &mut Pass<'_>) {
    let Some(attempt) = status::live(&pass.status).cloned() else { return };
    let pod = pass.seen.data.pod.clone();
    if let Some(pod) = pod.as_ref().filter(|p| p.over()) {
        // It may have run and ended between two looks.
        saw(pass, pod);
    }
    if pass.seen.data.lost {
        let gone = format!("Pod {} is gone", attempt.pod.clone().unwrap_or_default());
        return finish(
            pass,
            stopping(pass, &attempt).unwrap_or_else(|| Outcome::failed(FailureClass::DriverLost, gone)),
        );
    }
    if let Some(outcome) = pod.as_ref().and_then(|pod| outcome(pass, &attempt, pod)) {
        let forced = stopping(pass, &attempt).filter(|_| outcome.result != AttemptResult::Succeeded);
        return finish(
            pass,
            match forced {
                Some(forced) => Outcome { exit_code: outcome.exit_code, started: outcome.started, ..forced },
                None => outcome,
            },
        );
    }
    if attempt.stop_reason.is_some() {
        return stop(pass, &attempt, pod.as_ref());
    }
    if let Some(asked) = pod.as_ref().and_then(|p| p.deleted) {
        return leaving(pass, pod.as_ref(), asked);
    }
    if pass.model.policy.suspend {
        return ask_to_stop(pass, SUSPENDED, pod.is_some());
    }
    let changed = attempt.spec_hash.as_ref() != Some(&pass.model.hash);
    // A pod that is not made yet can only be made from the spec of now.
    let replaced = pass.model.policy.rerun == Rerun::OnChange && pass.model.work.is_ok();
    if changed && (replaced || pod.is_none()) {
        return ask_to_stop(pass, SPEC_CHANGED, pod.is_some());
    }
    match pod.as_ref().and_then(|pod| started(pass, pod).map(|since| (pod, since))) {
        Some((pod, since)) => running(pass, pod, since),
        None => starting(pass, &attempt, pod.as_ref()),
    }
}

/// Asks the engine that made the pod; the spec may name another one by now.
fn outcome(pass: &Pass<'_>, attempt: &Attempt, pod: &PodView) -> Option<Outcome> {
    let engine = pass.model.work.as_ref().ok().map(engine::of);
    let same = engine.filter(|e| attempt.pod.as_ref().is_some_and(|name| name.ends_with(e.suffix())));
    same.map_or_else(|| evidence::outcome(pod), |engine| engine.outcome(pod, &pass.seen.data))
}

fn started(pass: &Pass<'_>, pod: &PodView) -> Option<Option<Timestamp>> {
    let engine = pass.model.work.as_ref().ok().map(engine::of);
    engine.map_or_else(|| evidence::started(pod), |engine| engine.started(pod, &pass.seen.data))
}

/// What a stop that was asked for makes of the attempt.
fn stopping(pass: &Pass<'_>, attempt: &Attempt) -> Option<Outcome> {
    match attempt.stop_reason.as_deref()? {
        RUN_DEADLINE => {
            let limit = pass.job.spec.job.deadlines.as_ref().and_then(|d| d.run.clone()).unwrap_or_default();
            let told = format!("ran longer than deadlines.run ({})", limit.0);
            Some(Outcome::failed(FailureClass::Deadline, told))
        }
        reason => Some(Outcome::stopped(reason)),
    }
}

fn ask_to_stop(pass: &mut Pass<'_>, reason: &str, exists: bool) {
    let now = pass.now;
    if let Some(attempt) = status::live_mut(&mut pass.status) {
        attempt.stop_reason = Some(reason.to_owned());
        attempt.stopping_at = Some(Time(now));
    }
    if let Some(pod) = pass.seen.data.pod.clone() {
        saw(pass, &pod);
    }
    if !exists {
        // Nothing to wait for.
        return finish(pass, Outcome::stopped(reason));
    }
    pass.status.phase = Some(JobPhase::Stopping);
    let until = later(later(now, pass.model.policy.stop), GIVE_UP);
    pass.wake_at(until);
}

fn stop(pass: &mut Pass<'_>, attempt: &Attempt, pod: Option<&PodView>) {
    let Some(forced) = stopping(pass, attempt) else { return };
    let Some(pod) = pod else { return finish(pass, forced) };
    let since = attempt.stopping_at.as_ref().map_or(pass.now, |t| t.0);
    let until = later(later(since, pass.model.policy.stop), GIVE_UP);
    if pass.now >= until {
        let message =
            format!("{}; Pod {} has not gone within deadlines.stop and is left to its node", forced.message, pod.name);
        return finish(pass, Outcome { message, ..forced });
    }
    pass.wake_at(until);
}

/// Somebody deletes the pod: its last words are worth a wait, but not for ever.
fn leaving(pass: &mut Pass<'_>, pod: Option<&PodView>, asked: Timestamp) {
    let Some(pod) = pod else { return };
    let grace = u64::try_from(pod.grace.unwrap_or(0)).unwrap_or(0);
    let until = later(later(asked, std::time::Duration::from_secs(grace)), GIVE_UP);
    if pass.now >= until {
        let node = pod.node.clone().unwrap_or_default();
        let message = format!("Pod {} was deleted and node {node} does not confirm its end", pod.name);
        return finish(pass, Outcome::failed(FailureClass::DriverLost, message));
    }
    pass.wake_at(until);
}

/// Stores that there is a pod: its uid, that the job counts as submitted, and that its data was there.
fn saw(pass: &mut Pass<'_>, pod: &PodView) {
    let now = pass.now;
    let Some(attempt) = status::live_mut(&mut pass.status) else { return };
    attempt.pod_uid = Some(pod.uid.clone());
    let granted = attempt.grant.clone();
    pass.status.submitted = Some(true);
    if let Some(grant) = granted {
        conditions::set(&mut pass.status, "DataReady", ("True", "Granted", &format!("DataGrant {grant}")), now);
    }
}

fn running(pass: &mut Pass<'_>, pod: &PodView, since: Option<Timestamp>) {
    let now = pass.now;
    let url = pass.model.work.as_ref().ok().and_then(|work| engine::of(work).url(pod));
    saw(pass, pod);
    let Some(attempt) = status::live_mut(&mut pass.status) else { return };
    if attempt.started_at.is_none() {
        attempt.started_at = Some(Time(since.unwrap_or(now)));
        pass.status.phase = Some(JobPhase::Running);
        pass.status.url = url;
    }
    let began = status::live(&pass.status).and_then(|a| a.started_at.as_ref()).map_or(now, |t| t.0);
    let Some(limit) = pass.model.policy.run else { return };
    let until = later(began, limit);
    if now >= until {
        return ask_to_stop(pass, RUN_DEADLINE, true);
    }
    pass.wake_at(until);
}

fn starting(pass: &mut Pass<'_>, attempt: &Attempt, pod: Option<&PodView>) {
    let since = attempt.created_at.as_ref().map_or(pass.now, |t| t.0);
    let (slow, until) = (later(since, SLOW), later(since, pass.model.policy.start));
    let found = refused(pass, attempt);
    if let Some(Refused::Final(outcome)) = found {
        return finish(pass, outcome);
    }
    let obstacle = match found {
        Some(Refused::Passing(obstacle)) => Some(obstacle),
        _ => obstacle(pass, attempt, pod).or_else(|| (pass.now >= slow).then(|| patience(attempt, pod))),
    };
    if pass.now >= until {
        if let Some(pod) = pod {
            saw(pass, pod);
        }
        let obstacle = obstacle.unwrap_or_else(|| patience(attempt, pod));
        let message = format!("not started within deadlines.start: {}", obstacle.trouble.message);
        return finish(pass, Outcome::failed(obstacle.class, message));
    }
    pass.wake_at(if pass.now < slow { slow.min(until) } else { until });
    let Some(obstacle) = obstacle else { return };
    tell(pass, obstacle, pod);
}

/// Puts an obstacle into the status; a pod that is seen counts as submitted, and its uid is stored.
fn tell(pass: &mut Pass<'_>, obstacle: Obstacle, pod: Option<&PodView>) {
    let now = pass.now;
    let mut trouble = obstacle.trouble;
    // Kubelets word one obstacle in several ways, in turns; the first wording stands.
    if let Some(old) = conditions::get(&pass.status, "Ready").filter(|c| c.reason == trouble.reason) {
        trouble.message.clone_from(&old.message);
    }
    if trouble.reason == "DataNotReady" {
        conditions::set(&mut pass.status, "DataReady", ("False", &trouble.reason, &trouble.message), now);
    }
    if let Some(pod) = pod {
        saw(pass, pod);
    }
    pass.trouble = Some(trouble);
}

fn obstacle(pass: &Pass<'_>, attempt: &Attempt, pod: Option<&PodView>) -> Option<Obstacle> {
    if let Some(pod) = pod {
        return evidence::pod_obstacle(pod);
    }
    let (name, grant) = (attempt.grant.as_ref()?, pass.seen.data.grant.as_ref()?);
    evidence::grant_obstacle(name, grant)
}

/// What a start without any obstacle waits for.
fn patience(attempt: &Attempt, pod: Option<&PodView>) -> Obstacle {
    match (pod, &attempt.grant) {
        (Some(pod), _) => {
            let told = format!("Pod {} is {} and runs no container yet", pod.name, pod.phase);
            evidence::obstacle(FailureClass::Infrastructure, "WaitingForPod", told)
        }
        (None, Some(grant)) => {
            let told = format!("DataGrant {grant} is not answered; is the dataplane operator running?");
            evidence::obstacle(FailureClass::Dependency, "WaitingForData", told)
        }
        (None, None) => {
            let told = format!("Pod {} is not there", attempt.pod.clone().unwrap_or_default());
            evidence::obstacle(FailureClass::Infrastructure, "WaitingForPod", told)
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
    let mine = [
        ("Pod", attempt.pod.clone().unwrap_or_default()),
        ("ConfigMap", engine::conf_of(attempt)),
        ("Deployment", attempt.name.clone()),
        ("DataGrant", engine::grant_name(&attempt.name)),
        ("ServiceAccount", engine::account_of(attempt).name.to_owned()),
        ("RoleBinding", engine::account_of(attempt).name.to_owned()),
        ("PodDisruptionBudget", crate::children::budget::BUDGET.to_owned()),
    ];
    let ids = mine.map(|(kind, name)| (kind, format!("create {kind} {}", Key::new(&namespace, name))));
    let (kind, last) = ids.iter().find_map(|(kind, id)| Some((*kind, pass.seen.failures.of(id)?)))?;
    if kind == "Pod" && pass.seen.data.pod.is_some() {
        return None;
    }
    let failure = &last.failure;
    let told = format!("{}: {}", failure.reason, failure.message);
    if failure.reason == failure::TERMINATING {
        return Some(Refused::Final(Outcome::failed(FailureClass::DriverLost, told)));
    }
    Some(match failure.class {
        Class::Invalid => Refused::Final(Outcome::failed(FailureClass::Configuration, told)),
        Class::Denied => {
            let quota = failure.message.contains("exceeded quota");
            let class = if quota { FailureClass::Capacity } else { FailureClass::Configuration };
            Refused::Passing(evidence::obstacle(class, if quota { "QuotaExceeded" } else { "Refused" }, told))
        }
        Class::Waiting | Class::Transient | Class::Bug => {
            // One lost answer is no news.
            let class = FailureClass::Infrastructure;
            return (last.count > 2).then(|| Refused::Passing(evidence::obstacle(class, "ApiTrouble", told)));
        }
    })
}
