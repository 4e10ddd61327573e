//! Random graphs run by decide alone: every step starts only after all it needs, starts once, and ends as the graph says;
//! a decision taken again on its own result changes nothing.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use millrace_crds::{
    MLPipelineRun, ProcessingJob,
    ml_pipeline_run::{RunPhase, StepPhase},
    well_known::LABEL_STEP,
};
use millrace_kit::{Action, Operator, Seen};
use millrace_pipeline::run::{Frozen, Observed, PipelineView, Runs};
use millrace_pipeline::verbs::job;
use proptest::prelude::*;
use serde_json::{Value, json};

/// How a step is written and how its job goes.
#[derive(Clone, Debug)]
struct Node {
    needs: BTreeSet<usize>,
    by_reference: bool,
    when: bool,
    good: bool,
}

fn graphs() -> impl Strategy<Value = Vec<Node>> {
    let node = (
        prop::collection::btree_set(0_usize..12, 0..4),
        any::<bool>(),
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.9),
    );
    prop::collection::vec(node, 1..12).prop_map(|nodes| {
        let node = |(at, (needs, by_reference, when, good)): (usize, (BTreeSet<usize>, bool, bool, bool))| Node {
            needs: needs.into_iter().filter(|n| *n < at).collect(),
            by_reference,
            when,
            good,
        };
        nodes.into_iter().enumerate().map(node).collect()
    })
}

fn name(at: usize) -> String {
    format!("s{at}")
}

/// The steps in reverse, so that the order of the spec never helps.
fn spec(nodes: &[Node]) -> Value {
    let step = |(at, node): (usize, &Node)| {
        let needs: Vec<String> = node.needs.iter().map(|n| name(*n)).collect();
        let args: Vec<String> = needs.iter().map(|n| format!("$(steps.{n}.results.x)")).collect();
        let mut step = json!({"name": name(at), "when": node.when.to_string(), "container": {"image": "i"}});
        if node.by_reference {
            step["container"]["args"] = json!(args)
        } else {
            step["needs"] = json!(needs)
        }
        step
    };
    json!({"steps": nodes.iter().enumerate().rev().map(step).collect::<Vec<_>>()})
}

fn expected(nodes: &[Node]) -> BTreeMap<String, StepPhase> {
    let mut all: Vec<StepPhase> = Vec::new();
    for node in nodes {
        let free = node.needs.iter().all(|n| all[*n] == StepPhase::Succeeded);
        all.push(match (free && node.when, node.good) {
            (false, _) => StepPhase::Skipped,
            (true, true) => StepPhase::Succeeded,
            (true, false) => StepPhase::Failed,
        });
    }
    all.into_iter().enumerate().map(|(at, phase)| (name(at), phase)).collect()
}

fn finished(body: &Value, good: bool) -> ProcessingJob {
    let mut job = body.clone();
    job["metadata"]["generation"] = json!(1);
    let flag = if good { "True" } else { "False" };
    let told = json!({"type": "Succeeded", "status": flag, "reason": "R", "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z"});
    job["status"] = json!({"observedGeneration": 1, "conditions": [told], "results": {"x": 1}});
    serde_json::from_value(job).unwrap()
}

fn play(nodes: &[Node], draws: &[usize]) -> Result<(), TestCaseError> {
    let mut run: MLPipelineRun = serde_json::from_value(json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "MLPipelineRun",
        "metadata": {"name": "r", "namespace": "ml", "uid": "u", "generation": 1}, "spec": {"pipeline": "p"},
    }))
    .unwrap();
    let frozen =
        Frozen { name: "rev".into(), pipeline: "p".into(), spec: serde_json::from_value(spec(nodes)).unwrap() };
    let pipeline = PipelineView { revision: Some("rev".into()), ..PipelineView::default() };
    let mut seen = Seen {
        data: Observed { pipeline: Some(pipeline), revision: Some(frozen), ..Observed::default() },
        ..Seen::default()
    };
    let mut made: BTreeMap<String, Value> = BTreeMap::new();
    let mut open: Vec<String> = Vec::new();
    let mut ended: Vec<ProcessingJob> = Vec::new();
    for draw in draws.iter().take(nodes.len() + 1) {
        let decision = Runs::decide(&run, &seen, Timestamp::UNIX_EPOCH);
        for action in &decision.actions {
            let Action::Create(child) = action else { return Err(TestCaseError::fail(format!("{action:?}"))) };
            let step = child.body["metadata"]["labels"][LABEL_STEP].as_str().unwrap().to_owned();
            if made.insert(step.clone(), child.body.clone()).is_none() {
                open.push(step.clone());
            }
            let at: usize = step[1..].parse().unwrap();
            let phase = |n: &usize| decision.status.steps.iter().find(|s| s.name == name(*n)).unwrap().phase;
            prop_assert!(nodes[at].needs.iter().all(|n| phase(n) == StepPhase::Succeeded), "{step} started too early");
        }
        run.status = Some(decision.status);
        let again = Runs::decide(&run, &seen, Timestamp::UNIX_EPOCH);
        prop_assert_eq!(Some(&again.status), run.status.as_ref(), "decided twice");
        if open.is_empty() {
            break;
        }
        let step = open.remove(draw % open.len());
        let at: usize = step[1..].parse().unwrap();
        ended.push(finished(&made[&step], nodes[at].good));
        // What is not finished is there all the same.
        let running = open.iter().map(|s| serde_json::from_value::<ProcessingJob>(made[s].clone()).unwrap());
        seen.data.children = ended.iter().map(job::state).chain(running.map(|j| job::state(&j))).collect();
    }
    let status = run.status.unwrap();
    let phases: BTreeMap<String, StepPhase> = status.steps.iter().map(|s| (s.name.clone(), s.phase)).collect();
    let want = expected(nodes);
    let failed = want.values().any(|p| *p == StepPhase::Failed);
    prop_assert_eq!(phases, want);
    prop_assert_eq!(status.phase, Some(if failed { RunPhase::Failed } else { RunPhase::Succeeded }));
    prop_assert!(status.progress.unwrap().len() <= 256);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn every_graph_ends_as_it_says(nodes in graphs(), draws in prop::collection::vec(0_usize..100, 13)) {
        play(&nodes, &draws)?;
    }
}
