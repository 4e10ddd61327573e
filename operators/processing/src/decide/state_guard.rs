//! What speaks for the state of a job as long as it may be gone on from: also between two attempts, and while suspended.
//!
//! An attempt's own grant ends with it, and with that grant the word against expiry rules.

use millrace_crds::processing_job::Attempt;
use millrace_kit::{Action, Child, Effect};

use crate::{
    job::{attempt, restore_point::EMPTY},
    objects::grant,
    pass::Pass,
    seen::ChildView,
};

/// The grant that shall be there: its name, and how it is made.
pub(crate) fn wanted(pass: &Pass<'_>) -> Option<(String, Child)> {
    let begun = pass.status.attempt.is_some() && pass.job.metadata.deletion_timestamp.is_none();
    let next = pass.status.state.as_ref().and_then(|state| state.next_restore.as_deref());
    let needed = !attempt::ended(&pass.status) || next.is_some_and(|next| next != EMPTY);
    grant::keeper(pass.job, pass.model.work.as_ref().ok().filter(|_| begun && needed)?)
}

/// Its creation, and those of other places that nothing is gone on from any more.
pub(crate) fn keep<E: Effect>(pass: &Pass<'_>, live: Option<&Attempt>) -> (Option<Action<E>>, Vec<ChildView>) {
    let all = &pass.seen.data.keepers;
    // A spec that cannot be read says nothing of what is kept.
    if pass.model.work.is_err() {
        return (None, Vec::new());
    }
    let Some((name, child)) = wanted(pass) else { return (None, all.clone()) };
    let there = all.iter().any(|keeper| keeper.name == name);
    // Until the new place is worked on, the old one is what the job goes on from.
    let moved = live.is_some_and(|a| a.started_at.is_some() && a.spec_hash.as_ref() == Some(&pass.model.hash));
    let others = all.iter().filter(|keeper| there && moved && keeper.name != name);
    ((!there).then(|| Action::Create(child)), others.cloned().collect())
}
