//! The names a step may refer to: the parameters and the steps of its pipeline, and what each step can return.

use std::collections::BTreeMap;

/// What is known of a step before it runs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StepSymbol {
    /// The field of its verb, for messages.
    pub(crate) verb: &'static str,
    /// The only keys it returns; `None` if its program decides.
    pub(crate) returns: Option<&'static [&'static str]>,
}

/// What a step may refer to.
pub(crate) struct Symbols<'a> {
    /// The parameters of the pipeline.
    pub(crate) params: &'a BTreeMap<String, String>,
    /// Its steps.
    pub(crate) steps: BTreeMap<&'a str, StepSymbol>,
    /// Whether what can be read, and cannot work, is a finding too.
    pub(crate) strict: bool,
}

impl Symbols<'_> {
    /// Whether there is such a parameter.
    pub(crate) fn param(&self, name: &str) -> Result<(), String> {
        if self.params.contains_key(name) {
            return Ok(());
        }
        Err(format!(
            "parameter {name} is not declared; spec.params has {}",
            listed(self.params.keys().map(String::as_str))
        ))
    }

    /// Whether there is such a step.
    pub(crate) fn step(&self, name: &str) -> Result<(), String> {
        if self.steps.contains_key(name) {
            return Ok(());
        }
        Err(format!("step {name} does not exist; spec.steps has {}", listed(self.steps.keys().copied())))
    }

    /// Whether there is such a step, and whether it can return such a result.
    pub(crate) fn result(&self, step: &str, key: &str) -> Result<(), String> {
        self.step(step)?;
        let Some(StepSymbol { verb, returns: Some(returns) }) = self.steps.get(step) else { return Ok(()) };
        if returns.contains(&key) {
            return Ok(());
        }
        Err(format!("{step} is a {verb} step and returns {}", returns.join(", ")))
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<&str> = names.collect();
    if all.is_empty() { "none".into() } else { all.join(", ") }
}
