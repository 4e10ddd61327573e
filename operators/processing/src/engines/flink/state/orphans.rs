//! What Flink leaves behind that nobody owns: the ConfigMaps of high availability.
//!
//! A JobManager that is on its way out makes them anew, so they go after its pod; and they are looked for once more.

use k8s_openapi::api::core::v1::ConfigMap;
use millrace_kit::{Action, Effect, Key, Kind, Target, later};

use crate::{
    job::attempt,
    pass::{GIVE_UP, POLL_FAST, Pass},
    seen::ChildView,
};

/// Deletes what may go, and forgets what is proved to be gone.
pub(crate) fn clean<E: Effect>(pass: &mut Pass<'_>) -> Vec<Action<E>> {
    let mut all = Vec::new();
    for left in pass.seen.data.leftovers.clone() {
        if left.alive && !given_up(pass, &left.base) {
            continue;
        }
        if left.maps.is_empty() {
            attempt::state_mut(&mut pass.status).leftovers.retain(|base| *base != left.base);
        }
        let namespace = pass.job.metadata.namespace.as_deref().unwrap_or_default();
        let map = |map: &ChildView| Target::named(Kind::of::<ConfigMap>(), Key::new(namespace, &map.name), &map.uid);
        all.extend(left.maps.iter().map(|left| Action::Delete(map(left))));
    }
    if pass.status.state.as_ref().is_some_and(|s| !s.leftovers.is_empty()) {
        pass.wake_at(later(pass.now, POLL_FAST));
    }
    all
}

/// A pod that its node does not confirm to be gone holds nothing up for ever: without its lease its JobManager stops.
fn given_up(pass: &Pass<'_>, base: &str) -> bool {
    let ended = pass.status.last_attempts.iter().find(|r| r.name == base).and_then(|r| r.finished_at.as_ref());
    ended.is_none_or(|at| pass.now >= later(later(at.0, pass.model.policy.stop * 2), GIVE_UP))
}
