//! A DataPlane is Ready when everything it declares answers.

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::{DataPlane, DataPlaneStatus, Reason, ReasonText};
use millrace_kit::{Action, Decision, Effect as _, Seen, Standing, conditions};

use super::{
    observe::{KafkaSeen, Observed, StoreSeen},
    status,
};
use crate::{
    issuer::{IssuerSeen, Try},
    kafka::Health,
    waits,
};

/// How often the store is asked; Kafka's view wakes us by itself. Passes cost no API write.
const POLL_PENDING: Duration = Duration::from_secs(5);

pub(super) fn decide(object: &DataPlane, seen: &Seen<Observed>, now: Timestamp) -> Decision<DataPlaneStatus, Try> {
    let (failures, seen) = (&seen.failures, &seen.data);
    let mut new = object.status.clone().unwrap_or_default();
    let findings = super::check(&object.spec);
    if !findings.is_empty() {
        conditions::stand(&mut new, &Standing::stalled(Reason::InvalidSpec, findings.join("; ")), now);
        return Decision::of(new);
    }
    let known = object.metadata.generation == Some(new.observed_generation);
    status::kafka(&mut new, (&seen.kafka, known), now);
    status::store(&mut new, &seen.store, now);
    let born = object.metadata.creation_timestamp.as_ref().map_or(now, |t| t.0);
    let due = match &seen.issuer {
        IssuerSeen::Due(intent) | IssuerSeen::Forgot { next: intent, .. } => Some(intent.clone()),
        IssuerSeen::None | IssuerSeen::Unknown | IssuerSeen::Knows(_) => None,
    };
    let failed = due.as_ref().and_then(|intent| failures.of(&intent.id()));
    status::issuer(&mut new, (&seen.issuer, failed, born), now);
    let down = [status::KAFKA, status::STORE]
        .into_iter()
        .filter_map(|kind| conditions::get(&new, kind))
        .find(|c| c.status != "True")
        .map(|c| (ReasonText::as_given(&c.reason), c.message.clone()));
    let standing = match down {
        Some((reason, message)) => Standing::progressing(reason, message),
        None => Standing::ready(Reason::Reachable, "everything that is declared answers"),
    };
    let deadline = waits::stand(&mut new, &standing, waits::LIMIT, now);
    let waits = matches!(seen.kafka, KafkaSeen::Some(Health::Connecting)) || seen.store != StoreSeen::None;
    // Before anything is known the one write comes after the first try.
    let first = object.status.as_ref().is_none_or(|s| conditions::get(s, "Ready").is_none());
    let quiet = first && due.is_some() && failed.is_none();
    let decision = Decision::of(if quiet { object.status.clone().unwrap_or_default() } else { new });
    let decision = due.into_iter().fold(decision, |d, intent| d.act(Action::Effect(intent)));
    let decision = deadline.into_iter().fold(decision, Decision::wake_at);
    if waits { decision.wake_after(now, POLL_PENDING) } else { decision }
}
