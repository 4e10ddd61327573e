//! The two scalars users write in their own notation: quantities (`500m`, `1Gi`) and durations (`10m`, `1h30m`).
//!
//! They stay text on the wire, so that a manifest reads back as it was written. What a quantity counts, cores or bytes,
//! its field says with [`cores`] or [`bytes`]: a unit of the other is refused, and so is what nobody can mean.
//! Never round or normalise here.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema, transform::Transform};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use crate::schema::rule;

/// A pod of a thousand cores is somebody's typing error; Kubernetes counts thousandths.
const CORES: &str =
    "type(self) == int ? self >= 0 && self <= 9999 : self.matches('^([0-9]{1,4}([.][0-9]{1,3})?|[0-9]{1,7}m)$')";
const CORES_HINT: &str = "write a number of cores such as 2, 0.5 or 500m; Mi and Gi are units of memory";
/// From a megabyte on: no container starts with less, and a forgotten unit makes bytes of it.
const BYTES: &str = "type(self) == int ? self >= 1000000 : self.matches('^([1-9][0-9]{6,}|[1-9][0-9]{3,}(k|Ki)|[1-9][0-9]*([.][0-9]+)?[MGT]i?|0[.][0-9]{0,2}[1-9][0-9]*[GT]i?)$')";
const BYTES_HINT: &str = "write an amount such as 512Mi or 2Gi, at least 1Mi; a number alone counts bytes";
const QUANTITY: &str = "type(self) == int ? self >= 0 : self.matches('^[0-9]+([.][0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$')";
const QUANTITY_HINT: &str = "write a quantity such as 500m, 2 or 1Gi";
const DURATION: &str = "self.matches('^([0-9]+[smhd])+$')";
const DURATION_HINT: &str = "use a duration such as 30s, 10m or 1h30m";

/// A Kubernetes quantity such as `500m`, `2` or `1Gi`; a whole number is accepted without quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Quantity(pub String);

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire {
            Text(String),
            Whole(i64),
        }
        Ok(match Wire::deserialize(deserializer)? {
            Wire::Text(text) => Self(text),
            Wire::Whole(number) => Self(number.to_string()),
        })
    }
}

impl From<&str> for Quantity {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl JsonSchema for Quantity {
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "x-kubernetes-int-or-string": true,
            "maxLength": 16,
            "x-kubernetes-validations": [rule(QUANTITY, QUANTITY_HINT)],
        })
    }
    fn inline_schema() -> bool {
        true
    }
}

/// A schemars transform: the quantity of this field counts cores.
#[must_use]
pub fn cores() -> impl Transform {
    counted(CORES, CORES_HINT)
}

/// A schemars transform: the quantity of this field counts bytes.
#[must_use]
pub fn bytes() -> impl Transform {
    counted(BYTES, BYTES_HINT)
}

fn counted(text: &'static str, hint: &'static str) -> impl Transform {
    move |schema: &mut Schema| {
        schema.insert("x-kubernetes-validations".to_owned(), json!([rule(text, hint)]));
    }
}

/// A duration such as `30s`, `10m`, `1h30m` or `7d`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Duration(pub String);

impl Duration {
    /// The length in whole seconds; `None` when the text is no duration or too long to count.
    #[must_use]
    pub fn seconds(&self) -> Option<u64> {
        let mut total = 0_u64;
        let mut digits = String::new();
        for letter in self.0.chars() {
            if letter.is_ascii_digit() {
                digits.push(letter);
                continue;
            }
            let unit = match letter {
                's' => 1,
                'm' => 60,
                'h' => 3_600,
                'd' => 86_400,
                _ => return None,
            };
            let count: u64 = digits.parse().ok()?;
            total = total.checked_add(count.checked_mul(unit)?)?;
            digits.clear();
        }
        (digits.is_empty() && !self.0.is_empty()).then_some(total)
    }
}

impl From<&str> for Duration {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": 16,
            "x-kubernetes-validations": [rule(DURATION, DURATION_HINT)],
        })
    }
    fn inline_schema() -> bool {
        true
    }
}
