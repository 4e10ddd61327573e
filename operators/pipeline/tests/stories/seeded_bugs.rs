//! Seeded bugs of the operators: each breaks one rule, and its scenario must end otherwise.

mod of_pipelines;
mod of_runs;

use millrace_kit::{
    Kernel,
    sim::{Seeded, SeededBug, with_bug},
};
use millrace_pipeline::{pipeline::Pipelines, run::Runs};

use super::sound;

/// All of them.
pub(crate) fn all() -> Vec<Seeded> {
    [of_runs::all(), of_pipelines::all()].concat()
}

/// A bug of the controller of MLPipelineRuns.
fn of_runs<B: SeededBug<Of = Runs>>() -> Seeded {
    Seeded::of::<B>(sound, |env, world| {
        vec![Box::new(Kernel::new(Pipelines, env.reader.clone())), with_bug::<B>(Runs, env, world)]
    })
}

/// A bug of the controller of MLPipelines.
fn of_pipelines<B: SeededBug<Of = Pipelines>>() -> Seeded {
    Seeded::of::<B>(sound, |env, world| {
        vec![with_bug::<B>(Pipelines, env, world), Box::new(Kernel::new(Runs, env.reader.clone()))]
    })
}
