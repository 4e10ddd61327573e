//! The reasons that operators gave in a run: of conditions and steps, and the classes of failed attempts.

use std::collections::BTreeSet;

use serde_json::Value;

/// Adds what a status says under `reason` and `class`, at any depth.
pub(super) fn gather(status: &Value, into: &mut BTreeSet<String>) {
    match status {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(word) if name == "reason" || name == "class" => {
                        if !into.contains(word) {
                            into.insert(word.clone());
                        }
                    }
                    deeper => gather(deeper, into),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|one| gather(one, into)),
        _ => {}
    }
}
