//! What an attempt starts from: a choice that is stored before anything of the attempt exists.
//!
//! An empty start where state was expected is impossible: it is asked for, or there never was any state.

use millrace_crds::{
    Reason,
    engines::Upgrade,
    processing_job::{FlinkAttempt, PointKind},
};

use super::{spec, state_spec};
use crate::{
    engines::flink::{
        name,
        spec::{RestoreFrom, State},
    },
    job::{
        attempt as attempts,
        outcome::Trouble,
        restore_point::{EMPTY, UNKNOWN},
    },
    pass::Pass,
};

/// The Flink part of the attempt of this name, or why it cannot begin. `None` if the job is not one of Flink.
pub(crate) fn begin(pass: &mut Pass<'_>, uid: &str, attempt: &str) -> Option<Result<FlinkAttempt, Trouble>> {
    let own = spec(pass)?;
    let job_id = name::job_id(uid, attempt);
    let parallelism = own.in_place.then_some(own.parallelism);
    let Some(state) = &own.state else {
        return Some(Ok(FlinkAttempt { job_id, parallelism, ..FlinkAttempt::default() }));
    };
    let changed = pass.status.spec_hash.as_ref() != Some(&pass.model.hash);
    let from = match choose(pass, state, changed) {
        Ok(from) => from,
        Err(trouble) => return Some(Err(trouble)),
    };
    let (hash, stored) = (&pass.model.hash, attempts::state_mut(&mut pass.status));
    // An attempt that may have to be taken back must leave what it was started from as it is.
    let proven = state.rollback_after.is_none() || stored.healthy_hash.as_ref() == Some(hash);
    let checkpoint = stored.restore_points.iter().any(|p| p.path == from && p.kind == PointKind::Checkpoint);
    if changed {
        stored.upgraded_from = Some(from.clone());
    }
    stored.next_restore = Some(from.clone());
    stored.handled_restore_from = match &state.restore_from {
        RestoreFrom::Latest => None,
        RestoreFrom::Empty => Some(EMPTY.to_owned()),
        RestoreFrom::Path(path) => Some(path.clone()),
    };
    Some(Ok(FlinkAttempt {
        job_id,
        parallelism,
        restored_from: Some(from),
        claims: Some(checkpoint && proven),
        place: Some(format!("bucket/{}/{}", state.bucket, state.prefix)),
        ..FlinkAttempt::default()
    }))
}

/// The path that is asked for and was not restored from yet.
pub(crate) fn wish<'a>(pass: &Pass<'a>) -> Option<&'a str> {
    let RestoreFrom::Path(path) = &state_spec(pass)?.restore_from else { return None };
    let handled = pass.status.state.as_ref().and_then(|stored| stored.handled_restore_from.as_ref());
    (handled != Some(path)).then_some(path.as_str())
}

fn choose(pass: &Pass<'_>, state: &State, changed: bool) -> Result<String, Trouble> {
    let stored = pass.status.state.clone().unwrap_or_default();
    let wish = match &state.restore_from {
        RestoreFrom::Latest => None,
        RestoreFrom::Empty => Some(EMPTY),
        RestoreFrom::Path(path) => Some(path.as_str()),
    };
    if let Some(wish) = wish.filter(|wish| stored.handled_restore_from.as_deref() != Some(*wish)) {
        return Ok(wish.to_owned());
    }
    let back = stored.rejected_hash.is_some();
    if changed && !back && state.upgrade == Upgrade::Stateless && stored.next_restore.is_some() {
        return Ok(EMPTY.to_owned());
    }
    match stored.next_restore {
        None => Ok(EMPTY.to_owned()),
        Some(known) if known != UNKNOWN => Ok(known),
        Some(_) => Err(Trouble {
            reason: Reason::RestorePointUnknown.into(),
            message: format!(
                "attempt {} kept state below {}{} and its newest checkpoint is not known; set flink.state.restoreFrom to a path there, or to Empty",
                pass.status.last_attempts.first().map_or(0, |r| r.number),
                state.bucket,
                format_args!("/{}", state.prefix)
            ),
        }),
    }
}
