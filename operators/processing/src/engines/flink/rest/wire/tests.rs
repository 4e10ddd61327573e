use serde_json::json;

use super::{cause, exception, failure, job, points, requirements, trigger, vertices};
use crate::rest::{TriggerView, VertexView};

#[test]
fn our_job_is_found_by_its_id() {
    let body = json!({"jobs": [
        {"jid": "aa", "state": "FAILED", "tasks": {"total": 9}},
        {"jid": "bb", "state": "RUNNING", "tasks": {"total": 2, "running": 1, "finished": 1, "scheduled": 0}},
    ]});
    let found = job(&body, "bb").unwrap();
    assert_eq!((found.state.as_str(), found.tasks, found.running, found.finished), ("RUNNING", 2, 1, 1));
    assert!(job(&body, "cc").is_none());
}

#[test]
fn a_trouble_is_its_innermost_cause() {
    let trace = "org.apache.flink.runtime.JobException: Recovery is suppressed\n\tat a.B.c(B.java:1)\nCaused by: java.lang.ArithmeticException: / by zero\n\tat d.E.f(E.java:2)\n\t... 3 more\n";
    assert_eq!(cause(trace), "java.lang.ArithmeticException: / by zero");
    let body = json!({"exceptionHistory": {"entries": [{"stacktrace": trace}]}});
    assert_eq!(exception(&body).unwrap(), "java.lang.ArithmeticException: / by zero");
    assert!(exception(&json!({"exceptionHistory": {"entries": []}})).is_none());
    assert_eq!(exception(&json!({"root-exception": "x.Y: boo\n\tat a"})).unwrap(), "x.Y: boo");
}

#[test]
fn an_end_tells_its_innermost_cause() {
    let trace = "org.apache.flink.runtime.client.JobExecutionException: Job execution failed.\n\tat a.B.c(B.java:1)\nCaused by: java.lang.IllegalStateException: Failed to rollback to checkpoint/savepoint s3://b/x\n";
    let body = json!({"status": {"id": "COMPLETED"}, "job-execution-result": {"application-status": "FAILED", "failure-cause": {"class": "x", "stack-trace": trace}}});
    assert_eq!(
        failure(&body).unwrap(),
        "java.lang.IllegalStateException: Failed to rollback to checkpoint/savepoint s3://b/x"
    );
    assert!(failure(&json!({"status": {"id": "IN_PROGRESS"}})).is_none());
}

#[test]
fn what_is_discarded_is_no_restore_point() {
    let old = json!({"id": 4, "status": "COMPLETED", "is_savepoint": false, "discarded": true, "external_path": "s3://b/chk-4"});
    let body = json!({
        "latest": {
            "completed": old,
            "savepoint": {"id": 5, "status": "COMPLETED", "is_savepoint": true, "discarded": false,
                "external_path": "s3://b/savepoint-1", "trigger_timestamp": 1_700_000_000_000_i64, "state_size": 7,
                "checkpoint_type": "SYNC_SAVEPOINT"},
        },
        "history": [
            old,
            {"id": 3, "status": "COMPLETED", "is_savepoint": false, "discarded": false, "external_path": "s3://b/chk-3"},
            {"id": 6, "status": "FAILED", "is_savepoint": false, "discarded": false},
        ],
    });
    let (checkpoint, savepoint) = points(&body);
    assert_eq!(checkpoint.unwrap().path, "s3://b/chk-3");
    let savepoint = savepoint.unwrap();
    assert_eq!((savepoint.path.as_str(), savepoint.size, savepoint.last), ("s3://b/savepoint-1", Some(7), true));
    assert_eq!(points(&json!({"latest": {"completed": null}, "history": []})), (None, None));
}

#[test]
fn completed_without_a_location_is_a_failure() {
    let done = json!({"status": {"id": "COMPLETED"}, "operation": {"location": "s3://b/savepoint-1"}});
    assert_eq!(trigger(&done), TriggerView::Done { path: "s3://b/savepoint-1".into() });
    let failed = json!({"status": {"id": "COMPLETED"}, "operation": {"failure-cause": {
        "class": "x.CheckpointException", "stack-trace": "x.CheckpointException: Not all required tasks are currently running\n\tat a", "serialized-throwable": "…"}}});
    let TriggerView::Failed { problem } = trigger(&failed) else { panic!("not failed") };
    assert_eq!(problem, "x.CheckpointException: Not all required tasks are currently running");
    assert_eq!(trigger(&json!({"status": {"id": "IN_PROGRESS"}})), TriggerView::Running);
}

#[test]
fn bounds_are_told_of_all_vertices_or_of_none() {
    let graph = json!({"vertices": [
        {"id": "aa", "parallelism": 2, "maxParallelism": 128, "name": "source"},
        {"id": "bb", "parallelism": 1, "maxParallelism": -1},
    ]});
    let both = json!({"aa": {"parallelism": {"lowerBound": 1, "upperBound": 3}}, "bb": {"parallelism": {"lowerBound": 1, "upperBound": 1}}});
    let one = |id: &str, bounds, tasks, limit| VertexView { id: id.into(), bounds, tasks, limit };
    assert_eq!(vertices(&graph, &both), [one("aa", (1, 3), 2, 128), one("bb", (1, 1), 1, i32::MAX)]);
    assert_eq!(vertices(&graph, &json!({"aa": both["aa"]})), []);
    let asked = [("aa".to_owned(), (1, 3)), ("bb".to_owned(), (1, 1))];
    assert_eq!(requirements(&asked.into_iter().collect()), both);
}
