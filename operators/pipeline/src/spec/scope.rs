//! The values that references and conditions of a run can see.

use std::collections::BTreeMap;

use serde_json::Value;

/// What a condition can see.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Parameters of the run.
    pub params: BTreeMap<String, String>,
    /// `run.name` and `run.uid`.
    pub run: BTreeMap<String, String>,
    /// `trigger.name` and `trigger.id`.
    pub trigger: BTreeMap<String, String>,
    /// Results by step.
    pub results: BTreeMap<String, BTreeMap<String, Value>>,
    /// The numbers among them that do not read back as they were written, as they were.
    pub texts: BTreeMap<String, BTreeMap<String, String>>,
}

impl Scope {
    /// A result as the program wrote it.
    #[must_use]
    pub fn text(&self, step: &str, key: &str) -> Option<String> {
        if let Some(text) = self.texts.get(step).and_then(|all| all.get(key)) {
            return Some(text.clone());
        }
        self.results.get(step)?.get(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    /// The value of a path of a condition, such as `steps.train.results.auc`.
    pub(crate) fn value(&self, path: &[String]) -> Option<Value> {
        let text = |map: &BTreeMap<String, String>, key: &String| map.get(key).cloned().map(Value::String);
        match path {
            [root, key] if root == "params" => text(&self.params, key),
            [root, key] if root == "run" => text(&self.run, key),
            [root, key] if root == "trigger" => text(&self.trigger, key),
            [root, step, _, key] if root == "steps" => self.results.get(step)?.get(key).cloned(),
            _ => None,
        }
    }
}
