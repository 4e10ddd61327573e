//! What steps can do, one verb a file.
//!
//! A new verb is a field of [`StepSpec`] with its name in [`VERBS`], a file here, and a line in [`ALL`].

pub mod child_state;
pub mod job;
pub mod register;
pub mod verb;

use millrace_crds::step::{StepSpec, VERBS};

pub use verb::Verb;

/// All verbs.
pub const ALL: [&dyn Verb; 2] = [&job::Job, &register::Register];

/// The verbs a step gives; a sound one gives exactly one.
pub fn given(step: &StepSpec) -> impl Iterator<Item = &'static dyn Verb> {
    let fields = step.given();
    ALL.into_iter().filter(move |verb| verb.fields().iter().any(|field| fields.contains(field)))
}

/// What a step does.
///
/// # Errors
/// It gives no verb, or two.
pub fn of(step: &StepSpec) -> Result<&'static dyn Verb, String> {
    match given(step).next() {
        Some(verb) if step.given().len() == 1 => Ok(verb),
        _ => Err(format!("give exactly one of {}", VERBS.join(", "))),
    }
}

/// The verb that makes children of this kind.
#[must_use]
pub fn of_kind(kind: &str) -> Option<&'static dyn Verb> {
    ALL.into_iter().find(|verb| verb.kind().kind == kind)
}

#[cfg(test)]
mod tests;
