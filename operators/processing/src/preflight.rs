//! Before a running attempt is stopped for a new spec: would what follows start at all?
//!
//! The new spec gets a DataGrant of its own, and its pod is sent to the API server as a dry run, which knows quota,
//! limits, the Pod Security level, accounts and every other admission. Secrets are not looked at: the operator may not
//! read them.

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::ResourceExt;
use millrace_crds::{DataGrant, ProcessingJob, Quantity, job::Rerun, processing_job::Attempt};
use millrace_kit::{Child, Class, Failure, Key, Reader};

use crate::{
    build::BuildContext,
    diagnosis, engines,
    job::{attempt, name},
    model::{Model, Work},
    parse,
    seen::{Answer, GrantView, Observed, Preflight, WorkloadView},
};

/// The new spec's work, if a preflight is due: the attempt runs, nothing stops it, and the spec is another one.
pub(crate) fn due<'m>(attempt: &Attempt, model: &'m Model, pod: Option<&WorkloadView>) -> Option<&'m Work> {
    // What is stored may be ahead of what the cache shows.
    let started = |p: &WorkloadView| attempt.started_at.is_some() || diagnosis::started(p).is_some();
    let runs = pod.is_some_and(|p| p.deleted.is_none() && started(p));
    let changed = attempt.spec_hash.as_ref() != Some(&model.hash);
    let replaced = model.policy.rerun == Rerun::OnChange && !model.policy.suspend;
    (runs && attempt.stop_reason.is_none() && changed && replaced).then_some(())?;
    model.work.as_ref().ok()
}

/// Looks, if it is due.
///
/// # Errors
/// The grant could not be read. What is said to the dry run is data.
pub(crate) async fn look(
    job: &ProcessingJob,
    around: &Observed,
    reader: &Reader,
) -> Result<Option<Preflight>, Failure> {
    let Some(attempt) = job.status.as_ref().and_then(attempt::live) else { return Ok(None) };
    if around.workload.is_none() {
        return Ok(None);
    }
    let model = parse::model(job);
    let Some(work) = due(attempt, &model, around.workload.as_ref()) else { return Ok(None) };
    let base = name::preflight(job, &model.hash);
    let mut seen = Preflight::default();
    if !work.access.is_empty() {
        let key = Key::new(job.namespace().unwrap_or_default(), name::grant(&base));
        let grant = reader.owned_or_live::<DataGrant>(&key, &job.uid().unwrap_or_default()).await?;
        seen.since = grant.as_ref().and_then(|g| g.metadata.creation_timestamp.as_ref()).map(|t| t.0);
        seen.grant = grant.map(|g| GrantView::of(&g));
        if !seen.grant.as_ref().is_some_and(|g| g.ready) {
            return Ok(Some(seen));
        }
    }
    let granted = Observed {
        grant: seen.grant.clone(),
        account: true,
        binding: true,
        conf: Some(base.clone()),
        anchor: Some(base.clone()),
        ..Observed::default()
    };
    let engine = engines::of_work(work);
    let mut tried = Attempt { number: 1, name: base.clone(), ..Attempt::default() };
    engine.begin_dry_run(&mut tried);
    let context = BuildContext { job, work, seen: &granted, attempt: &tried, run: 1 };
    // The workload comes last.
    if let Some(pod) = engine.objects(&context).pop() {
        seen.answer = Some(answer(reader.would_create(&without_account(pod, reader)).await));
    }
    Ok(Some(seen))
}

/// An account that is not there yet is made with the attempt, and a pod that names it would be refused until then.
fn without_account(mut pod: Child, reader: &Reader) -> Child {
    let namespace = pod.address().key.namespace;
    let Some(spec) = pod.body.pointer_mut("/spec").and_then(serde_json::Value::as_object_mut) else { return pod };
    let name = spec.get("serviceAccountName").and_then(serde_json::Value::as_str).unwrap_or_default();
    if reader.cached::<ServiceAccount>(&Key::new(namespace, name)).is_none() {
        spec.remove("serviceAccountName");
    }
    pod
}

fn answer(said: Result<(), Failure>) -> Answer {
    let Err(failure) = said else { return Answer::Admitted };
    let told = format!("{}: {}", failure.reason, failure.message);
    match failure.class {
        // The name is free when the time comes, or the attempt says so.
        _ if failure.is_conflict() => Answer::Admitted,
        _ if passes(&failure.message) => Answer::Admitted,
        Class::Invalid | Class::Forbidden | Class::Waiting => Answer::Refused(told),
        Class::Internal if failure.status.is_some() => Answer::Refused(told),
        Class::Internal | Class::Transient => Answer::Unanswered(told),
    }
}

/// Refusals that say nothing of the pod: a webhook that cannot judge dry runs, and a quota that is full now, since the
/// share of the attempt that runs is given back. A quota that the pod can never fit is another matter.
fn passes(message: &str) -> bool {
    if message.contains("does not support dry run") {
        return true;
    }
    let part = |name: &str| {
        let rest = message.split_once(&format!(", {name}: ")).map(|(_, rest)| rest)?;
        Some(rest.split(", ").next().unwrap_or_default())
    };
    let (true, Some(requested), Some(limited)) =
        (message.contains("exceeded quota: "), part("requested"), part("limited"))
    else {
        return false;
    };
    let amounts = |text: &str| -> Option<Vec<(String, u64)>> {
        let one = |pair: &str| {
            let (name, amount) = pair.split_once('=')?;
            Some((name.to_owned(), Quantity(amount.to_owned()).thousandths()?))
        };
        text.split(',').map(one).collect()
    };
    let (Some(requested), Some(limited)) = (amounts(requested), amounts(limited)) else { return false };
    let fits = |(name, amount): &(String, u64)| limited.iter().any(|(n, limit)| n == name && amount <= limit);
    requested.iter().all(fits)
}

#[cfg(test)]
mod tests;
