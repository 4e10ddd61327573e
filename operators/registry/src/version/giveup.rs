//! A ModelVersion that is deleted. What is registered stays: people and servers refer to it. But what was given up before
//! it was known to be registered must not take effect later: the object stays until that is known, and takes it back.

use jiff::Timestamp;
use millrace_crds::{ModelVersion, ModelVersionStatus, Reason};
use millrace_kit::{Decision, Seen, Standing, Wait};

use super::{
    effect::{Call, WITHDRAW, Withdrawal},
    pass::{STALL_AFTER, VersionDecision, call, stand, waits},
    seen::Observed,
};
use crate::mlflow::{Version, view};

/// Whether a registration may be on its way of which nobody knows yet how it ended.
pub(super) fn undecided(status: &ModelVersionStatus) -> bool {
    status.creating.is_some() && status.version.is_none()
}

pub(super) fn decide(version: &ModelVersion, seen: &Seen<Observed>, now: Timestamp) -> VersionDecision {
    let status = version.status.clone().unwrap_or_default();
    // With its registry goes whatever was registered there.
    if !undecided(&status) || seen.data.registry.is_none() {
        return Decision::of(status);
    }
    if let Some(found) = &seen.data.version {
        return withdraw(status, seen, found, now);
    }
    let on_its_way = seen.data.on_its_way.filter(|until| now < *until);
    if seen.data.asked && on_its_way.is_none() {
        return Decision::of(status);
    }
    let why = seen.data.error.as_ref().map_or_else(|| "it may be on its way".to_owned(), ToString::to_string);
    let message = format!("deleted, and not known whether it was registered: {why}; look for it in MLflow");
    let since = version.metadata.deletion_timestamp.as_ref().map_or(now, |t| t.0);
    let wait = Wait::new(Reason::GivenUp, message, since, STALL_AFTER);
    // A namespace must not hang on a server that never comes back.
    waits(status, &wait, now).hold(!wait.over(now)).wake_after(now, view::RETRY)
}

fn withdraw(status: ModelVersionStatus, seen: &Seen<Observed>, found: &Version, now: Timestamp) -> VersionDecision {
    let ours = |alias: &str| seen.data.aliases.get(alias).is_some_and(|h| h.version == found.version);
    let taken = status.taking_aliases.iter().filter(|t| ours(&t.alias));
    let aliases = taken.filter_map(|t| Some((t.alias.clone(), t.from?))).collect();
    let standing = match seen.failures.of(WITHDRAW) {
        Some(last) => Standing::failed(&last.failure),
        None => {
            let message = format!(
                "deleted before its registration was known: version {} of {} is being removed",
                found.version, found.model
            );
            Standing::progressing(Reason::GivenUp, message)
        }
    };
    let withdrawal = Withdrawal { model: found.model.clone(), version: found.version, aliases };
    let action = call(&seen.data, Call::Withdraw(withdrawal));
    stand(status, &standing, now).hold(true).act(action).wake_after(now, view::RETRY)
}
