//! From what schemars derives to what the API server takes: optional fields, documented enums.
//!
//! An absent field and a null one must not be two things, so nothing is nullable here.

use schemars::Schema;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Map, Value};

/// Separates a description from the meaning of an enum's values.
const VALUES: &str = "Values: ";

/// Makes an optional field the schema of its type, with the field's own description, and an enum with documented
/// values a plain enum whose description explains them.
#[derive(Clone, Debug)]
pub(crate) struct Optional;

impl Transform for Optional {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        if let Some(object) = schema.as_object_mut() {
            plain_enum(object);
            unwrap_option(object);
        }
    }
}

/// `{oneOf: [{enum: [A], description: a}, …]}` becomes `{enum: [A, …], description: … Values: A: a …}`.
fn plain_enum(object: &mut Map<String, Value>) {
    let Some(variants) = object.get("oneOf").and_then(Value::as_array) else { return };
    let mut values = Vec::new();
    let mut meanings = Vec::new();
    for variant in variants {
        let only = match variant.get("enum").and_then(Value::as_array).map(Vec::as_slice) {
            Some([only]) => only,
            _ => return,
        };
        values.push(only.clone());
        if let (Some(name), Some(meaning)) = (only.as_str(), text(variant, "description")) {
            meanings.push(format!("`{name}`: {meaning}"));
        }
    }
    object.remove("oneOf");
    object.insert("type".into(), "string".into());
    object.insert("enum".into(), Value::Array(values));
    let before = object.get("description").and_then(Value::as_str).unwrap_or_default();
    object.insert("description".into(), format!("{before} {VALUES}{}", meanings.join(" ")).into());
}

/// `{anyOf: [X, null], description: d}` becomes X with the description d.
fn unwrap_option(object: &mut Map<String, Value>) {
    let Some([Value::Object(first), second]) = object.get("anyOf").and_then(Value::as_array).map(Vec::as_slice) else {
        return;
    };
    if second.get("nullable") != Some(&Value::Bool(true)) {
        return;
    }
    let mut merged = first.clone();
    let outer = object.get("description").and_then(Value::as_str).map(str::to_owned);
    if let Some(outer) = outer {
        let values = text(&Value::Object(merged.clone()), "description")
            .and_then(|inner| inner.find(VALUES).and_then(|at| inner.get(at..).map(str::to_owned)));
        let described = values.map_or_else(|| outer.clone(), |values| format!("{outer} {values}"));
        merged.insert("description".into(), described.into());
    }
    object.remove("anyOf");
    object.append(&mut merged);
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// Removes keywords everywhere in a schema; a property of that name is left alone.
pub(crate) fn strip(schema: &mut Value, keywords: &[&str]) {
    match schema {
        Value::Object(object) => {
            object.retain(|key, _| !keywords.contains(&key.as_str()));
            for (key, value) in object.iter_mut() {
                match (key.as_str(), value) {
                    ("properties", Value::Object(properties)) => {
                        properties.values_mut().for_each(|property| strip(property, keywords));
                    }
                    ("default" | "enum", _) => {}
                    (_, value) => strip(value, keywords),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|item| strip(item, keywords)),
        _ => {}
    }
}
