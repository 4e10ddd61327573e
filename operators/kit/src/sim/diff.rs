//! What differs between what was expected and what is, as a unified diff.

use std::collections::BTreeMap;

use serde_json::Value;
use similar::TextDiff;

/// Lines shown before and after each difference.
const CONTEXT: usize = 3;

/// Names of the two sides of a diff.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sides<'a> {
    /// What is marked with `-`.
    pub(super) want: &'a str,
    /// What is marked with `+`.
    pub(super) have: &'a str,
}

/// The unified diff of two texts; empty if they are equal.
pub(super) fn unified(want: &str, have: &str, sides: Sides<'_>) -> String {
    TextDiff::from_lines(want, have).unified_diff().context_radius(CONTEXT).header(sides.want, sides.have).to_string()
}

/// The diff of two ends, object by object, as YAML; empty if they are equal.
pub(super) fn ends(want: &BTreeMap<String, Value>, have: &BTreeMap<String, Value>) -> String {
    let names = want.keys().chain(have.keys().filter(|name| !want.contains_key(*name)));
    let differing = names.filter(|name| want.get(*name) != have.get(*name));
    let diff = |name: &String| {
        let sides = Sides { want: &format!("{name}, undisturbed"), have: &format!("{name}, in this schedule") };
        unified(&yaml(want.get(name)), &yaml(have.get(name)), sides)
    };
    differing.map(diff).collect::<Vec<_>>().join("\n")
}

fn yaml(object: Option<&Value>) -> String {
    object.map_or_else(|| "absent\n".to_owned(), |object| serde_saphyr::to_string(object).unwrap_or_default())
}
