//! What other steps and conditions name of what a step returns; only that is stored with the run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The keys of one step's results that somebody names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Returns {
    keys: BTreeSet<String>,
    /// A condition looks at all of them, as in `'auc' in steps.train.results`.
    all: bool,
}

/// The same for each step.
pub(crate) type ReturnsByStep = BTreeMap<String, Returns>;

impl Returns {
    /// Whether nobody names any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.all && self.keys.is_empty()
    }

    /// Those of `results` that are named; `None` if nobody names any. If one is missing, all of them, so that the message
    /// can list what was returned instead.
    #[must_use]
    pub fn of(&self, mut results: BTreeMap<String, Value>) -> Option<BTreeMap<String, Value>> {
        if self.keys.iter().all(|key| results.contains_key(key)) {
            results.retain(|key, _| self.all || self.keys.contains(key));
        }
        (!self.is_empty()).then_some(results)
    }

    /// Adds a key, or all of them.
    pub(crate) fn name(&mut self, key: Option<&str>) {
        match key {
            Some(key) => _ = self.keys.insert(key.to_owned()),
            None => self.all = true,
        }
    }
}
