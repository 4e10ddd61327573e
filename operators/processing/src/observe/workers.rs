//! The pods that an application asks for itself, counted by a narrow list while it may lack some. They are not watched: a
//! cache of all executors would grow with the size of users' jobs. Of the answer only numbers and one trouble are kept.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use millrace_crds::{processing_job::Attempt, well_known::LABEL_ROLE};
use millrace_kit::{Child, Class, Failure, Query, conditions::cut, later, warnings};

use super::{around::Around, starts};
use crate::{
    build::BuildContext,
    engines,
    looks::{CALM, TELL},
    model::Work,
    parse,
    seen::{MAX_WORDS, Observed, WaitingWorker, WorkersView},
};

/// Most pods of one list; a job with more of them is large enough to be told by its first ones.
const MOST: u32 = 500;
/// A pod is asked about no sooner.
const YOUNG: Duration = Duration::from_secs(30);
/// A process that looks later than this for the first time does not know whether there were any before.
const FROM_THE_START: Duration = Duration::from_secs(120);

/// Looks at the workers, if a look is due; between looks the last one counts.
pub(super) async fn observe(around: &Around<'_>, seen: &mut Observed) {
    let Around { recent, attempt, reader, .. } = *around;
    let now = reader.now();
    let Some(since) = asks_since(attempt, seen, now) else { return recent.workers.forget(&attempt.name) };
    if engines::of(attempt).has_all_workers(seen) {
        recent.workers.forget(&attempt.name);
        seen.workers = Some(WorkersView { since, ..WorkersView::default() });
        return;
    }
    let last = recent.workers.last(&attempt.name);
    let pace = last.as_ref().map_or(&CALM, |(_, view)| view.pace());
    if pace.due(since, now, last.as_ref().map(|(at, _)| *at)) {
        let known = last.map(|(_, view)| view);
        let never = known.as_ref().map_or_else(|| now <= later(since, FROM_THE_START), |view| view.never);
        let found = look(around, seen, since).await;
        // Without an answer the last one counts.
        let view = match found {
            Ok(Some(view)) => WorkersView { never: never && view.running == 0, ..view },
            Ok(None) => return,
            Err(_) => known.unwrap_or_else(|| WorkersView { since, never, ..WorkersView::default() }),
        };
        recent.workers.note(&attempt.name, now, view);
        seen.look = true;
    }
    let view = recent.workers.last(&attempt.name).map(|(_, view)| view);
    // Before the first look it says when that is due.
    seen.workers = Some(view.unwrap_or_else(|| WorkersView { since, ..WorkersView::default() }));
}

/// Since when this attempt's pod asks for others, if it runs and its engine does that.
fn asks_since(attempt: &Attempt, seen: &Observed, now: Timestamp) -> Option<Timestamp> {
    let pod = seen.workload.as_ref().filter(|pod| pod.deleted.is_none() && attempt.stop_reason.is_none())?;
    let since = pod.running()?;
    engines::of(attempt)
        .asks_for_workers()
        .then(|| since.or_else(|| attempt.started_at.as_ref().map(|t| t.0)).unwrap_or(now))
}

async fn look(around: &Around<'_>, seen: &Observed, since: Timestamp) -> Result<Option<WorkersView>, Failure> {
    let Around { job, attempt, reader, namespace, .. } = *around;
    let model = parse::model(job);
    let Ok(work) = &model.work else { return Ok(None) };
    let Some(workers) = work.section.workers() else { return Ok(None) };
    let query = Query {
        namespace: namespace.to_owned(),
        labels: format!("{}={},{LABEL_ROLE}=executor", workers.label, attempt.name),
        limit: MOST,
        ..Query::default()
    };
    let phase = |pod: &Pod| pod.status.as_ref().and_then(|s| s.phase.clone()).unwrap_or_default();
    let mut pods = reader.list::<Pod>(&query).await?;
    pods.retain(|pod| pod.metadata.deletion_timestamp.is_none() && !matches!(&*phase(pod), "Succeeded" | "Failed"));
    let there = pods.len();
    pods.retain(|pod| phase(pod) != "Running");
    let mut view = WorkersView { since, running: there - pods.len(), idle: pods.len(), ..WorkersView::default() };
    view.waiting = match pods.iter().find_map(WaitingWorker::of) {
        None => asked(around, &pods).await?,
        told => told,
    };
    if there < workers.wanted && reader.now() >= later(since, TELL) {
        view.refused = one_more(around, work, seen).await;
    }
    Ok(Some(view))
}

/// What the Events of the one that waits longest say.
async fn asked(around: &Around<'_>, pods: &[Pod]) -> Result<Option<WaitingWorker>, Failure> {
    let Around { reader, namespace, .. } = *around;
    let born = |pod: &&Pod| pod.metadata.creation_timestamp.as_ref().map(|t| t.0);
    let Some(pod) = pods.iter().min_by_key(born) else { return Ok(None) };
    if born(&pod).is_none_or(|at| reader.now() < later(at, YOUNG)) {
        return Ok(None);
    }
    let found = warnings::of(reader, namespace, &pod.uid().unwrap_or_default()).await?;
    let warning = starts::newest(found);
    Ok(warning.map(|w| WaitingWorker { pod: pod.name_any(), reason: w.reason, message: w.message }))
}

/// What the API server says to one more of them, if it refuses it. One that a quota refuses is never made and has no
/// Events: its words stand in the answer to who asked for it, so the same is asked as a dry run.
async fn one_more(around: &Around<'_>, work: &Work, seen: &Observed) -> Option<String> {
    let Around { job, attempt, reader, .. } = *around;
    let grown = parse::grown(job, attempt);
    let work = grown.as_ref().unwrap_or(work);
    let run = job.status.as_ref().and_then(|s| s.run_number).unwrap_or(1);
    let context = BuildContext { job, work, seen, attempt, run };
    let mut pod = engines::of_work(work).worker(&context)?;
    pod.metadata.name = Some(format!("{}-one-more", attempt.name));
    let failure = reader.would_create(&Child::of(job, &pod)).await.err()?;
    let judged = matches!(failure.class, Class::Forbidden | Class::Invalid) && !failure.is_conflict();
    let dry = failure.message.contains("does not support dry run");
    (judged && !dry).then(|| cut(&failure.message, MAX_WORDS).to_owned())
}
