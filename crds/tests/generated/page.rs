//! The API page: one section per kind, one table per spec and status, from the schemas alone.

use serde_json::{Map, Value};

const HEAD: &str = "# API\n\nGroup `millrace.dev`, version `v1alpha1`. Generated from `crds/src` by `UPDATE=1 cargo test -p millrace-crds`; \
do not edit.\n\nEvery status also has `observedGeneration` (-1 until an operator has seen the object), `conditions` (at least `Ready`; \
`Reconciling` and `Stalled` as kstatus reads them) and `lastHandledReconcileAt`.\n`metadata.name` has at most 63 lower-case letters, \
digits and `-`.\n";

/// Words every status has; said once at the top.
const COMMON_STATUS: [&str; 3] = ["observedGeneration", "conditions", "lastHandledReconcileAt"];

/// Fields of a job that a rule refuses in a step.
const NOT_IN_A_STEP: [&str; 3] = ["suspend", "readyWhen", "rerun"];

struct Page<'a> {
    out: String,
    rules: Vec<(String, String)>,
    job: &'a Map<String, Value>,
}

/// The whole page.
pub(crate) fn of(crds: &[Value]) -> String {
    let job = crds.iter().find(|crd| crd["spec"]["names"]["kind"] == "ProcessingJob").unwrap();
    let mut page =
        Page { out: HEAD.to_owned(), rules: Vec::new(), job: properties(&schema(job)["properties"]["spec"]) };
    for crd in crds {
        page.kind(crd);
    }
    page.out
}

fn schema(crd: &Value) -> &Value {
    &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}

fn properties(schema: &Value) -> &Map<String, Value> {
    schema["properties"].as_object().unwrap()
}

impl Page<'_> {
    fn kind(&mut self, crd: &Value) {
        let names = &crd["spec"]["names"];
        let kind = names["kind"].as_str().unwrap();
        let spec = &schema(crd)["properties"]["spec"];
        let status = &schema(crd)["properties"]["status"];
        let scope = if crd["spec"]["scope"] == "Cluster" { "cluster" } else { "namespace" };
        self.out += &format!(
            "\n## {kind}\n\n{}\n\nShort name `{}`, category `{}`, scope {scope}.\n",
            text(spec),
            names["shortNames"][0].as_str().unwrap(),
            names["categories"][0].as_str().unwrap()
        );
        self.table("spec", spec);
        self.table("status", status);
    }

    fn table(&mut self, at: &str, schema: &Value) {
        self.out += &format!("\n| `{at}` | type | default | meaning |\n|---|---|---|---|\n");
        self.rules(at, schema);
        self.rows("", schema);
        let rules = std::mem::take(&mut self.rules);
        if !rules.is_empty() {
            self.out += "\nRefused by the API server:\n\n";
            for (at, message) in rules {
                self.out += &format!("- `{at}`: {message}\n");
            }
        }
    }

    fn rows(&mut self, prefix: &str, schema: &Value) {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, field) in properties(schema) {
            if prefix.is_empty() && COMMON_STATUS.contains(&name.as_str()) {
                continue;
            }
            if prefix == "steps[]" && NOT_IN_A_STEP.contains(&name.as_str()) {
                continue;
            }
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            if prefix == "steps[]" && self.job.get(name) == Some(field) {
                self.out += &format!("| `{path}` | as `ProcessingJob` | | As in a ProcessingJob's `spec.{name}`. |\n");
                continue;
            }
            let (meaning, said) = split_default(&text(field));
            let default = match (field.get("default"), said) {
                (_, Some(said)) => said,
                (Some(value), None) => format!("`{}`", value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
                (None, None) if required.contains(&name.as_str()) => "required".to_owned(),
                (None, None) => String::new(),
            };
            self.out += &format!("| `{path}` | {} | {} | {} |\n", type_of(field), cell(&default), cell(&meaning));
            self.rules(&path, field);
            self.inside(&path, field);
        }
    }

    fn inside(&mut self, path: &str, field: &Value) {
        let (below, item) = match (field.get("items"), field.get("additionalProperties")) {
            (Some(item), _) => (format!("{path}[]"), item),
            (_, Some(item)) => (format!("{path}.*"), item),
            _ => (path.to_owned(), field),
        };
        if item != field {
            self.rules(&below, item);
        }
        if item.get("properties").is_some() {
            self.rows(&below, item);
        }
    }

    fn rules(&mut self, path: &str, schema: &Value) {
        for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
            let message = rule["message"].as_str().unwrap().to_owned();
            if !message.starts_with("write ") {
                self.rules.push((path.to_owned(), message));
            }
        }
    }
}

fn text(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace("\n\n", "\n").replace('\n', " ")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// Takes "Default: X." out of a description.
fn split_default(text: &str) -> (String, Option<String>) {
    let Some((before, after)) = text.split_once("Default: ") else { return (text.to_owned(), None) };
    let (default, rest) = after.split_once(". ").unwrap_or_else(|| (after.trim_end_matches('.'), ""));
    (format!("{before}{rest}").trim().to_owned(), Some(default.to_owned()))
}

fn type_of(schema: &Value) -> String {
    if schema["x-kubernetes-int-or-string"] == true {
        return "quantity".to_owned();
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(|v| format!("`{}`", v.as_str().unwrap())).collect();
        return values.join(", ");
    }
    let most = |key: &str| schema[key].as_u64().map_or_else(String::new, |most| format!(", at most {most}"));
    match schema["type"].as_str() {
        Some("array") => format!("list of {}{}", type_of(&schema["items"]), most("maxItems")),
        Some("object") if schema.get("additionalProperties").is_some() => {
            format!("map of {}{}", type_of(&schema["additionalProperties"]), most("maxProperties"))
        }
        Some("integer") => match (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
            (Some(least), Some(most)) => format!("integer, {least} to {most}"),
            _ => "integer".to_owned(),
        },
        Some("string") if schema["format"] == "date-time" => "time".to_owned(),
        Some(other) => other.to_owned(),
        None => "scalar".to_owned(),
    }
}
