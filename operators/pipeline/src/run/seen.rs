//! What a run sees, as plain data.

use millrace_crds::{MLPipelineRun, MLPipelineSpec, ml_pipeline_run::StepStatus};
use serde::{Deserialize, Serialize};

use crate::{
    children::step_child,
    verbs::{child_state::ChildState, verb::Namespace},
};

/// What a run sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Observed {
    /// Its pipeline, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineView>,
    /// The revision it runs or would run, if one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<Frozen>,
    /// The children of its steps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ChildState>,
    /// What of the namespace its steps depend on.
    #[serde(skip_serializing_if = "Namespace::is_empty")]
    pub namespace: Namespace,
}

impl Observed {
    /// The child of a step that has begun, if it is there.
    pub(super) fn child(&self, run: &MLPipelineRun, step: &StepStatus) -> Option<&ChildState> {
        step.started_at.as_ref()?;
        let name = child_name(run, step);
        self.children.iter().find(|child| child.name == name)
    }
}

/// Name of the child of a step: stored with the step, or derived for a run begun by a Millrace that stored it elsewhere.
pub(super) fn child_name(run: &MLPipelineRun, step: &StepStatus) -> String {
    step.child.as_ref().map_or_else(|| step_child(run, &step.name), |child| child.name.clone())
}

/// A pipeline as its runs see it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PipelineView {
    /// Whether it starts no new runs.
    pub suspended: bool,
    /// Revision of its present spec; `None` unless it is Ready at its generation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Why it is not Ready.
    pub message: String,
}

/// A revision by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Frozen {
    /// Name of the ControllerRevision.
    pub name: String,
    /// Name of the pipeline it belongs to; empty if it does not exist.
    pub pipeline: String,
    /// What it holds; `None` if it does not exist or is not a pipeline's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<MLPipelineSpec>,
}
