//! Whether a running attempt may make room for a new spec, and what is told while it may not.

use std::time::Duration;

use millrace_crds::{Reason, processing_job::Attempt};
use millrace_kit::{Action, Standing, later};

use crate::{
    diagnosis,
    engine::EngineCall,
    engines,
    job::{attempt, name},
    model::Work,
    objects,
    pass::{Pass, SLOW},
    preflight,
    seen::{Answer, Preflight},
};

/// When a refusal is asked about again: whoever helps, helps outside the job.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Whether nothing speaks against stopping the attempt. If something does it goes on, and the status says why.
pub(crate) fn clear(pass: &mut Pass<'_>, attempt: &Attempt) -> bool {
    let Some(work) = preflight::due(attempt, pass.model, pass.seen.data.workload.as_ref()) else { return true };
    let seen = pass.seen.data.preflight.clone().unwrap_or_default();
    let Some(standing) = held(pass, work, (attempt, &seen)) else { return true };
    pass.held = Some(standing);
    false
}

fn held(pass: &mut Pass<'_>, work: &Work, now: (&Attempt, &Preflight)) -> Option<Standing> {
    let (attempt, seen) = now;
    let goes_on = format!("attempt {} of the previous spec keeps running", attempt.number);
    let refused =
        |why: &str| Standing::stalled(Reason::PreflightFailed, format!("the new spec cannot start, {goes_on}: {why}"));
    let waits = |why: &str| Standing::progressing(Reason::Preflight, format!("{why}; {goes_on}"));
    match &seen.answer {
        Some(Answer::Admitted) => return None,
        Some(Answer::Refused(told)) => {
            pass.wake_at(later(pass.now, RETRY_AFTER));
            return Some(refused(told));
        }
        Some(Answer::Unanswered(told)) => {
            pass.wake_at(later(pass.now, SLOW));
            return Some(waits(&format!("the API server does not answer for the new pod: {told}")));
        }
        None if work.access.is_empty() => {
            pass.wake_at(later(pass.now, SLOW));
            return Some(waits("the new pod is about to be checked"));
        }
        None => {}
    }
    let name = name::grant(&name::preflight(pass.job, &pass.model.hash));
    let since = seen.since.unwrap_or(pass.now);
    let until = later(since, pass.model.policy.start);
    let trouble = seen.grant.as_ref().and_then(|grant| diagnosis::starts::grant(&name, grant)).map(|o| o.trouble);
    let told = trouble.map_or_else(|| format!("the new spec waits for DataGrant {name}"), |t| t.message);
    let never = seen.grant.as_ref().is_some_and(|g| g.stalled) || pass.now >= until;
    if pass.now < until {
        pass.wake_at(until);
    }
    Some(if never { refused(&told) } else { waits(&told) })
}

/// The grant of the new spec while it is tried: its name, and its creation if it is not there.
pub(crate) fn wanted(pass: &Pass<'_>) -> Option<(String, Option<Action<EngineCall>>)> {
    let attempt = attempt::live(&pass.status)?;
    let work =
        preflight::due(attempt, pass.model, pass.seen.data.workload.as_ref()).filter(|w| !w.access.is_empty())?;
    let base = name::preflight(pass.job, &pass.model.hash);
    let there = pass.seen.data.preflight.as_ref().is_some_and(|seen| seen.grant.is_some());
    let from = || engines::of_work(work).starts_from(pass);
    let grant = || Action::Create(objects::grant::build(pass.job, work, (&base, attempt.number), from()));
    Some((name::grant(&base), (!there).then(grant)))
}
