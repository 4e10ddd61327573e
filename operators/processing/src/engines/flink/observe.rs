//! What surrounds a Flink job beside its pod: its REST API, its data of high availability, what earlier attempts left of
//! that, and the specs kept to go back to.

use k8s_openapi::api::{
    apps::v1::{ControllerRevision, Deployment},
    core::v1::{ConfigMap, Pod},
};
use kube::ResourceExt;
use millrace_crds::{
    ProcessingJob, ProcessingJobStatus,
    processing_job::{Attempt, FlinkAttempt},
};
use millrace_kit::{Failure, Key, Reader};

use crate::{
    engines::flink::{client::FlinkClient, layout, name, rest::Question},
    job::name::revision,
    seen::{ChildView, ContainerView, HaView, LeftoverView, Observed, WorkloadView},
};

/// Looks, where the live attempt is one of Flink, the spec is, or there is state.
///
/// # Errors
/// The API server gave no answer. That Flink gives none is data.
pub(crate) async fn observe(
    client: &FlinkClient,
    job: &ProcessingJob,
    live: Option<&Attempt>,
    reader: &Reader,
    seen: &mut Observed,
) -> Result<(), Failure> {
    let ours = live.map_or_else(|| job.spec.job.flink.is_some(), |attempt| attempt.flink.is_some());
    if !ours && job.status.as_ref().is_none_or(|status| status.state.is_none()) {
        return Ok(());
    }
    let stored = job.status.clone().unwrap_or_default();
    if let Some((attempt, own)) = live.and_then(|a| Some((a, a.flink.as_ref()?))) {
        let key = Key::new(job.namespace().unwrap_or_default(), &attempt.name);
        let owner = reader.child::<Deployment>(&key, &job.uid().unwrap_or_default());
        seen.anchor = owner.and_then(|deployment| deployment.uid());
        let gone = seen.lost || seen.workload.as_ref().is_some_and(|p| p.over() || p.deleted.is_some());
        if gone && own.restored_from.is_some() {
            seen.ha = Some(ha(job, reader, (attempt, own)).await?);
        }
        if let Some(question) = seen.workload.as_ref().filter(|_| !gone).and_then(|pod| question(own, pod)) {
            seen.flink = Some(client.look(&question, reader.now()).await);
        }
    } else if live.is_none() && stored.finished_at.is_none() {
        seen.previous = previous(job, reader, &stored).await?;
    }
    let points = stored.state.iter().flat_map(|s| &s.restore_points).map(|p| &p.path);
    seen.disposed = points.filter(|path| client.has_disposed(path)).cloned().collect();
    for base in stored.state.iter().flat_map(|s| &s.leftovers) {
        seen.leftovers.push(leftover(job, reader, base).await?);
    }
    revisions(job, reader, seen).await
}

fn question(own: &FlinkAttempt, pod: &WorkloadView) -> Option<Question> {
    let ContainerView::Running { .. } = pod.container else { return None };
    Some(Question {
        url: layout::url(pod)?,
        job: own.job_id.clone(),
        state: own.restored_from.is_some(),
        trigger: own.trigger.as_ref().filter(|t| t.path.is_none()).map(|t| t.id.clone()),
        vertices: own.parallelism.is_some(),
    })
}

async fn ha(job: &ProcessingJob, reader: &Reader, of: (&Attempt, &FlinkAttempt)) -> Result<HaView, Failure> {
    let (attempt, own) = of;
    let [name, _] = name::high_availability(&attempt.name, &own.job_id);
    let map = reader.live::<ConfigMap>(&Key::new(job.namespace().unwrap_or_default(), name)).await?;
    let keys = map.iter().flat_map(|m| m.data.iter().flatten()).map(|(key, _)| key);
    let newest = keys.filter_map(|key| key.strip_prefix("checkpointID-")?.parse().ok()).max();
    Ok(HaView { found: map.is_some(), newest })
}

/// The JobManager of the attempt that ended last, which must be gone before the next one starts.
async fn previous(
    job: &ProcessingJob,
    reader: &Reader,
    stored: &ProcessingJobStatus,
) -> Result<Option<WorkloadView>, Failure> {
    let Some(attempt) = stored.attempt.as_ref().filter(|a| a.flink.is_some()) else { return Ok(None) };
    let key = Key::new(job.namespace().unwrap_or_default(), name::pod(&attempt.name));
    Ok(reader.owned_or_live::<Pod>(&key, &job.uid().unwrap_or_default()).await?.map(|pod| WorkloadView::of(&pod)))
}

async fn leftover(job: &ProcessingJob, reader: &Reader, base: &str) -> Result<LeftoverView, Failure> {
    let (namespace, uid) = (job.namespace().unwrap_or_default(), job.uid().unwrap_or_default());
    let pod = reader.owned_or_live::<Pod>(&Key::new(&namespace, name::pod(base)), &uid).await?;
    let mut maps = Vec::new();
    for name in name::high_availability(base, &name::job_id(&uid, base)) {
        maps.extend(
            reader.live::<ConfigMap>(&Key::new(&namespace, name)).await?.map(|m| ChildView::of("ConfigMap", &m, true)),
        );
    }
    Ok(LeftoverView { base: base.to_owned(), alive: pod.is_some_and(|p| !WorkloadView::of(&p).over()), maps })
}

async fn revisions(job: &ProcessingJob, reader: &Reader, seen: &mut Observed) -> Result<(), Failure> {
    let state = job.status.as_ref().and_then(|s| s.state.clone()).unwrap_or_default();
    for one in reader.cache.owned::<ControllerRevision>(&job.uid().unwrap_or_default()) {
        seen.revisions.push(ChildView::of("ControllerRevision", &*one, true));
    }
    if let Some(hash) = state.rejected_hash.and(state.healthy_hash) {
        let key = Key::new(job.namespace().unwrap_or_default(), revision(job, &hash));
        let kept = reader.owned_or_live::<ControllerRevision>(&key, &job.uid().unwrap_or_default()).await?;
        seen.kept = kept.and_then(|one| one.data).map(|raw| raw.0);
    }
    Ok(())
}
