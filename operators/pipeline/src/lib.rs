//! Pipelines of steps and their runs.
//!
//! Owns MLPipeline and MLPipelineRun; makes the children of steps, DataBuckets, DataTopics and the ControllerRevisions that
//! freeze a pipeline for its runs. Talks to the Kubernetes API alone; never deletes data.

pub mod children;
mod index;
mod modifiers;
pub mod pipeline;
mod rights;
pub mod run;
pub mod spec;
pub mod triggers;
pub mod verbs;

use millrace_crds::well_known::GROUP;
use millrace_kit::{Controller, Env, Kernel, access::Access};

use rights::{KEEP, LOOK, MAKE};

/// The controllers of the operator.
#[must_use]
pub fn controllers(env: &Env) -> Vec<Box<dyn Controller>> {
    vec![
        Box::new(Kernel::new(pipeline::Pipelines, env.reader.clone())),
        Box::new(Kernel::new(run::Runs, env.reader.clone())),
    ]
}

const ACCESS: [Access; 7] = [
    Access::cluster(GROUP, "mlpipelines", LOOK, "the pipelines it keeps"),
    Access::cluster(GROUP, "mlpipelines/status", &["update"], "say where a pipeline stands"),
    Access::cluster(GROUP, "mlpipelineruns", MAKE, "start runs on request, keep the history short"),
    Access::cluster(GROUP, "mlpipelineruns/status", &["update"], "say where a run stands"),
    Access::cluster(GROUP, "databuckets", KEEP, "declared buckets; the data of a removed one stays by its policy"),
    Access::cluster(GROUP, "datatopics", KEEP, "declared topics; the data of a removed one stays by its policy"),
    Access::cluster("apps", "controllerrevisions", MAKE, "freeze a pipeline for its runs, forget old ones"),
];

/// What the operator calls, and why: its own rights and those of each verb.
#[must_use]
pub fn access() -> Vec<Access> {
    ACCESS.into_iter().chain(verbs::ALL.iter().flat_map(|verb| verb.access()).copied()).collect()
}
