//! References in the strings of a step: which are known, which steps they need, which data they name.

use std::collections::{BTreeMap, BTreeSet};

use millrace_crds::{MLPipelineSpec, step::StepSpec};
use millrace_kit::refs::{self, DataRef, Head, Reference};
use serde_json::Value;

use super::{finding::Finding, graph::Needs, returns::ReturnsByStep, symbols::Symbols};

/// Calls `visit` with every string below `value` and its path.
pub(crate) fn strings(value: &Value, path: &str, visit: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => visit(path, text),
        Value::Array(list) => {
            for (at, item) in list.iter().enumerate() {
                let key = item.get("name").and_then(Value::as_str).map_or_else(|| at.to_string(), str::to_owned);
                strings(item, &format!("{path}[{key}]"), visit);
            }
        }
        Value::Object(map) => map.iter().for_each(|(key, item)| strings(item, &format!("{path}.{key}"), visit)),
        _ => {}
    }
}

/// The hint for `${…}`, which Flux empties before the object reaches the cluster.
pub(crate) fn braces(path: &str, text: &str, findings: &mut Vec<Finding>) {
    for head in ["params", "run", "steps"] {
        if text.contains(&format!("${{{head}.")) {
            let problem = format!(
                "write $({head}.…), not ${{{head}.…}}: Flux empties ${{…}} before the object reaches the cluster"
            );
            findings.push(Finding::new(path, problem));
        }
    }
}

/// Default values are taken as they stand; a reference in one would never be expanded, so it is refused.
pub(crate) fn parameters(params: &BTreeMap<String, String>, findings: &mut Vec<Finding>) {
    for (name, value) in params {
        let path = format!("spec.params.{name}");
        braces(&path, value, findings);
        if refs::find(value).map_or(true, |found| !found.is_empty()) {
            findings.push(Finding::new(
                path,
                "a parameter's value is taken as it stands; write the reference where it is used",
            ));
        }
    }
}

/// The data a step names in `reads` and `writes`: `bucket/NAME` or `topic/NAME`, each with its field path.
pub(crate) fn data(step: &StepSpec, findings: &mut Vec<Finding>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (field, list) in [("reads", &step.job.reads), ("writes", &step.job.writes)] {
        for (at, text) in list.iter().enumerate() {
            let path = format!("spec.steps[{}].{field}[{at}]", step.name);
            match DataRef::parse(text) {
                Ok(data) => _ = found.entry(word(&data)).or_insert(path),
                Err(bad) => findings.push(Finding::new(path, bad.to_string())),
            }
        }
    }
    if let Some(text) = step.job.container.as_ref().and_then(|c| c.checkpoint.as_ref()) {
        let path = format!("spec.steps[{}].container.checkpoint", step.name);
        match DataRef::parse(text) {
            Ok(data @ DataRef::Bucket { .. }) => _ = found.entry(word(&data)).or_insert(path),
            _ => findings.push(Finding::new(path, format!("{text}: write bucket/NAME or bucket/NAME/prefix"))),
        }
    }
    found
}

fn word(data: &DataRef) -> String {
    match data {
        DataRef::Bucket { name, .. } => format!("bucket/{name}"),
        DataRef::Topic { name } => format!("topic/{name}"),
    }
}

/// All data the steps of a pipeline name, as `bucket/NAME` or `topic/NAME`, each with the first field that names it.
#[must_use]
pub fn uses(spec: &MLPipelineSpec) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for step in &spec.steps {
        for (word, path) in data(step, &mut Vec::new()) {
            all.entry(word).or_insert(path);
        }
    }
    all
}

/// One step while its strings are read.
pub(crate) struct Reading<'a> {
    pub(crate) symbols: &'a Symbols<'a>,
    /// The data it has access to.
    pub(crate) data: BTreeSet<String>,
    /// Why it can have access to none, and how to do without; `None` if it can.
    pub(crate) without_data: Option<&'static str>,
    /// The steps it needs.
    pub(crate) needs: Needs,
    /// What it names of what others return.
    pub(crate) named: &'a mut ReturnsByStep,
}

impl Reading<'_> {
    /// Reads one string: records the steps it needs and what is wrong with it.
    pub(crate) fn text(&mut self, path: &str, text: &str, findings: &mut Vec<Finding>) {
        braces(path, text, findings);
        let found = match refs::find(text) {
            Ok(found) => found,
            Err(bad) => return findings.push(Finding::new(path, bad.to_string())),
        };
        for reference in found {
            if let Err(problem) = self.reference(path, &reference) {
                findings.push(Finding::new(path, format!("{reference}: {problem}")));
            }
        }
    }

    fn reference(&mut self, path: &str, reference: &Reference) -> Result<(), String> {
        let words: Vec<&str> = reference.path.iter().map(String::as_str).collect();
        match (reference.head, words.as_slice()) {
            (Head::Params, [name]) => self.symbols.param(name),
            (Head::Run, ["name" | "uid"]) | (Head::Trigger, ["name" | "id"]) => Ok(()),
            (Head::Run, _) => Err("write $(run.name) or $(run.uid)".into()),
            (Head::Trigger, _) => Err("write $(trigger.name) or $(trigger.id)".into()),
            (Head::Steps, [step, "results", key]) => {
                self.symbols.result(step, key)?;
                self.named.entry((*step).to_owned()).or_default().name(Some(key));
                self.needs.entry((*step).to_owned()).or_insert_with(|| path.to_owned());
                Ok(())
            }
            (Head::Steps, _) => Err("write $(steps.NAME.results.KEY)".into()),
            (Head::Bucket | Head::Topic, [name]) => self.granted(&format!("{}/{name}", reference.head)),
            (Head::Params | Head::Bucket | Head::Topic, _) => Err(format!("write $({}.NAME)", reference.head)),
            (Head::Each, _) => Err("a step is not a fan-out, so there is no present element".into()),
            (Head::Model, _) => Err("write $(steps.NAME.results.version) of the register step".into()),
        }
    }

    fn granted(&self, word: &str) -> Result<(), String> {
        if let Some(why) = self.without_data {
            return Err(why.to_owned());
        }
        if self.data.contains(word) {
            Ok(())
        } else {
            Err(format!("the step has no access to it; add {word} to reads or writes"))
        }
    }
}
