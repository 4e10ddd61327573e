//! How the object stands towards its spec, as three conditions.

use jiff::Timestamp;
use millrace_crds::{
    ProcessingJobStatus, Reason, ReasonText, conditions::Condition, job::ReadyWhen, processing_job::JobPhase,
};
use millrace_kit::{Standing, conditions};

use crate::{job::outcome::Trouble, model::Model, pass::WORKERS_READY};

/// Writes Ready, Reconciling and Stalled from the phase: with what holds up a start, and what keeps anything from
/// starting.
pub(crate) fn stand(
    status: &mut ProcessingJobStatus,
    model: &Model,
    around: (Option<Trouble>, Option<Trouble>, Timestamp),
) {
    let (trouble, stuck, now) = around;
    let degraded = conditions::get(status, "Degraded").map(given);
    let standing = match (&model.work, stuck, degraded) {
        (Err(findings), ..) => Standing::stalled(Reason::InvalidSpec, findings.clone()),
        (_, Some(stuck), _) => Standing::stalled(stuck.reason, stuck.message),
        (_, _, Some((reason, message))) => Standing::stalled(reason, message),
        (Ok(_), None, None) => standing(status, model, trouble),
    };
    conditions::stand(status, &standing, now);
}

fn standing(status: &ProcessingJobStatus, model: &Model, trouble: Option<Trouble>) -> Standing {
    let phase = status.phase.unwrap_or_default();
    let number = status.attempt.as_ref().map_or(0, |a| a.number);
    let pod = status.attempt.as_ref().and_then(|a| a.pod.clone()).unwrap_or_default();
    let submitted = status.submitted == Some(true);
    let end = conditions::get(status, "Succeeded").map(given).unwrap_or_default();
    let patient = model.policy.ready_when == ReadyWhen::Submitted && submitted;
    let lacking = conditions::get(status, WORKERS_READY).filter(|c| c.status == "False");
    let lacking = lacking.map(given);
    let on_the_way = |reason: ReasonText, message: String| {
        if patient { Standing::ready(reason, message) } else { Standing::progressing(reason, message) }
    };
    match phase {
        JobPhase::Suspended => Standing::ready(Reason::Suspended, "spec.suspend is true; nothing runs"),
        JobPhase::Succeeded => Standing::ready(Reason::Succeeded, end.1),
        JobPhase::Failed if patient => Standing::ready(Reason::Submitted, format!("submitted, and failed: {}", end.1)),
        JobPhase::Failed => Standing::stalled(end.0, end.1),
        JobPhase::Running if model.policy.ready_when == ReadyWhen::Healthy => {
            if let Some(ill) = conditions::get(status, "Healthy").filter(|c| c.status != "True") {
                return Standing::progressing(ReasonText::as_given(&ill.reason), &ill.message);
            }
            Standing::ready(Reason::Running, format!("attempt {number} runs in Pod {pod}"))
        }
        JobPhase::Running if lacking.is_some() => {
            let (reason, message) = lacking.unwrap_or_default();
            on_the_way(reason, format!("attempt {number} runs in Pod {pod}, and {message}"))
        }
        JobPhase::Running => on_the_way(Reason::Running.into(), format!("attempt {number} runs in Pod {pod}")),
        JobPhase::Stopping => on_the_way(Reason::Stopping.into(), stopping(status, (number, &pod))),
        JobPhase::Retrying => {
            let last = status.last_attempts.first();
            let why = last.and_then(|r| r.message.clone()).unwrap_or_default();
            let failed = last.map_or(number, |r| r.number);
            on_the_way(
                Reason::Retrying.into(),
                format!("attempt {failed} failed and is retried at status.nextAttemptAt: {why}"),
            )
        }
        JobPhase::Pending | JobPhase::Starting | JobPhase::Unknown => match trouble {
            Some(trouble) => on_the_way(trouble.reason, trouble.message),
            None => on_the_way(Reason::Starting.into(), starting(status, (number, &pod))),
        },
    }
}

/// What a condition says already.
fn given(condition: &Condition) -> (ReasonText, String) {
    (ReasonText::as_given(&condition.reason), condition.message.clone())
}

fn stopping(status: &ProcessingJobStatus, attempt: (i64, &str)) -> String {
    let (number, pod) = attempt;
    match status.attempt.as_ref().and_then(|a| a.verdict.as_ref()) {
        Some(verdict) => {
            format!("attempt {number} failed and its remaining pods are being stopped: {}", verdict.message)
        }
        None => format!("stopping Pod {pod} of attempt {number}"),
    }
}

fn starting(status: &ProcessingJobStatus, attempt: (i64, &str)) -> String {
    let (number, pod) = attempt;
    match status.attempt.as_ref().and_then(|a| a.grant.as_ref()) {
        Some(grant) => format!("attempt {number}: DataGrant {grant}, then Pod {pod}; within deadlines.start"),
        None => format!("attempt {number}: Pod {pod}; within deadlines.start"),
    }
}
