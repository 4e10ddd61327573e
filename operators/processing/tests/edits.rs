//! Complaint 8, any edit kills the run: what an edit touches follows from the field, in every phase, as docs/processing.md
//! says; and every field of the spec is in the table here.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use jiff::Timestamp;
use millrace_crds::{ProcessingJob, ProcessingJobStatus, processing_job::StopReason};
use millrace_kit::{Operator, Seen};
use millrace_processing::{Answer, ContainerView, Observed, Preflight, Processing, WorkloadView};
use serde_json::{Value, json};

/// When an edit takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// At once, on the attempt that runs.
    Live,
    /// With the next attempt.
    NextAttempt,
    /// As another run.
    Restart,
}
use Effect::{Live, NextAttempt, Restart};

/// Every field with another value than [`base`] has.
fn edits() -> Vec<(&'static str, Value, Effect)> {
    vec![
        ("spark", json!({"image": "s", "main": "local:///a.py"}), Restart),
        ("flink", json!({"image": "f", "main": "local:///a.jar", "mode": "Batch"}), Restart),
        ("container.image", json!("y"), Restart),
        ("container.imagePullPolicy", json!("Always"), Restart),
        ("container.command", json!(["other"]), Restart),
        ("container.args", json!(["other"]), Restart),
        ("container.cpu", json!("200m"), Restart),
        ("container.memory", json!("1Gi"), Restart),
        ("container.resources", json!({"nvidia.com/gpu": 1}), Restart),
        ("container.sharedMemory", json!("64Mi"), Restart),
        ("container.checkpoint", json!("bucket/state"), Restart),
        ("container.replicas", json!(2), Restart),
        ("dataPlane", json!("other"), Restart),
        ("reads", json!(["bucket/raw"]), Restart),
        ("writes", json!(["bucket/raw"]), Restart),
        ("env", json!([{"name": "A", "value": "1"}]), Restart),
        ("pod", json!({"labels": {"team": "a"}}), Restart),
        ("retry.limit", json!(7), NextAttempt),
        ("retry.infrastructureLimit", json!(7), NextAttempt),
        ("retry.backoff", json!({"initial": "1s", "resetAfter": "1h"}), NextAttempt),
        ("retry.onOutOfMemory", json!({"grow": "50%", "max": "8Gi"}), NextAttempt),
        ("deadlines.start", json!("20m"), Live),
        ("deadlines.run", json!("5h"), Live),
        ("deadlines.stop", json!("1m"), NextAttempt),
        ("deadlines.workers", json!("25m"), Live),
        ("suspend", json!(true), Live),
        ("readyWhen", json!("Completed"), Live),
        ("rerun", json!("OnRequest"), Live),
        ("keepPods", json!("Never"), Live),
    ]
}

fn base() -> Value {
    json!({"container": {"image": "x"}, "retry": {"limit": 1}})
}

fn edited(field: &str, value: &Value) -> Value {
    let mut spec = base();
    match field.split_once('.') {
        Some((section, name)) => spec[section][name] = value.clone(),
        None => spec[field] = value.clone(),
    }
    if ["spark", "flink"].contains(&field) {
        spec.as_object_mut().unwrap().remove("container");
    }
    spec
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + second).unwrap()
}

/// One pass of an operator that knows nothing but what is stored.
fn pass(spec: &Value, status: &ProcessingJobStatus, seen: &Observed, second: i64) -> ProcessingJobStatus {
    let mut job: ProcessingJob = serde_json::from_value(json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob",
        "metadata": {"name": "train", "namespace": "ml", "uid": "u1", "generation": 1}, "spec": spec,
    }))
    .unwrap();
    job.status = Some(serde_json::from_value(serde_json::to_value(status).unwrap()).unwrap());
    Processing::decide(&job, &Seen { data: seen.clone(), ..Seen::default() }, at(second)).status
}

fn pod(status: &ProcessingJobStatus, phase: &str, container: ContainerView) -> Observed {
    let pod = WorkloadView {
        name: status.attempt.clone().unwrap().pod.unwrap(),
        uid: "p1".into(),
        phase: phase.into(),
        container,
        ..WorkloadView::default()
    };
    let preflight = Some(Preflight { answer: Some(Answer::Admitted), ..Preflight::default() });
    Observed { workload: Some(pod), preflight, ..Observed::default() }
}

