//! One step: exactly one verb, known needs, known references, a condition that compiles.

use std::{collections::BTreeSet, time::Duration};

use millrace_crds::{Duration as Length, step::StepSpec};

use super::{
    condition::Condition,
    finding::Finding,
    graph::Needs,
    references::{self, Reading},
    returns::{Returns, ReturnsByStep},
    symbols::Symbols,
};
use crate::verbs::{
    self,
    verb::{Limit, Verb},
};

/// How long the child of a step may be unable to start where the step does not say: as long as a job's attempt.
const START_DEADLINE: Duration = Duration::from_secs(900);

/// A step whose references, edges and condition are sound.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Names of the steps it needs, written and implied.
    pub needs: BTreeSet<String>,
    /// When it runs; `None` means always.
    pub when: Option<Condition>,
    /// What it does.
    pub verb: &'static dyn Verb,
    /// As it is written.
    pub spec: Box<StepSpec>,
    /// How long its child may be unable to start.
    pub start: Duration,
    /// How long it may take, if the run counts that; a child with a deadline of its own does so itself.
    pub limit: Option<Limit>,
    /// What others name of what it returns.
    pub returns: Returns,
}

/// A step being parsed: what it needs, with the field path that says so, and the step if it has a verb.
pub(super) struct Parsed {
    pub(super) step: Option<Step>,
    pub(super) needs: Needs,
}

/// Parses one step; `named` gathers what it names of what others return.
pub(super) fn parse(
    step: &StepSpec,
    symbols: &Symbols<'_>,
    named: &mut ReturnsByStep,
    findings: &mut Vec<Finding>,
) -> Parsed {
    let path = format!("spec.steps[{}]", step.name);
    let verb = verbs::of(step).map_err(|problem| findings.push(Finding::new(&path, problem))).ok();
    if let Some(verb) = verb.filter(|_| symbols.strict) {
        verb.check(step, &path, findings);
    }
    let deadlines = step.job.deadlines.clone().unwrap_or_default();
    let limit = verb.and_then(|verb| verb.limit()).map(|limit| {
        let path = format!("{path}.deadlines.run");
        Limit { duration: length(deadlines.run.as_ref(), limit.duration, &path, findings), ..limit }
    });
    let start = length(deadlines.start.as_ref(), START_DEADLINE, &format!("{path}.deadlines.start"), findings);
    let mut reading = Reading {
        symbols,
        data: references::data(step, findings).into_keys().collect(),
        without_data: verbs::given(step).find_map(|verb| verb.without_data()),
        needs: Needs::new(),
        named,
    };
    for (at, need) in step.needs.iter().enumerate() {
        let path = format!("{path}.needs[{at}]");
        match symbols.step(need) {
            Ok(()) => _ = reading.needs.entry(need.clone()).or_insert(path),
            Err(problem) => findings.push(Finding::new(path, problem)),
        }
    }
    let mut body = serde_json::to_value(step).unwrap_or_default();
    if let Some(map) = body.as_object_mut() {
        map.retain(|field, _| !["name", "needs", "when"].contains(&field.as_str()));
    }
    references::strings(&body, &path, &mut |path, text| reading.text(path, text, findings));
    let when = step.when.as_ref().and_then(|text| condition(text, &format!("{path}.when"), &mut reading, findings));
    let needs = reading.needs;
    let step = verb.map(|verb| Step {
        name: step.name.clone(),
        needs: needs.keys().cloned().collect(),
        when,
        verb,
        spec: Box::new(step.clone()),
        start,
        limit,
        returns: Returns::default(),
    });
    Parsed { step, needs }
}

fn length(text: Option<&Length>, default: Duration, path: &str, findings: &mut Vec<Finding>) -> Duration {
    let Some(text) = text else { return default };
    text.seconds().map(Duration::from_secs).unwrap_or_else(|| {
        findings.push(Finding::new(path, "write a duration such as 30s, 10m or 1h30m"));
        default
    })
}

fn condition(text: &str, path: &str, reading: &mut Reading<'_>, findings: &mut Vec<Finding>) -> Option<Condition> {
    references::braces(path, text, findings);
    let symbols = reading.symbols;
    let compiled = if symbols.strict { Condition::compile(text) } else { Condition::parse(text) };
    let condition = match compiled {
        Ok(condition) => condition,
        Err(problems) => {
            findings.extend(problems.into_iter().map(|problem| Finding::new(path, problem)));
            return None;
        }
    };
    let params = condition.params().map(|name| symbols.param(name));
    let results = condition.results().map(|(step, key)| match key {
        Some(key) => symbols.result(step, key),
        None => symbols.step(step),
    });
    findings.extend(params.chain(results).filter_map(Result::err).map(|problem| Finding::new(path, problem)));
    for (step, key) in condition.results() {
        reading.named.entry(step.to_owned()).or_default().name(key);
        reading.needs.entry(step.to_owned()).or_insert_with(|| path.to_owned());
    }
    Some(condition)
}
