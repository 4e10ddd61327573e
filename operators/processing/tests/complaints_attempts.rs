//! What users of other operators complain about, and what keeps it from happening here; one test a complaint.
//! Those of what is made and watched stand in complaints.rs, those of Spark in complaints_spark.rs, that of edits in edits.rs.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::{fs, path::Path};

use jiff::Timestamp;
use millrace_crds::{
    ProcessingJob,
    processing_job::{FailureClass, JobPhase},
};
use millrace_kit::{
    Operator, Seen,
    sim::{self, Schedule},
};
use millrace_processing::{Observed, Processing, WorkloadView};
use serde_json::{Value, json};
use support::scenarios;

/// Orders tried of a workload whose caches lag.
const ORDERS: u64 = 100;

/// Runs a workload in many orders; its own end and what holds at every step are checked each time.
fn holds(name: &str) {
    let scenario = scenarios::named(name);
    for seed in 0..ORDERS {
        let build = |env: &millrace_kit::Env, _: &sim::World| millrace_processing::controllers(env);
        let outcome = sim::run(&scenario, &build, Schedule { seed, cut: None });
        assert!(outcome.faults.is_empty(), "{}, order {seed}: {:?}", scenario.name(), outcome.faults);
    }
}

/// Stuck before a rerun: whoever waits, waits until a time, not only for an event that may already have passed.
#[test]
fn complaint_03_every_wait_ends_by_time() {
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/processingjob");
    let mut waits = 0;
    for case in fs::read_dir(goldens).unwrap() {
        let case = case.unwrap().path();
        let decision: Value = serde_saphyr::from_str(&fs::read_to_string(case.join("decision.yaml")).unwrap()).unwrap();
        let spec: Value = serde_saphyr::from_str(&fs::read_to_string(case.join("object.yaml")).unwrap()).unwrap();
        let phase = decision["status"]["phase"].as_str().unwrap_or_default();
        if ["Starting", "Stopping", "Retrying"].contains(&phase) && spec["metadata"]["deletionTimestamp"].is_null() {
            assert!(decision["wake"].is_string(), "{}: {phase}, and no time to look again", case.display());
            waits += 1;
        }
    }
    assert!(waits > 10, "{waits} waits looked at");
}

/// Stuck when a pod is over and has no container statuses: the phase says that it is.
#[test]
fn complaint_05_a_pod_is_over_without_container_statuses() {
    let job: ProcessingJob = serde_json::from_value(json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob",
        "metadata": {"name": "train", "namespace": "ml", "uid": "u1", "generation": 1},
        "spec": {"container": {"image": "x"}},
    }))
    .unwrap();
    let at = |second: i64| Timestamp::from_second(1_767_225_600 + second).unwrap();
    let mut job = job;
    job.status = Some(Processing::decide(&job, &Seen::default(), at(0)).status);
    for (phase, verdict, want) in [
        ("Failed", None, (JobPhase::Retrying, Some(FailureClass::Infrastructure))),
        ("Failed", Some("Evicted"), (JobPhase::Retrying, Some(FailureClass::Infrastructure))),
        ("Succeeded", None, (JobPhase::Succeeded, None)),
    ] {
        let pod = WorkloadView {
            name: job.status.clone().unwrap().attempt.unwrap().pod.unwrap(),
            uid: "p1".into(),
            phase: phase.into(),
            verdict: verdict.map(|reason: &str| (reason.to_owned(), String::new())),
            ..WorkloadView::default()
        };
        let seen = Seen { data: Observed { workload: Some(pod), ..Observed::default() }, ..Seen::default() };
        let status = Processing::decide(&job, &seen, at(5)).status;
        assert_eq!((status.phase.unwrap(), status.last_attempts[0].class), want, "{phase} {verdict:?}");
    }
}

/// A healthy job fails because a cache is behind: here caches lag in a hundred ways, and no job is started twice.
#[test]
fn complaint_06_a_cache_that_lags_fails_no_job() {
    holds("container ends well");
    holds("three ranks end well");
}

/// A driver is lost with its node: the next attempt has another name, and the user's retries are not touched.
#[test]
fn complaint_07_a_lost_node_is_not_the_users_fault() {
    holds("node lost");
    holds("the node of a rank is lost");
}
