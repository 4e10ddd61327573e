//! The spec of a pipeline parsed into a plan that cannot be wrong.
//!
//! Every finding names its field path and what to write instead, and all findings come at once. What depends on other
//! objects of the namespace (a bucket that is used but not declared) is observed, never judged here.

mod condition;
mod graph;
mod references;
pub(crate) mod register;
mod steps;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use millrace_crds::{JobSpec, MLPipelineSpec, RegisterSpec, step::StepSpec};

pub use condition::{Condition, Scope};
pub use references::uses;
pub use steps::Returns;

/// One thing wrong with a spec.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where, as in `spec.steps[train].when`.
    pub path: String,
    /// What is wrong and what to write instead.
    pub problem: String,
}

impl Finding {
    pub(crate) fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), problem: problem.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.problem)
    }
}

/// All findings in one line.
#[must_use]
pub fn told(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    /// Run a ProcessingJob.
    Job(Box<JobSpec>),
    /// Register a model version.
    Register {
        /// What and where.
        spec: Box<RegisterSpec>,
        /// How long it may take.
        deadline: Duration,
    },
}

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
    pub verb: Verb,
    /// How long its child may be unable to start.
    pub start: Duration,
    /// What others name of what it returns.
    pub returns: Returns,
}

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
    /// Whether a `register` step leaves its registry to the namespace.
    pub any_registry: bool,
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
    let names = names(&spec.steps, &mut findings);
    let known = steps::Known { names: &names, params: &spec.params, steps: &spec.steps, strict };
    let mut edges = Vec::new();
    let mut parsed: Vec<Step> = Vec::new();
    let mut named = BTreeMap::new();
    for step in &spec.steps {
        let (step, mut needs) = steps::parse(step, &known, &mut named, &mut findings);
        needs.retain(|name, _| names.contains(name));
        edges.push(needs);
        parsed.extend(step);
    }
    for step in &mut parsed {
        step.returns = named.remove(&step.name).unwrap_or_default();
    }
    let order = graph::order(&spec.steps, &edges).unwrap_or_else(|cycles| {
        findings.extend(cycles);
        Vec::new()
    });
    if !findings.is_empty() {
        return Err(findings);
    }
    let any_registry = parsed.iter().any(|s| matches!(&s.verb, Verb::Register { spec, .. } if spec.registry.is_none()));
    Ok(Plan { params: spec.params.clone(), data_plane: spec.data_plane.clone(), steps: parsed, order, any_registry })
}

fn names(steps: &[StepSpec], findings: &mut Vec<Finding>) -> BTreeSet<String> {
    if steps.is_empty() {
        findings.push(Finding::new("spec.steps", "a pipeline needs at least one step"));
    }
    let mut names = BTreeSet::new();
    for (at, step) in steps.iter().enumerate() {
        if !names.insert(step.name.clone()) {
            let problem = format!("there is a step {} already; give each step its own name", step.name);
            findings.push(Finding::new(format!("spec.steps[{at}].name"), problem));
        }
    }
    names
}
