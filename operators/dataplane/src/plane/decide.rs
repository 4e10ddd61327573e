//! A DataPlane is Ready when everything it declares answers.

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::{DataPlane, DataPlaneStatus};
use millrace_kit::{Decision, NoEffect, Standing, conditions};

use super::{
    observe::{KafkaSeen, Observed, StoreSeen},
    status,
};
use crate::kafka::Health;

/// How often the store is asked; Kafka's view wakes us by itself. Passes cost no API write.
const AGAIN: Duration = Duration::from_secs(5);

pub(super) fn decide(object: &DataPlane, seen: &Observed, now: Timestamp) -> Decision<DataPlaneStatus, NoEffect> {
    let mut new = object.status.clone().unwrap_or_default();
    let findings = super::check(&object.spec);
    if !findings.is_empty() {
        conditions::stand(&mut new, &Standing::stalled("InvalidSpec", findings.join("; ")), now);
        return Decision::of(new);
    }
    let known = object.metadata.generation == Some(new.observed_generation);
    status::kafka(&mut new, (&seen.kafka, known), now);
    status::store(&mut new, &seen.store, now);
    let down = [status::KAFKA, status::STORE]
        .into_iter()
        .filter_map(|kind| conditions::get(&new, kind))
        .find(|c| c.status != "True")
        .map(|c| (c.reason.clone(), c.message.clone()));
    let standing = match down {
        Some((reason, message)) => Standing::progressing(reason, message),
        None => Standing::ready("Reachable", "everything declared answers"),
    };
    conditions::stand(&mut new, &standing, now);
    let waits = matches!(seen.kafka, KafkaSeen::Some(Health::Connecting)) || seen.store != StoreSeen::None;
    let decision = Decision::of(new);
    if waits { decision.wake_after(now, AGAIN) } else { decision }
}
