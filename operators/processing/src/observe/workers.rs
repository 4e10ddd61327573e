//! The pods that an application asks for itself, counted by a narrow list while it may lack some. They are not watched: a
//! cache of all executors would grow with the size of users' jobs. Of the answer only numbers and one trouble are kept.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use millrace_crds::{processing_job::Attempt, well_known::LABEL_ROLE};
use millrace_kit::{Child, Class, Failure, Query, causes, conditions::cut, later, warnings};

use super::{around::Around, starts};
use crate::{
    build::BuildContext,
    engine,
    looks::{CALM, TELL},
    model::{Model, Work},
    seen::{ContainerView, Observed, WaitingWorker, WorkersView},
};

/// Most pods of one list; a job with more of them is large enough to be told by its first ones.
const MOST: u32 = 500;
/// A pod is asked about no sooner.
const YOUNG: Duration = Duration::from_secs(30);
/// A process that looks later than this for the first time does not know whether there were any before.
const FROM_THE_START: Duration = Duration::from_secs(120);
/// Longest words that are kept, in bytes.
const MAX_WORDS: usize = 1_024;

/// Looks at the workers, if a look is due; between looks the last one counts.
pub(super) async fn observe(around: &Around<'_>, seen: &mut Observed) {
    let Around { recent, attempt, reader, .. } = *around;
    let now = reader.now();
    let Some(since) = asks_since(attempt, seen, now) else { return recent.workers.forget(&attempt.name) };
    if enough(seen) {
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
    let pod = seen.pod.as_ref().filter(|pod| pod.deleted.is_none() && attempt.stop_reason.is_none())?;
    let ContainerView::Running { since } = pod.container else { return None };
    let asks = attempt.flink.is_some() || attempt.pod.as_ref().is_some_and(|name| name.ends_with("-driver"));
    asks.then(|| since.or_else(|| attempt.started_at.as_ref().map(|t| t.0)).unwrap_or(now))
}

/// Whether Flink itself says that none is missing.
fn enough(seen: &Observed) -> bool {
    let job = seen.flink.as_ref().and_then(|view| view.job.as_ref());
    job.is_some_and(|job| job.state == "RUNNING" && job.tasks > 0 && job.running + job.finished >= job.tasks)
}

async fn look(around: &Around<'_>, seen: &Observed, since: Timestamp) -> Result<Option<WorkersView>, Failure> {
    let Around { job, attempt, reader, namespace, .. } = *around;
    let model = Model::of(job);
    let Ok(work) = &model.work else { return Ok(None) };
    let Some(workers) = work.engine.section().workers() else { return Ok(None) };
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
    view.waiting = match pods.iter().find_map(says) {
        None => asked(around, &pods).await?,
        told => told,
    };
    if there < workers.wanted && reader.now() >= later(since, TELL) {
        view.refused = one_more(around, work, seen).await;
    }
    Ok(Some(view))
}

/// What a pod's own status says of its start.
fn says(pod: &Pod) -> Option<WaitingWorker> {
    let status = pod.status.clone().unwrap_or_default();
    let unscheduled = status.conditions.iter().flatten().find(|c| c.type_ == "PodScheduled" && c.status == "False");
    let unscheduled = unscheduled.map(|c| (c.reason.clone(), c.message.clone()));
    let waiting = status.container_statuses.iter().flatten().filter_map(|c| c.state.as_ref()?.waiting.as_ref());
    let mut words = unscheduled.into_iter().chain(waiting.map(|w| (w.reason.clone(), w.message.clone())));
    words.find_map(|(reason, message)| {
        let (reason, message) = (reason.unwrap_or_default(), message.unwrap_or_default());
        causes::of(&reason, &message)?;
        Some(WaitingWorker { pod: pod.name_any(), reason, message: cut(&message, MAX_WORDS).to_owned() })
    })
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
    let memory = (attempt.memory.as_ref(), attempt.worker_memory.as_ref());
    let grown = memory.0.or(memory.1).and_then(|_| Model::grown(job, memory));
    let work = grown.as_ref().unwrap_or(work);
    let run = job.status.as_ref().and_then(|s| s.run_number).unwrap_or(1);
    let context = BuildContext {
        job,
        work,
        seen,
        base: &attempt.name,
        numbers: (run, attempt.number),
        flink: attempt.flink.as_ref(),
    };
    let mut pod = engine::of(work).worker(&context)?;
    pod.metadata.name = Some(format!("{}-one-more", attempt.name));
    let failure = reader.would_create(&Child::of(job, &pod)).await.err()?;
    let judged = matches!(failure.class, Class::Denied | Class::Invalid) && !failure.is_conflict();
    let dry = failure.message.contains("does not support dry run");
    (judged && !dry).then(|| cut(&failure.message, MAX_WORDS).to_owned())
}
