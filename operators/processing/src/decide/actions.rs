//! What must exist for the live attempt, and what earlier attempts must leave.

use k8s_openapi::api::{
    apps::v1::{ControllerRevision, Deployment},
    core::v1::{ConfigMap, Pod, Service},
};
use kube::ResourceExt;
use millrace_crds::{DataGrant, job::KeepPods, processing_job::Attempt};
use millrace_kit::{Action, Child, Key, Kind, Target};

use super::{group, preflight, state_guard};
use crate::{
    build::BuildContext,
    engine::{Engine, EngineCall},
    engines,
    job::{attempt, name},
    objects, parse,
    pass::Pass,
    rollback,
    seen::{ChildView, Observed, WorkloadView},
};

/// The actions of a pass; `had` names the attempt that was live when it began and that `seen` speaks of.
pub(crate) fn actions(pass: &Pass<'_>, had: Option<&str>) -> Vec<Action<EngineCall>> {
    let live = attempt::live(&pass.status);
    // Before anything is started that keeps state, somebody speaks for it.
    let (kept, moved) = state_guard::keep(pass, live);
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
    old.extend(pass.seen.data.revisions.iter().filter(|r| rollback::obsolete(pass, &r.name)).cloned());
    all.extend(old.iter().filter(|c| !c.going && !keep(pass, c)).map(|child| delete(pass, child)));
    all.extend(rollback::keep(pass, live));
    all
}

fn wanted(pass: &Pass<'_>, now: (&Attempt, &Observed), all: &mut Vec<Action<EngineCall>>) {
    let (attempt, seen) = now;
    let engine = engines::of(attempt);
    all.extend(engine.call(pass, attempt).map(Action::Effect));
    if attempt.stop_reason.is_some() {
        if engine.stops_until(pass, attempt).is_some() {
            return;
        }
        let going = group::pods(seen).filter(|p| p.deleted.is_none() && !p.over()).map(|p| as_child(engine, p));
        all.extend(going.map(|child| delete(pass, &child)));
        return;
    }
    let Ok(work) = &pass.model.work else { return };
    if attempt.spec_hash.as_ref() != Some(&pass.model.hash) {
        return;
    }
    let grown = parse::grown(pass.job, attempt);
    let work = grown.as_ref().unwrap_or(work);
    let run = pass.status.run_number.unwrap_or(1);
    if attempt.grant.is_some() && seen.grant.is_none() {
        let from = engine.needs(attempt, seen);
        all.push(Action::Create(objects::grant::build(pass.job, work, (&attempt.name, attempt.number), from)));
        return;
    }
    let granted = attempt.grant.is_none() || seen.grant.as_ref().is_some_and(|g| g.ready);
    let missing = group::missing(attempt, seen);
    if !missing.is_empty() && granted {
        let context = BuildContext { job: pass.job, work, seen, attempt, run };
        let workload = engine.workload_kind();
        let there = |child: &Child| {
            let at = child.address();
            at.kind == workload && !missing.contains(&at.key.name)
        };
        all.extend(engine.objects(&context).into_iter().filter(|c| !there(c)).map(Action::Create));
    }
}

/// What the attempt that ended in this very pass leaves.
fn ended(pass: &Pass<'_>) -> Vec<ChildView> {
    let seen = &pass.seen.data;
    let attempt = pass.job.status.as_ref().and_then(|status| status.attempt.clone()).unwrap_or_default();
    let (base, engine) = (&attempt.name, engines::of(&attempt));
    let child = |kind: &str, name: String, uid: &str| ChildView {
        kind: kind.to_owned(),
        name,
        uid: uid.to_owned(),
        over: true,
        going: false,
    };
    let grant = seen.grant.iter().map(|g| child("DataGrant", name::grant(base), &g.uid));
    let conf = seen.conf.iter().map(|uid| child("ConfigMap", engine.config(base), uid));
    let anchor = seen.anchor.iter().map(|uid| child("Deployment", base.clone(), uid));
    let service = seen.service.iter().map(|uid| child("Service", name::service(base), uid));
    group::pods(seen).map(|pod| as_child(engine, pod)).chain(anchor).chain(conf).chain(service).chain(grant).collect()
}

fn as_child(engine: &dyn Engine, pod: &WorkloadView) -> ChildView {
    ChildView {
        kind: engine.workload_kind().kind.to_string(),
        name: pod.name.clone(),
        uid: pod.uid.clone(),
        over: pod.over(),
        going: pod.deleted.is_some(),
    }
}

/// The deletion of what an attempt had.
fn delete(pass: &Pass<'_>, child: &ChildView) -> Action<EngineCall> {
    let kind = match child.kind.as_str() {
        "ControllerRevision" => Kind::of::<ControllerRevision>(),
        "Deployment" => Kind::of::<Deployment>(),
        "Service" => Kind::of::<Service>(),
        "ConfigMap" => Kind::of::<ConfigMap>(),
        "DataGrant" => Kind::of::<DataGrant>(),
        workload => engines::workload(workload).unwrap_or_else(Kind::of::<Pod>),
    };
    Action::Delete(Target::named(kind, Key::new(pass.job.namespace().unwrap_or_default(), &child.name), &child.uid))
}

/// Whether something of an attempt that is over stays: finished workloads and their ConfigMaps, as `keepPods` says, until
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
        "ConfigMap" => this_run && wished,
        kind if engines::workload(kind).is_some() => this_run && wished && child.over,
        _ => false,
    }
}
