//! Limits and CEL rules as schemars transforms, so that a field says them on one line.
//!
//! Every string, list and map gets a maximum here: the API server multiplies them to bound the cost of CEL.
//! Never put a kind's own rule here, only the shapes.

use schemars::Schema;
use schemars::transform::Transform;
use serde_json::{Map, Value, json};

/// Refuses `${params.…}` and its like: Flux's variable substitution would empty them before they reach the cluster.
/// Three `contains` cost the API server less than half of one regular expression.
const NO_DOLLAR_BRACE: &str = "!self.contains('${params.') && !self.contains('${run.') && !self.contains('${steps.')";
const NO_DOLLAR_BRACE_HINT: &str = "write $(params.x), not ${params.x}: Flux empties ${…} before the object reaches the cluster (the same for run and steps)";

/// No control characters; a pattern costs CEL nothing.
pub(crate) const PRINTED: &str = r"^\P{Cc}*$";
/// A place in a bucket: `bucket/NAME[/prefix]`. What a prefix may not hold makes two names of one place, or of another one
/// than is granted: stores and clients differ in what they make of empty segments, `.` and `..`.
pub(crate) const PLACE: &str = "self.matches('^bucket/[-a-z0-9]+(/|$)') && !self.matches('//|/[.][.]?(/|$)')";
pub(crate) const PLACE_HINT: &str = "write bucket/NAME or bucket/NAME/prefix, without empty segments, `.` and `..`";
/// The same for a prefix or a key alone.
pub(crate) const KEY: &str = "!self.matches('^/|//|(^|/)[.][.]?(/|$)')";
pub(crate) const KEY_HINT: &str = "write a prefix of keys such as day=1/, without empty segments, `.` and `..`";
/// The same for a URI.
pub(crate) const URI: &str = "!self.matches('[^:/]//|/[.][.]?(/|$)')";
pub(crate) const URI_HINT: &str = "write a URI without empty segments, `.` and `..`";

/// One CEL rule with the message a user sees.
#[must_use]
pub fn rule(rule: &str, message: &str) -> Value {
    json!({"rule": rule, "message": message})
}

/// Exactly one of these fields is given.
#[must_use]
pub fn exactly_one(fields: &[&str]) -> Value {
    let given: Vec<String> = fields.iter().map(|field| format!("has(self.{field})")).collect();
    let message = format!("give exactly one of {}", fields.join(", "));
    rule(&format!("[{}].filter(x, x).size() == 1", given.join(", ")), &message)
}

/// A field that may not change once the object exists.
#[must_use]
pub fn immutable(field: &str, instead: &str) -> Value {
    rule("self == oldSelf", &format!("{field} cannot change; {instead}"))
}

/// An optional field that may not be set, changed or removed once the object exists; stands on the struct that has it.
#[must_use]
pub fn settled(field: &str, instead: &str) -> Value {
    rule(
        &format!(
            "has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"
        ),
        &format!("{field} cannot change; {instead}"),
    )
}

/// What a field's strings, lists and maps may hold; a schemars transform, made by [`text`], [`texts`], [`map`], [`list`].
#[derive(Clone, Debug, Default)]
pub struct Limits {
    length: u32,
    items: Option<u32>,
    properties: Option<u32>,
    pattern: Option<&'static str>,
    templated: bool,
    rule: Option<(&'static str, &'static str)>,
    key: Option<&'static str>,
}

/// A string of at most `length` characters.
#[must_use]
pub fn text(length: u32) -> Limits {
    Limits { length, ..Limits::default() }
}

/// At most `items` strings of at most `length` characters each.
#[must_use]
pub fn texts(items: u32, length: u32) -> Limits {
    Limits { length, items: Some(items), ..Limits::default() }
}

/// At most `properties` entries whose values are strings of at most `length` characters.
#[must_use]
pub fn map(properties: u32, length: u32) -> Limits {
    Limits { length, properties: Some(properties), ..Limits::default() }
}

/// At most `items` objects.
#[must_use]
pub fn list(items: u32) -> Limits {
    Limits { items: Some(items), ..Limits::default() }
}

