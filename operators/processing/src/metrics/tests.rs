//! What no story brings about: several jobs at once, and state.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use jiff::Timestamp;
use millrace_kit::{DomainMetrics, Key, metrics::Metrics};
use serde_json::{Value, json};

use super::Jobs;

fn job(name: &str, points: &Value, phase: &str) -> millrace_crds::ProcessingJob {
    serde_json::from_value(json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob",
        "metadata": {"name": name, "namespace": "ml", "uid": name, "generation": 1},
        "spec": {"flink": {"image": "i", "main": "local:///a.jar", "state": {"bucket": "b"}, "taskManagers": {"count": 3}}},
        "status": {
            "observedGeneration": 1, "phase": phase, "runNumber": 1,
            "attempt": {"number": 1, "name": "a", "engine": "flink", "startedAt": "2026-01-01T00:00:40Z"},
            "state": {"restorePoints": points},
        },
    }))
    .unwrap()
}

/// The job that is furthest behind is the one that is told, also if it has no restore point at all.
#[test]
fn the_oldest_restore_point() {
    let metrics = Metrics::default();
    let jobs = Jobs::register(&metrics);
    let at = |second: u32| json!([{"path": "s3://b/1", "kind": "Checkpoint", "attempt": "a", "at": format!("2026-01-01T00:00:{second}Z")}]);
    let told = || {
        let name = "millrace_processing_oldest_restore_point_timestamp_seconds{engine=\"flink\"} ";
        metrics.text().lines().find_map(|l| l.strip_prefix(name).map(|v| v.parse::<i64>().unwrap() - 1_767_225_600))
    };
    assert_eq!(told(), None);
    jobs.stored(&job("a", &at(50), "Running"), Timestamp::UNIX_EPOCH);
    jobs.stored(&job("b", &at(45), "Running"), Timestamp::UNIX_EPOCH);
    jobs.stored(&job("c", &at(10), "Suspended"), Timestamp::UNIX_EPOCH);
    assert_eq!(told(), Some(45));
    jobs.stored(&job("b", &at(55), "Running"), Timestamp::UNIX_EPOCH);
    assert_eq!(told(), Some(50));
    jobs.stored(&job("d", &json!([]), "Running"), Timestamp::UNIX_EPOCH);
    assert_eq!(told(), Some(40));
    assert!(metrics.text().contains("millrace_processing_workers{engine=\"flink\"} 9"));
    ["a", "b", "d"].iter().for_each(|name| jobs.gone(&Key::new("ml", *name)));
    assert_eq!(told(), None);
}

/// A job whose spec names no engine never runs; it is counted where its pod would be judged.
#[test]
fn a_spec_without_an_engine() {
    let metrics = Metrics::default();
    let jobs = Jobs::register(&metrics);
    let job = json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob",
        "metadata": {"name": "a", "namespace": "ml", "uid": "a", "generation": 1}, "spec": {},
    });
    jobs.stored(&serde_json::from_value(job).unwrap(), Timestamp::UNIX_EPOCH);
    assert!(metrics.text().contains("millrace_processing_jobs{engine=\"container\",phase=\"Pending\"} 1"));
}