fn ended(code: i32) -> ContainerView {
    let (reason, message) = ("Error".into(), String::new());
    ContainerView::Ended { code, reason, message, started: Some(at(2)), finished: Some(at(9)) }
}

/// The phases an edit may find a job in, with what is seen in them.
fn phases() -> Vec<(&'static str, ProcessingJobStatus, Observed)> {
    let none = Observed::default();
    let starting = pass(&base(), &ProcessingJobStatus::default(), &none, 0);
    let runs = pod(&starting, "Running", ContainerView::Running { since: Some(at(2)) });
    let running = pass(&base(), &starting, &runs, 3);
    let retrying = pass(&base(), &running, &pod(&starting, "Failed", ended(1)), 10);
    let second = pass(&base(), &retrying, &none, 60);
    let failed = pass(&base(), &second, &pod(&second, "Failed", ended(1)), 70);
    let succeeded = pass(&base(), &running, &pod(&starting, "Succeeded", ended(0)), 10);
    let all = vec![
        ("Starting", starting, none.clone()),
        ("Running", running, runs),
        ("Retrying", retrying, none.clone()),
        ("Failed", failed, none.clone()),
        ("Succeeded", succeeded, none),
    ];
    for (phase, status, _) in &all {
        assert_eq!(format!("{:?}", status.phase.unwrap()), *phase);
    }
    all
}

#[test]
fn complaint_08_an_edit_restarts_only_what_it_changes() {
    for (phase, status, seen) in phases() {
        for (field, value, effect) in edits() {
            let at = format!("{field} edited while {phase}");
            let spec = edited(field, &value);
            let next = pass(&spec, &status, &seen, 12);
            let stop = next.attempt.clone().and_then(|a| a.stop_reason);
            if effect == Restart {
                let run = if phase == "Running" {
                    assert_eq!(stop, Some(StopReason::SpecChanged), "{at}");
                    // The pod is gone, and so is the operator that asked it to go.
                    pass(&spec, &next, &Observed { lost: true, ..Observed::default() }, 15).run_number
                } else {
                    next.run_number
                };
                assert_eq!(run, Some(2), "{at}");
                continue;
            }
            let suspended = field == "suspend" && phase == "Running";
            assert_eq!(stop, suspended.then_some(StopReason::Suspended), "{at}");
            assert_eq!(next.run_number, Some(1), "{at}");
            assert_eq!(next.attempt.map(|a| a.name), status.attempt.clone().map(|a| a.name), "{at}");
            assert_eq!(next.spec_hash, status.spec_hash, "{at}");
        }
    }
}

/// An edit that was made while no operator ran is found by the next one, and an edit that was taken back is none.
#[test]
fn complaint_08_no_edit_is_lost_and_none_is_invented() {
    for (phase, status, seen) in phases() {
        let spec = edited("env", &json!([{"name": "A", "value": "1"}]));
        let late = pass(&spec, &status, &seen, 100_000);
        let stopping = late.attempt.clone().and_then(|a| a.stop_reason).is_some();
        assert!(late.run_number == Some(2) || stopping, "{phase}: the edit was lost");
        if phase != "Starting" {
            let back = pass(&base(), &status, &seen, 12);
            assert_eq!(back.run_number, Some(1), "{phase}: an edit was invented");
        }
    }
}

#[test]
fn every_field_of_the_spec_is_told_apart() {
    let crds = millrace_crds::manifests::all();
    let crd = crds.iter().find(|crd| crd["spec"]["names"]["kind"] == "ProcessingJob").unwrap();
    let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"];
    let told: BTreeSet<String> = edits().into_iter().map(|(field, ..)| field.to_owned()).collect();
    let mut fields = BTreeSet::new();
    for (name, schema) in spec.as_object().unwrap() {
        match schema["properties"].as_object() {
            Some(inner) if ["container", "retry", "deadlines"].contains(&name.as_str()) => {
                fields.extend(inner.keys().map(|inner| format!("{name}.{inner}")));
            }
            _ => _ = fields.insert(name.clone()),
        }
    }
    assert_eq!(told, fields);
}
