//! The values of a run's references, put into the strings of a step.
//!
//! `$(bucket.x)` and `$(topic.x)` stay: only the job's grant knows what they are. A value is never expanded again: whoever
//! reads the field next gets it byte for byte.

use millrace_kit::refs::{self, Head, Reader, Reference};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::scope::Scope;

/// `spec` with every reference replaced that a run can answer. `reader` says who reads a field next, by the fields above it.
///
/// # Errors
/// A result that is not there, for people.
pub(crate) fn filled<T: Serialize + DeserializeOwned>(
    spec: &T,
    scope: &Scope,
    reader: impl Fn(&[&str]) -> Reader,
) -> Result<T, String> {
    let mut body = serde_json::to_value(spec).map_err(|e| e.to_string())?;
    each(&mut body, &mut Vec::new(), &|path, text| fill(text, reader(path), scope))?;
    serde_json::from_value(body).map_err(|e| e.to_string())
}

/// Makes another text of the one in this field.
type Fill<'a> = dyn Fn(&[&str], &str) -> Result<String, String> + 'a;

/// Every text below `value`; `path` has the fields above it, without positions in lists.
fn each(value: &mut Value, path: &mut Vec<String>, fill: &Fill<'_>) -> Result<(), String> {
    match value {
        Value::String(text) => {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            *text = fill(&path, text)?;
        }
        Value::Array(list) => list.iter_mut().try_for_each(|item| each(item, path, fill))?,
        Value::Object(map) => {
            for (key, item) in map {
                path.push(key.clone());
                each(item, path, fill)?;
                path.pop();
            }
        }
        _ => {}
    }
    Ok(())
}

fn fill(text: &str, reader: Reader, scope: &Scope) -> Result<String, String> {
    let mut missing = None;
    let filled = refs::substitute(text, reader, |reference| match value(reference, scope) {
        Ok(value) => value,
        Err(problem) => {
            missing.get_or_insert(problem);
            None
        }
    });
    let filled = filled.map_err(|bad| bad.to_string())?;
    missing.map_or(Ok(filled), Err)
}

fn value(reference: &Reference, scope: &Scope) -> Result<Option<String>, String> {
    let words: Vec<&str> = reference.path.iter().map(String::as_str).collect();
    let found = match (reference.head, words.as_slice()) {
        (Head::Params, [name]) => scope.params.get(*name).cloned(),
        (Head::Run, [name]) => scope.run.get(*name).cloned(),
        (Head::Trigger, [name]) => scope.trigger.get(*name).cloned(),
        (Head::Steps, [step, _, key]) => return result(step, key, scope).map(Some),
        _ => return Ok(None),
    };
    found.map_or_else(|| Err(format!("{reference} has no value")), |found| Ok(Some(found)))
}

fn result(step: &str, key: &str, scope: &Scope) -> Result<String, String> {
    scope.text(step, key).ok_or_else(|| {
        let keys: Vec<&str> =
            scope.results.get(step).into_iter().flat_map(|all| all.keys()).map(String::as_str).collect();
        let keys = if keys.is_empty() { "none".to_owned() } else { keys.join(", ") };
        format!("step {step} returned no result {key} (results: {keys}); write it to /dev/termination-log")
    })
}

#[cfg(test)]
mod tests;
