//! What surrounds a Flink job beside its pod: its REST API, its data of high availability, what earlier attempts left of
//! that, and the specs kept to go back to.

use k8s_openapi::api::{
    apps::v1::ControllerRevision,
    core::v1::{ConfigMap, Pod},
};
use kube::ResourceExt;
use millrace_crds::{
    ProcessingJob, ProcessingJobStatus,
    processing_job::{Attempt, FlinkAttempt},
};
use millrace_kit::{Failure, Key, Reader};
use serde::{Deserialize, Serialize};

use super::{ChildView, ContainerView, Observed, PodView, child, look, view};
use crate::{
    children::revision,
    engine::flink,
    operator::Processing,
    rest::{Away, FlinkView, Question},
    status,
};

/// What Flink keeps of a job for its next JobManager, read only where no JobManager can be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HaView {
    /// Whether the job's ConfigMap is there.
    pub found: bool,
    /// Number of the newest checkpoint in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<i64>,
}

/// What an ended attempt left that nobody owns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LeftoverView {
    /// Name of the attempt.
    pub base: String,
    /// Whether its JobManager may still write them.
    pub alive: bool,
    /// Its ConfigMaps of high availability.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maps: Vec<ChildView>,
}

/// Looks; the pod and the grant have been seen.
pub(super) async fn observe(
    of: (&Processing, &ProcessingJob),
    reader: &Reader,
    seen: &mut Observed,
) -> Result<(), Failure> {
    let (operator, job) = of;
    let stored = job.status.clone().unwrap_or_default();
    if let Some((attempt, own)) = status::live(&stored).and_then(|a| Some((a, a.flink.as_ref()?))) {
        let gone = seen.lost || seen.pod.as_ref().is_some_and(|p| p.over() || p.deleted.is_some());
        if gone && own.restored_from.is_some() {
            seen.ha = Some(ha(job, reader, (attempt, own)).await?);
        }
        if let Some(question) = seen.pod.as_ref().filter(|_| !gone).and_then(|pod| question(own, pod)) {
            seen.flink = Some(ask(operator, &question, reader).await);
        }
    } else if stored.finished_at.is_none() {
        seen.previous = previous(job, reader, &stored).await?;
    }
    let points = stored.state.iter().flat_map(|s| &s.restore_points).map(|p| &p.path);
    seen.disposed = points.filter(|path| operator.has_disposed(path)).cloned().collect();
    for base in stored.state.iter().flat_map(|s| &s.leftovers) {
        seen.leftovers.push(leftover(job, reader, base).await?);
    }
    revisions(job, reader, seen).await
}

fn question(own: &FlinkAttempt, pod: &PodView) -> Option<Question> {
    let ContainerView::Running { .. } = pod.container else { return None };
    Some(Question {
        url: flink::url(pod)?,
        job: own.job_id.clone(),
        state: own.restored_from.is_some(),
        trigger: own.trigger.as_ref().filter(|t| t.path.is_none()).map(|t| t.id.clone()),
        vertices: own.parallelism.is_some(),
    })
}

async fn ask(operator: &Processing, question: &Question, reader: &Reader) -> FlinkView {
    match operator.flink.look(question).await {
        Ok(view) => {
            operator.answers(&question.job);
            view
        }
        Err(why) => {
            let since = Some(operator.away(&question.job, reader.now()));
            FlinkView { away: Some(Away { why, since }), ..FlinkView::default() }
        }
    }
}

async fn ha(job: &ProcessingJob, reader: &Reader, of: (&Attempt, &FlinkAttempt)) -> Result<HaView, Failure> {
    let (attempt, own) = of;
    let [name, _] = flink::maps(&attempt.name, &own.job_id);
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
) -> Result<Option<PodView>, Failure> {
    let Some(attempt) = stored.attempt.as_ref().filter(|a| a.flink.is_some()) else { return Ok(None) };
    let key = Key::new(job.namespace().unwrap_or_default(), flink::pod_name(&attempt.name));
    Ok(look::<Pod>(reader, key, &job.uid().unwrap_or_default()).await?.map(|pod| view(&pod)))
}

async fn leftover(job: &ProcessingJob, reader: &Reader, base: &str) -> Result<LeftoverView, Failure> {
    let (namespace, uid) = (job.namespace().unwrap_or_default(), job.uid().unwrap_or_default());
    let pod = look::<Pod>(reader, Key::new(&namespace, flink::pod_name(base)), &uid).await?;
    let mut maps = Vec::new();
    for name in flink::maps(base, &flink::job_id(&uid, base)) {
        maps.extend(reader.live::<ConfigMap>(&Key::new(&namespace, name)).await?.map(|m| child("ConfigMap", &m, true)));
    }
    Ok(LeftoverView { base: base.to_owned(), alive: pod.is_some_and(|p| !view(&p).over()), maps })
}

async fn revisions(job: &ProcessingJob, reader: &Reader, seen: &mut Observed) -> Result<(), Failure> {
    let state = job.status.as_ref().and_then(|s| s.state.clone()).unwrap_or_default();
    for one in reader.cache.owned::<ControllerRevision>(&job.uid().unwrap_or_default()) {
        seen.revisions.push(child("ControllerRevision", &*one, true));
    }
    if let Some(hash) = state.rejected_hash.and(state.healthy_hash) {
        let key = Key::new(job.namespace().unwrap_or_default(), revision::name(job, &hash));
        let kept = look::<ControllerRevision>(reader, key, &job.uid().unwrap_or_default()).await?;
        seen.kept = kept.and_then(|one| one.data).map(|raw| raw.0);
    }
    Ok(())
}
