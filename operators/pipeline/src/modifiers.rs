//! What stands around any verb of a step, one modifier a file. A modifier is a field of the step beside its verb, never a
//! nested step.

mod answer;
mod when;

use crate::spec::{scope::Scope, step::Step};

pub(crate) use answer::Before;

/// All modifiers that have a say before a step starts, in the order in which they are asked.
const BEFORE: [fn(&Step, &Scope) -> Before; 1] = [when::before];

/// Whether a step starts; the first modifier that says otherwise decides.
pub(crate) fn before(step: &Step, scope: &Scope) -> Before {
    let answers = BEFORE.iter().map(|modifier| modifier(step, scope));
    answers.into_iter().find(|answer| *answer != Before::Start).unwrap_or(Before::Start)
}
