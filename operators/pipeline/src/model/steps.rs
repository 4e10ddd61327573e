//! One step: exactly one verb, known needs, known references, a condition that compiles.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use millrace_crds::{Duration as Length, step::StepSpec};
use serde_json::Value;

use super::{
    Condition, Finding, Step, Verb,
    graph::Needs,
    references::{self, REGISTER_RESULTS, Reading},
    register,
};

/// How long a registration may take where the step does not say: long enough for a registry that is being upgraded.
const REGISTER_DEADLINE: Duration = Duration::from_secs(3_600);

/// How long the child of a step may be unable to start where the step does not say: as long as a job's attempt.
const START_DEADLINE: Duration = Duration::from_secs(900);

/// What other steps and conditions name of what a step returns; only that is stored with the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Returns {
    keys: BTreeSet<String>,
    /// A condition looks at all of them, as in `'auc' in steps.train.results`.
    all: bool,
}

impl Returns {
    /// Whether nobody names any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.all && self.keys.is_empty()
    }

    /// Those of `results` that are named; `None` if nobody names any. If one is missing, all of them, so that it can be said
    /// what was returned instead.
    #[must_use]
    pub fn of(&self, mut results: BTreeMap<String, Value>) -> Option<BTreeMap<String, Value>> {
        if self.keys.iter().all(|key| results.contains_key(key)) {
            results.retain(|key, _| self.all || self.keys.contains(key));
        }
        (!self.is_empty()).then_some(results)
    }

    pub(crate) fn name(&mut self, key: Option<&str>) {
        match key {
            Some(key) => _ = self.keys.insert(key.to_owned()),
            None => self.all = true,
        }
    }
}

/// What of each step is named so far.
pub(crate) type Named = BTreeMap<String, Returns>;

/// What a step may refer to.
pub(crate) struct Known<'a> {
    pub(crate) names: &'a BTreeSet<String>,
    pub(crate) params: &'a BTreeMap<String, String>,
    pub(crate) steps: &'a [StepSpec],
    /// Whether what can be read, and cannot work, is a finding too.
    pub(crate) strict: bool,
}

impl Known<'_> {
    /// Whether there is such a parameter.
    pub(crate) fn param(&self, name: &str) -> Result<(), String> {
        if self.params.contains_key(name) {
            return Ok(());
        }
        Err(format!("there is no parameter {name}; spec.params has {}", listed(self.params.keys())))
    }

    /// Whether there is such a step, and whether it can return such a result.
    pub(crate) fn result(&self, step: &str, key: &str) -> Result<(), String> {
        self.step(step)?;
        let registers = self.steps.iter().any(|s| s.name == step && s.register.is_some());
        if registers && !REGISTER_RESULTS.contains(&key) {
            return Err(format!("{step} is a register step and returns {}", REGISTER_RESULTS.join(", ")));
        }
        Ok(())
    }

    /// Whether there is such a step.
    pub(crate) fn step(&self, name: &str) -> Result<(), String> {
        if self.names.contains(name) {
            return Ok(());
        }
        Err(format!("there is no step {name}; spec.steps has {}", listed(self.names.iter())))
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let all: Vec<&str> = names.map(String::as_str).collect();
    if all.is_empty() { "none".into() } else { all.join(", ") }
}

/// Parses one step; its needs carry the field path that says so.
pub(crate) fn parse(
    step: &StepSpec,
    known: &Known<'_>,
    named: &mut Named,
    findings: &mut Vec<Finding>,
) -> (Option<Step>, Needs) {
    let path = format!("spec.steps[{}]", step.name);
    let verb = verb(step, &path, known.strict, findings);
    let deadlines = step.job.deadlines.clone().unwrap_or_default();
    let start = length(deadlines.start.as_ref(), START_DEADLINE, &format!("{path}.deadlines.start"), findings);
    let data = references::data(step, findings).into_keys().collect();
    let mut reading = Reading { step, known, data, needs: Needs::new(), named };
    for (at, need) in step.needs.iter().enumerate() {
        let path = format!("{path}.needs[{at}]");
        match known.step(need) {
            Ok(()) => _ = reading.needs.entry(need.clone()).or_insert(path),
            Err(problem) => findings.push(Finding::new(path, problem)),
        }
    }
    let mut body = serde_json::to_value(step).unwrap_or_default();
    if let Some(map) = body.as_object_mut() {
        map.retain(|field, _| !["name", "needs", "when"].contains(&field.as_str()));
    }
    references::strings(&body, &path, &mut |path, text| reading.text(path, text, findings));
    let when = step.when.as_ref().and_then(|text| condition(text, &format!("{path}.when"), (&mut reading, findings)));
    let needs = reading.needs;
    let step = verb.map(|verb| Step {
        name: step.name.clone(),
        needs: needs.keys().cloned().collect(),
        when,
        verb,
        start,
        returns: Returns::default(),
    });
    (step, needs)
}

fn verb(step: &StepSpec, path: &str, strict: bool, findings: &mut Vec<Finding>) -> Option<Verb> {
    let given =
        [step.job.spark.is_some(), step.job.flink.is_some(), step.job.container.is_some(), step.register.is_some()];
    if given.iter().filter(|g| **g).count() != 1 {
        findings.push(Finding::new(path, "give exactly one of spark, flink, container, register"));
        return None;
    }
    let Some(register) = &step.register else { return Some(Verb::Job(Box::new(step.job.clone()))) };
    if strict {
        register::check(register, &format!("{path}.register"), findings);
    }
    let run = step.job.deadlines.as_ref().and_then(|d| d.run.as_ref());
    let deadline = length(run, REGISTER_DEADLINE, &format!("{path}.deadlines.run"), findings);
    Some(Verb::Register { spec: Box::new(register.clone()), deadline })
}

fn length(text: Option<&Length>, default: Duration, path: &str, findings: &mut Vec<Finding>) -> Duration {
    let Some(text) = text else { return default };
    text.seconds().map(Duration::from_secs).unwrap_or_else(|| {
        findings.push(Finding::new(path, "write a duration such as 30s, 10m or 1h30m"));
        default
    })
}

fn condition(text: &str, path: &str, context: (&mut Reading<'_>, &mut Vec<Finding>)) -> Option<Condition> {
    let (reading, findings) = context;
    references::braces(path, text, findings);
    let compiled = if reading.known.strict { Condition::compile(text) } else { Condition::parse(text) };
    let condition = match compiled {
        Ok(condition) => condition,
        Err(problems) => {
            findings.extend(problems.into_iter().map(|problem| Finding::new(path, problem)));
            return None;
        }
    };
    let params = condition.params().map(|name| reading.known.param(name));
    let results = condition.results().map(|(step, key)| match key {
        Some(key) => reading.known.result(step, key),
        None => reading.known.step(step),
    });
    findings.extend(params.chain(results).filter_map(Result::err).map(|problem| Finding::new(path, problem)));
    for (step, key) in condition.results() {
        reading.named.entry(step.to_owned()).or_default().name(key);
        reading.needs.entry(step.to_owned()).or_insert_with(|| path.to_owned());
    }
    Some(condition)
}
