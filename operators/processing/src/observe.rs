//! What a job's surroundings look like, as plain data.
//!
//! Reads the cache; where the cache misses something the status says was made, asks the API server.

mod around;
mod ranks;
mod starts;
mod workers;

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Namespace, Pod, Service, ServiceAccount},
    policy::v1::PodDisruptionBudget,
    rbac::v1::RoleBinding,
};
use kube::ResourceExt;
use millrace_crds::{DataGrant, DataPlane, ProcessingJob};
use millrace_kit::{Failure, Key, Reader};

use around::Around;

use crate::{
    engine, engines,
    job::{
        attempt,
        name::{self, BUDGET},
    },
    model,
    recent::Recent,
    seen::{ChildView, GrantView, Observed, WorkloadView},
};

/// Looks around.
pub(crate) async fn observe(recent: &Recent, job: &ProcessingJob, reader: &Reader) -> Result<Observed, Failure> {
    let namespace = job.namespace().unwrap_or_default();
    let uid = job.uid().unwrap_or_default();
    let at = |name: String| Key::new(&namespace, name);
    let mut seen = Observed::default();
    let stored = job.status.clone().unwrap_or_default();
    let live = attempt::live(&stored);
    let engine = live.map_or_else(|| engines::of_spec(&job.spec.job), engines::of);
    if let Some(attempt) = live {
        let base = &attempt.name;
        if attempt.grant.is_some() {
            seen.grant =
                reader.owned_or_live::<DataGrant>(&at(name::grant(base)), &uid).await?.map(|g| GrantView::of(&g));
        }
        let conf = reader.child::<ConfigMap>(&at(engine.config(base)), &uid);
        seen.conf = conf.and_then(|c| c.uid());
        // Before its grant is ready no workload can have been made, so nothing needs to be asked.
        let may_exist =
            attempt.grant.is_none() || attempt.pod_uid.is_some() || seen.grant.as_ref().is_some_and(|g| g.ready);
        let key = at(attempt.pod.clone().unwrap_or_default());
        let known = attempt.pod_uid.as_deref();
        if known.is_some() || may_exist {
            seen.workload = engine.workload(reader, &key, &uid, known).await?;
        }
        seen.lost = known.is_some() && seen.workload.is_none();
        if attempt.replicas.is_some() {
            let around = Around { recent, job, attempt, reader, namespace: &namespace, may_exist };
            ranks::observe(&around, &mut seen).await?;
        }
        let now = reader.now();
        for pod in seen.workload.iter_mut().chain(&mut seen.ranks) {
            pod.unconfirmed = recent.unconfirmed(pod, now);
        }
    }
    if let Some(plane) = model::system_priority(&job.spec.job) {
        seen.system_priority = Some(system_priority(reader, plane, &namespace).await?);
    }
    if let Some(account) = engine.account() {
        let shared = at(account.name.to_owned());
        seen.account = reader.cached::<ServiceAccount>(&shared).is_some();
        seen.binding = reader.cached::<RoleBinding>(&shared).is_some();
    }
    seen.budget = reader.cached::<PodDisruptionBudget>(&at(BUDGET.to_owned())).is_some();
    seen.old = old(reader, &uid, live.map(|a| a.name.as_str())).await?;
    let keepers = reader.cache.owned::<DataGrant>(&uid);
    seen.keepers =
        keepers.iter().filter(|g| g.spec.protect_only).map(|g| ChildView::of("DataGrant", &**g, true)).collect();
    recent.engines.look(job, live, reader, &mut seen).await?;
    if let Some(attempt) = live {
        let around = Around { recent, job, attempt, reader, namespace: &namespace, may_exist: true };
        starts::observe(&around, &mut seen).await;
        workers::observe(&around, &mut seen).await;
    }
    Ok(seen)
}

/// Whether a DataPlane allows the jobs of a namespace a priority of the system. Asked live: nobody watches for a case this
/// rare.
async fn system_priority(reader: &Reader, plane: &str, namespace: &str) -> Result<bool, Failure> {
    let Some(plane) = reader.live::<DataPlane>(&Key::new("", plane)).await? else { return Ok(false) };
    let Some(chosen) = plane.spec.system_priority else { return Ok(false) };
    let found = reader.live::<Namespace>(&Key::new("", namespace)).await?;
    let labels = found.and_then(|one| one.metadata.labels).unwrap_or_default();
    Ok(chosen.chooses(&labels) && plane.spec.namespaces.is_none_or(|users| users.chooses(&labels)))
}

async fn old(reader: &Reader, uid: &str, live: Option<&str>) -> Result<Vec<ChildView>, Failure> {
    let foreign = |kind: &str, name: &str| live.is_none_or(|base| name::attempt_of(kind, name) != base);
    let mut all = Vec::new();
    all.extend(engine::left::<Pod>(reader, uid, &foreign, |pod| WorkloadView::of(pod).over()).await?);
    for engine in engines::ALL {
        all.extend(engine.left(reader, uid, &foreign).await?);
    }
    for conf in reader.cache.owned::<ConfigMap>(uid).iter().filter(|c| foreign("ConfigMap", &c.name_any())) {
        all.push(ChildView::of("ConfigMap", &**conf, true));
    }
    for anchor in reader.cache.owned::<Deployment>(uid).iter().filter(|d| foreign("Deployment", &d.name_any())) {
        all.push(ChildView::of("Deployment", &**anchor, true));
    }
    for service in reader.cache.owned::<Service>(uid).iter().filter(|s| foreign("Service", &s.name_any())) {
        if let Some(there) = reader.live::<Service>(&Key::of(&**service)).await? {
            all.push(ChildView::of("Service", &there, true));
        }
    }
    let grants = reader.cache.owned::<DataGrant>(uid);
    for grant in grants.iter().filter(|g| !g.spec.protect_only && foreign("DataGrant", &g.name_any())) {
        // Deleted by the pass that ended the attempt; only what the API server still has needs another delete.
        if let Some(there) = reader.live::<DataGrant>(&Key::of(&**grant)).await? {
            all.push(ChildView::of("DataGrant", &there, true));
        }
    }
    Ok(all)
}
