//! A pipeline that can run: its steps parsed and put in order.

use std::collections::{BTreeMap, BTreeSet};

use millrace_crds::{MLPipelineSpec, step::StepSpec};

use super::{
    finding::Finding,
    graph, references,
    returns::ReturnsByStep,
    step::{self, Step},
    symbols::{StepSymbol, Symbols},
};
use crate::verbs;

/// A pipeline that can run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Parameters and their defaults.
    pub params: BTreeMap<String, String>,
    /// The DataPlane named by the pipeline.
    pub data_plane: Option<String>,
    /// The steps as written.
    pub steps: Vec<Step>,
    /// Indexes of the steps, each after all it needs.
    pub order: Vec<usize>,
}

impl Plan {
    /// The steps, each after all it needs.
    pub fn ordered(&self) -> impl Iterator<Item = &Step> {
        self.order.iter().filter_map(|at| self.steps.get(*at))
    }
}

/// Parses a pipeline.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(spec: &MLPipelineSpec) -> Result<Plan, Vec<Finding>> {
    read(spec, true)
}

/// Parses what a pipeline was frozen into. What cannot work is left to the step that tries it: an older Millrace may have
/// taken it, and its runs are under way.
///
/// # Errors
/// Everything that keeps it from being a plan.
pub fn thaw(spec: &MLPipelineSpec) -> Result<Plan, Vec<Finding>> {
    read(spec, false)
}

fn read(spec: &MLPipelineSpec, strict: bool) -> Result<Plan, Vec<Finding>> {
    let mut findings = Vec::new();
    references::parameters(&spec.params, &mut findings);
    names(&spec.steps, &mut findings);
    let symbols = Symbols { params: &spec.params, steps: spec.steps.iter().map(symbol).collect(), strict };
    let mut edges = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    let mut named = ReturnsByStep::new();
    for step in &spec.steps {
        let mut parsed = step::parse(step, &symbols, &mut named, &mut findings);
        parsed.needs.retain(|name, _| symbols.step(name).is_ok());
        edges.push(parsed.needs);
        steps.extend(parsed.step);
    }
    for step in &mut steps {
        step.returns = named.remove(&step.name).unwrap_or_default();
    }
    let order = graph::order(&spec.steps, &edges).unwrap_or_else(|cycles| {
        findings.extend(cycles);
        Vec::new()
    });
    if !findings.is_empty() {
        return Err(findings);
    }
    Ok(Plan { params: spec.params.clone(), data_plane: spec.data_plane.clone(), steps, order })
}

/// A step by its name, with what is known of it; one with two verbs is still read for what else is wrong with it.
fn symbol(step: &StepSpec) -> (&str, StepSymbol) {
    let mut given = verbs::given(step);
    let known =
        given.find_map(|verb| Some(StepSymbol { verb: verb.fields().first()?, returns: Some(verb.returns()?) }));
    (step.name.as_str(), known.unwrap_or_default())
}

fn names(steps: &[StepSpec], findings: &mut Vec<Finding>) {
    if steps.is_empty() {
        findings.push(Finding::new("spec.steps", "a pipeline needs at least one step"));
    }
    let mut names = BTreeSet::new();
    for (at, step) in steps.iter().enumerate() {
        if !names.insert(step.name.as_str()) {
            let problem = format!("there is a step {} already; give each step its own name", step.name);
            findings.push(Finding::new(format!("spec.steps[{at}].name"), problem));
        }
    }
}
