//! A cache that is behind the run it belongs to.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use millrace_crds::{MLPipelineRun, Reason};
use millrace_kit::{Operator, Reader, sim::World};
use millrace_pipeline::run::Runs;
use serde_json::{Value, json};

fn run(step: &Value) -> MLPipelineRun {
    let body = json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "MLPipelineRun", "metadata": {"name": "r", "namespace": "ml"},
        "spec": {"pipeline": "p"}, "status": {"revision": "p-1", "steps": [step]},
    });
    serde_json::from_value(body).unwrap()
}

/// A step that runs and whose child is nowhere: either somebody deleted it, or the run that was seen is old.
#[test]
fn a_child_is_not_made_again_for_a_run_that_has_changed_meanwhile() {
    let world = World::default();
    world.apply(&run(&json!({"name": "train", "phase": "Running"})));
    let seen = world.get::<MLPipelineRun>("ml", "r").unwrap();
    let reader = Reader::new(Arc::default(), Arc::new(world.clone()));
    let observe = |run: &MLPipelineRun| futures::executor::block_on(Runs.observe(run, &reader));
    assert!(observe(&seen).is_ok(), "it is the run as it is");
    world.apply(&run(&json!({"name": "train", "phase": "Succeeded"})));
    assert_eq!(observe(&seen).unwrap_err().reason, Reason::CacheBehind);
}