impl Limits {
    /// The strings match `pattern`.
    #[must_use]
    pub const fn pattern(mut self, pattern: &'static str) -> Self {
        self.pattern = Some(pattern);
        self
    }

    /// The strings may hold our references; `${params.` and its like are refused with a hint.
    #[must_use]
    pub const fn templated(mut self) -> Self {
        self.templated = true;
        self
    }

    /// The strings follow a CEL rule, with the message a user sees.
    #[must_use]
    pub const fn checked(mut self, rule: &'static str, message: &'static str) -> Self {
        self.rule = Some((rule, message));
        self
    }

    /// The list is a map by `key`: duplicates are refused and server-side apply merges by it.
    #[must_use]
    pub const fn keyed(mut self, key: &'static str) -> Self {
        self.key = Some(key);
        self
    }

    /// The list is a set: duplicates are refused.
    #[must_use]
    pub const fn set(mut self) -> Self {
        self.key = Some("");
        self
    }

    fn limit_text(&self, schema: &mut Map<String, Value>) {
        if self.length > 0 {
            schema.insert("maxLength".into(), self.length.into());
        }
        if let Some(pattern) = self.pattern {
            schema.insert("pattern".into(), pattern.into());
        }
        let hint = self.templated.then(|| rule(NO_DOLLAR_BRACE, NO_DOLLAR_BRACE_HINT));
        let own = self.rule.map(|(text, message)| rule(text, message));
        let rules: Vec<Value> = own.into_iter().chain(hint).collect();
        if !rules.is_empty() {
            schema.insert("x-kubernetes-validations".into(), rules.into());
        }
    }

    fn limit_list(&self, schema: &mut Map<String, Value>, items: u32) {
        schema.insert("maxItems".into(), items.into());
        match self.key {
            None => {}
            Some("") => {
                schema.insert("x-kubernetes-list-type".into(), "set".into());
            }
            Some(key) => {
                schema.insert("x-kubernetes-list-type".into(), "map".into());
                schema.insert("x-kubernetes-list-map-keys".into(), json!([key]));
            }
        }
        if self.length > 0
            && let Some(Value::Object(item)) = schema.get_mut("items")
        {
            self.limit_text(item);
        }
    }

    fn limit_map(&self, schema: &mut Map<String, Value>, properties: u32) {
        schema.insert("maxProperties".into(), properties.into());
        if let Some(Value::Object(value)) = schema.get_mut("additionalProperties") {
            self.limit_text(value);
        }
    }
}

impl Transform for Limits {
    fn transform(&mut self, schema: &mut Schema) {
        let this = self.clone();
        let object = schema.ensure_object();
        match (this.items, this.properties) {
            (Some(items), _) => this.limit_list(object, items),
            (None, Some(properties)) => this.limit_map(object, properties),
            (None, None) => this.limit_text(object),
        }
    }
}

/// A list of conditions: a list-map by `type`, at most 16.
#[must_use]
pub fn conditions() -> Limits {
    list(16).keyed("type")
}

/// At most `properties` entries of any scalar value.
#[must_use]
pub fn any_map(properties: u32) -> impl Transform {
    move |schema: &mut Schema| {
        let object = schema.ensure_object();
        object.insert("type".into(), "object".into());
        object.insert("maxProperties".into(), properties.into());
        object.insert("additionalProperties".into(), json!({"x-kubernetes-preserve-unknown-fields": true}));
    }
}

/// At most `properties` entries of whole numbers from 1 to `most`.
#[must_use]
pub fn counts(properties: u32, most: u32) -> impl Transform {
    move |schema: &mut Schema| {
        let object = schema.ensure_object();
        object.insert("maxProperties".into(), properties.into());
        let count = json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": most});
        object.insert("additionalProperties".into(), count);
    }
}

/// A status word is plain text in the schema, so that an older CRD accepts the words of a newer operator.
macro_rules! plain_text {
    ($word:ty) => {
        impl schemars::JsonSchema for $word {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($word).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "maxLength": 64})
            }
            fn inline_schema() -> bool {
                true
            }
        }
    };
}
pub(crate) use plain_text;
