//! What a JobManager and its pod prove of a Flink job. REST comes first: it tells finished from failed; a pod that is over
//! tells why where nobody can be asked any more.

use millrace_crds::{
    Reason,
    engines::FlinkMode,
    processing_job::{AttemptResult, FailureClass},
};

use crate::{
    diagnosis,
    engines::flink::rest::{FlinkView, JobView},
    job::{
        outcome::{Obstacle, Outcome},
        results::Results,
    },
    seen::{ContainerView, Observed, WorkloadView},
};

/// Words by which Flink says that it cannot start from the given point.
const NOT_RESTORED: [&str; 6] = [
    "Cannot find checkpoint or savepoint",
    "Cannot map checkpoint/savepoint state",
    "Failed to rollback to checkpoint/savepoint",
    "StateMigrationException",
    "must not be incompatible",
    "Could not restore",
];
/// Words by which Flink says that the application cannot work as written.
const MISTAKEN: [&str; 4] = [
    "ClassNotFoundException",
    "NoClassDefFoundError",
    "ProgramInvocationException: The program's entry point",
    "contains no execute() calls",
];

/// How the job ended, if it did.
pub(crate) fn outcome(pod: &WorkloadView, seen: &Observed) -> Option<Outcome> {
    let told = told(seen.flink.as_ref());
    told.map(|end| Outcome { started: diagnosis::started(pod).flatten(), ..end }).or_else(|| ended(pod))
}

/// How the job ended, as REST says.
pub(crate) fn told(view: Option<&FlinkView>) -> Option<Outcome> {
    let view = view?;
    let job = view.job.as_ref().filter(|job| job.over())?;
    Some(match job.state.as_str() {
        "FINISHED" => Outcome { message: "the Flink job finished".into(), ..Outcome::default() },
        "CANCELED" => Outcome::failed(
            FailureClass::Cancelled,
            "someone cancelled the Flink job; to stop it, set spec.suspend".to_owned(),
        ),
        _ => judge(view.exception.as_deref().unwrap_or("Flink gives no cause")),
    })
}

/// A failure of the application, by its root cause.
fn judge(cause: &str) -> Outcome {
    if NOT_RESTORED.iter().any(|words| cause.contains(words)) {
        let advice = "keep the uids of operators, set flink.state.allowNonRestored, or another flink.state.restoreFrom";
        return Outcome::failed(
            FailureClass::Configuration,
            format!("cannot start from its restore point: {cause}; {advice}"),
        );
    }
    if cause.contains("OutOfMemoryError") {
        return Outcome { workers: true, ..Outcome::failed(FailureClass::OutOfMemory, cause) };
    }
    if MISTAKEN.iter().any(|words| cause.contains(words)) {
        return Outcome::failed(
            FailureClass::Configuration,
            format!("check flink.main, flink.class and flink.sql: {cause}"),
        );
    }
    Outcome::failed(FailureClass::Application, cause.to_owned())
}

/// What the pod says; its termination log holds errors, never results.
fn ended(pod: &WorkloadView) -> Option<Outcome> {
    let mut outcome = diagnosis::outcome(&without_words(pod))?;
    let words = match &pod.container {
        ContainerView::Ended { code, message, .. } if *code != 0 => message.trim(),
        _ => "",
    };
    outcome.results = Results::default();
    if outcome.class == Some(FailureClass::Application) {
        let code = outcome.exit_code.map(|code| format!("exit code {code}")).unwrap_or_default();
        let judged = judge(if words.is_empty() { "the JobManager gives no cause" } else { words });
        let message = format!("{code}: {}", judged.message);
        // What the JobManager's own pod says is of the JobManager's memory.
        return Some(Outcome { class: judged.class, message, ..outcome });
    }
    if !words.is_empty() && outcome.result == AttemptResult::Failed {
        outcome.message = format!("{} {words}", outcome.message);
    }
    Some(outcome)
}

fn without_words(pod: &WorkloadView) -> WorkloadView {
    let mut pod = pod.clone();
    if let ContainerView::Ended { message, .. } = &mut pod.container {
        message.clear();
    }
    pod
}

/// Whether the job does its work: all tasks of a stream, any of a batch.
pub(crate) fn runs(job: &JobView, mode: FlinkMode) -> bool {
    let busy = job.running + job.finished;
    job.state == "RUNNING" && busy > 0 && (busy >= job.tasks || job.finished > 0 || mode == FlinkMode::Batch)
}

/// What a JobManager that runs waits for before its job does.
pub(crate) fn waits(pod: &WorkloadView, view: Option<&FlinkView>) -> Option<Obstacle> {
    let ContainerView::Running { .. } = pod.container else { return None };
    let infrastructure = FailureClass::Infrastructure;
    let view = view?;
    if let Some(away) = &view.away {
        let told = format!("Pod {} runs, and Flink does not answer in it: {}", pod.name, away.why);
        return Some(Obstacle::new(infrastructure, Reason::FlinkUnreachable, told).restless());
    }
    let Some(job) = &view.job else {
        let told = format!("Flink in Pod {} has no job yet", pod.name);
        return Some(Obstacle::new(infrastructure, Reason::WaitingForJob, told).restless());
    };
    if let Some(cause) = &view.exception {
        let told = format!("the Flink job is {}: {cause}", job.state);
        return Some(Obstacle::new(judge(cause).class.unwrap_or_default(), Reason::FlinkJobFails, told).restless());
    }
    let told = format!(
        "{} of {} tasks run; the others wait for TaskManagers: is there room and quota for their pods?",
        job.running, job.tasks
    );
    Some(Obstacle::new(FailureClass::Capacity, Reason::WaitingForTaskManagers, told).restless())
}
