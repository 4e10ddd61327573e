//! Pipelines of steps and their runs.
//!
//! Owns MLPipeline and MLPipelineRun; makes ProcessingJobs, ModelVersions, DataBuckets, DataTopics and the
//! ControllerRevisions that freeze a pipeline for its runs. Talks to the Kubernetes API alone; never deletes data.

pub mod children;
pub mod model;
pub mod pipeline;
pub mod run;

use millrace_crds::well_known::GROUP;
use millrace_kit::{Controller, Env, Kernel, access::Access};

/// The controllers of the operator.
#[must_use]
pub fn controllers(env: &Env) -> Vec<Box<dyn Controller>> {
    vec![
        Box::new(Kernel::new(pipeline::Pipelines, env.reader.clone())),
        Box::new(Kernel::new(run::Runs, env.reader.clone())),
    ]
}

const KEEP: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];
const MAKE: &[&str] = &["get", "list", "watch", "create", "delete"];
const LOOK: &[&str] = &["list", "watch"];

/// What the operator calls, and why.
pub const ACCESS: &[Access] = &[
    Access::cluster(GROUP, "mlpipelines", LOOK, "the pipelines it keeps"),
    Access::cluster(GROUP, "mlpipelines/status", &["update"], "say where a pipeline stands"),
    Access::cluster(GROUP, "mlpipelineruns", MAKE, "start runs on request, keep the history short"),
    Access::cluster(GROUP, "mlpipelineruns/status", &["update"], "say where a run stands"),
    Access::cluster(GROUP, "processingjobs", MAKE, "run steps; stop those of a run whose pipeline is gone"),
    Access::cluster(GROUP, "modelversions", MAKE, "register models; take back a registration past its deadline"),
    Access::cluster(GROUP, "modelregistries", LOOK, "find the only registry of a namespace"),
    Access::cluster(GROUP, "databuckets", KEEP, "declared buckets; the data of a removed one stays by its policy"),
    Access::cluster(GROUP, "datatopics", KEEP, "declared topics; the data of a removed one stays by its policy"),
    Access::cluster("apps", "controllerrevisions", MAKE, "freeze a pipeline for its runs, forget old ones"),
];
