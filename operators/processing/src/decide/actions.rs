//! What must exist for the live attempt, and what earlier attempts must leave.

use kube::ResourceExt;
use millrace_crds::{job::KeepPods, processing_job::Attempt};
use millrace_kit::{Action, Child};

use super::{flink, group, keeper, preflight};
use crate::{
    build::BuildContext,
    children, engine,
    job::{attempt, name},
    model::Model,
    pass::Pass,
    rest::FlinkCall,
    seen::{ChildView, Observed, PodView},
};

/// The actions of a pass; `had` names the attempt that was live when it began and that `seen` speaks of.
pub(crate) fn actions(pass: &Pass<'_>, had: Option<&str>) -> Vec<Action<FlinkCall>> {
    let live = attempt::live(&pass.status);
    // Before anything is started that keeps state, somebody speaks for it.
    let (kept, moved) = keeper::keep(pass, live);
    let mut all: Vec<_> = kept.into_iter().collect();
    if let Some(attempt) = live {
        // What was seen is of the attempt that was live then; a new one has nothing yet.
        let same = had == Some(attempt.name.as_str());
        let Observed { account, binding, budget, .. } = pass.seen.data;
        let fresh = Observed { account, binding, budget, ..Observed::default() };
        wanted(pass, (attempt, if same { &pass.seen.data } else { &fresh }), &mut all);
    }
    let tried = preflight::wanted(pass);
    let mut old = pass.seen.data.old.clone();
    if let Some((grant, action)) = tried {
        old.retain(|child| child.name != grant);
        all.extend(action);
    }
    if had.is_some_and(|name| live.is_none_or(|a| a.name != name)) {
        old.extend(ended(pass));
    }
    old.extend(moved);
    old.extend(pass.seen.data.revisions.iter().filter(|r| flink::rollback::obsolete(pass, &r.name)).cloned());
    all.extend(
        old.iter().filter(|c| !c.going && !keep(pass, c)).map(|c| Action::Delete(c.target(pass.job.namespace()))),
    );
    all.extend(flink::rollback::keep(pass, live));
    all
}

fn wanted(pass: &Pass<'_>, now: (&Attempt, &Observed), all: &mut Vec<Action<FlinkCall>>) {
    let (attempt, seen) = now;
    let call = flink::savepoint::call(pass, attempt).or_else(|| flink::savepoint::dispose(pass, attempt));
    all.extend(call.or_else(|| flink::rescale::call(pass, attempt)).map(Action::Effect));
    if attempt.stop_reason.is_some() {
        if flink::savepoint::waits(pass, attempt).is_some() {
            return;
        }
        let going = group::pods(seen).filter(|p| p.deleted.is_none() && !p.over()).map(as_child);
        all.extend(going.map(|c| Action::Delete(c.target(pass.job.namespace()))));
        return;
    }
    let Ok(work) = &pass.model.work else { return };
    if attempt.spec_hash.as_ref() != Some(&pass.model.hash) {
        return;
    }
    let memory = (attempt.memory.as_ref(), attempt.worker_memory.as_ref());
    let grown = memory.0.or(memory.1).and_then(|_| Model::grown(pass.job, memory));
    let work = grown.as_ref().unwrap_or(work);
    let run = pass.status.run_number.unwrap_or(1);
    if attempt.grant.is_some() && seen.grant.is_none() {
        // Later its newer checkpoints may have replaced it.
        let from = attempt.flink.as_ref().filter(|_| attempt.pod_uid.is_none() && seen.pod.is_none());
        let from = from.and_then(|own| children::grant::point(own.restored_from.as_deref()?, &[]));
        all.push(Action::Create(children::grant::build(pass.job, work, (&attempt.name, attempt.number), from)));
        return;
    }
    let granted = attempt.grant.is_none() || seen.grant.as_ref().is_some_and(|g| g.ready);
    let missing = group::missing(attempt, seen);
    if !missing.is_empty() && granted {
        let context = BuildContext {
            job: pass.job,
            work,
            seen,
            base: &attempt.name,
            numbers: (run, attempt.number),
            flink: attempt.flink.as_ref(),
        };
        let there = |child: &Child| {
            let at = child.address();
            at.kind.kind == "Pod" && !missing.contains(&at.key.name)
        };
        all.extend(engine::of(work).children(&context).into_iter().filter(|c| !there(c)).map(Action::Create));
    }
}

/// What the attempt that ended in this very pass leaves.
fn ended(pass: &Pass<'_>) -> Vec<ChildView> {
    let seen = &pass.seen.data;
    let attempt = pass.job.status.as_ref().and_then(|status| status.attempt.clone()).unwrap_or_default();
    let base = &attempt.name;
    let child = |kind: &str, name: String, uid: &str| ChildView {
        kind: kind.to_owned(),
        name,
        uid: uid.to_owned(),
        over: true,
        going: false,
    };
    let grant = seen.grant.iter().map(|g| child("DataGrant", name::grant(base), &g.uid));
    let conf = seen.conf.iter().map(|uid| child("ConfigMap", name::config(&attempt), uid));
    let anchor = seen.anchor.iter().map(|uid| child("Deployment", base.clone(), uid));
    let service = seen.service.iter().map(|uid| child("Service", name::service(base), uid));
    group::pods(seen).map(as_child).chain(anchor).chain(conf).chain(service).chain(grant).collect()
}

fn as_child(pod: &PodView) -> ChildView {
    ChildView {
        kind: "Pod".to_owned(),
        name: pod.name.clone(),
        uid: pod.uid.clone(),
        over: pod.over(),
        going: pod.deleted.is_some(),
    }
}

/// Whether something of an attempt that is over stays: finished pods and their ConfigMaps, as `keepPods` says, until
/// the job runs again. Grants and pods that still run never stay.
fn keep(pass: &Pass<'_>, child: &ChildView) -> bool {
    let run = pass.status.run_number.unwrap_or(1);
    let last = pass.status.attempt.as_ref().map_or(0, |a| a.number);
    let base = name::attempt_of(&child.kind, &child.name);
    let known = pass.status.last_attempts.iter().find(|r| r.name == base);
    let this_run = match known {
        Some(record) => record.run == run,
        None => (1..=last).any(|number| name::attempt(pass.job, run, number) == base),
    };
    let failed = known.is_none_or(|r| r.result != millrace_crds::processing_job::AttemptResult::Succeeded);
    let wished = match pass.model.policy.keep_pods {
        KeepPods::Always => true,
        KeepPods::OnFailure => failed,
        KeepPods::Never => false,
    };
    match child.kind.as_str() {
        "Pod" => this_run && wished && child.over,
        "ConfigMap" => this_run && wished,
        _ => false,
    }
}
