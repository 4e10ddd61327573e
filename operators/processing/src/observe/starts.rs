//! A start that is slow: its pod's Events, asked for once a look and never watched.

use std::time::Duration;

use millrace_crds::ProcessingJob;
use millrace_kit::{Warning, causes, conditions::cut, later, warnings};

use super::around::Around;
use crate::{
    diagnosis, engines,
    looks::START,
    model::START_DEADLINE,
    seen::{Observed, WorkloadView},
};

/// Most warnings kept of one pod, and most bytes of each.
const KEPT: (usize, usize) = (4, 1_024);

/// Looks at an attempt that does not run yet, if a look is due; between looks the last one counts.
pub(super) async fn observe(around: &Around<'_>, seen: &mut Observed) {
    let Around { recent, job, attempt, reader, namespace, .. } = *around;
    let starts = attempt.started_at.is_none() && attempt.stop_reason.is_none();
    // What runs and tells of its health has words as a start has.
    if !starts && (!engines::of(attempt).has_health() || attempt.stop_reason.is_some()) {
        return recent.starts.forget(&attempt.name);
    }
    let now = reader.now();
    let since = attempt.created_at.as_ref().map_or(now, |t| t.0);
    let last = recent.starts.last(&attempt.name);
    let at = last.as_ref().map(|(at, _)| *at);
    // The verdict is not spoken without a last look.
    let until = later(since, deadline(job));
    let due = START.due(since, now, at) || now >= until && at.is_none_or(|at| at < until);
    let mut all = seen.workload.iter_mut().chain(&mut seen.ranks);
    let silent = all.find(|pod| waits(pod) && diagnosis::starts::is_silent(pod));
    let Some(pod) = silent else {
        if due {
            recent.starts.note(&attempt.name, now, Default::default());
        }
        seen.look = due;
        return;
    };
    let known = last.map(|(_, found)| found).filter(|(uid, _)| *uid == pod.uid).map(|(_, warnings)| warnings);
    pod.warnings = known.unwrap_or_default();
    if due {
        // Without an answer the last one counts.
        if let Ok(found) = warnings::of(reader, namespace, &pod.uid).await {
            pod.warnings = found.into_iter().filter(tells).take(KEPT.0).map(short).collect();
        }
        recent.starts.note(&attempt.name, now, (pod.uid.clone(), pod.warnings.clone()));
    }
    seen.look = due;
}

fn waits(pod: &WorkloadView) -> bool {
    pod.deleted.is_none() && !pod.over() && diagnosis::started(pod).is_none()
}

fn tells(warning: &Warning) -> bool {
    causes::of(&warning.reason, &warning.message).is_some()
}

fn short(warning: Warning) -> Warning {
    Warning { message: cut(&warning.message, KEPT.1).to_owned(), ..warning }
}

/// The same as the model's, without reading all of the spec.
fn deadline(job: &ProcessingJob) -> Duration {
    let given = job.spec.job.deadlines.as_ref().and_then(|d| d.start.as_ref()).and_then(|d| d.seconds());
    given.map_or(START_DEADLINE, Duration::from_secs)
}

/// What the newest of these warnings says that is more than a repetition, in few bytes.
pub(super) fn newest(found: Vec<Warning>) -> Option<Warning> {
    let told = |w: &Warning| causes::of(&w.reason, &w.message);
    let first = found.iter().find(|w| told(w).is_some_and(|cause| !cause.echo));
    first.or_else(|| found.iter().find(|w| tells(w))).cloned().map(short)
}
