//! `when`: a step whose condition is false is skipped.

use millrace_crds::Reason;

use super::answer::Before;
use crate::{
    spec::{scope::Scope, step::Step},
    verbs::child_state::Cause,
};

pub(super) fn before(step: &Step, scope: &Scope) -> Before {
    let Some(when) = &step.when else { return Before::Start };
    match when.holds(scope) {
        Ok(true) => Before::Start,
        Ok(false) => Before::Skip(Cause::new(Reason::WhenFalse, format!("{} is false", when.told(scope)))),
        Err(problem) => Before::Fail(Cause::new(Reason::ConditionInvalid, problem)),
    }
}
