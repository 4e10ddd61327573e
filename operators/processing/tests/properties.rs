//! What holds for any pod, grant and time: decide comes to rest, never speaks with two tongues, never acts unlogged.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use jiff::Timestamp;
use millrace_crds::{ProcessingJob, ProcessingJobStatus};
use millrace_kit::{Action, Decision, Operator, Seen, conditions};
use millrace_processing::{ContainerView, GrantView, Observed, Processing, WorkloadView, rest::FlinkCall};
use proptest::prelude::*;
use serde_json::{Value, json};

/// 2026-01-01T00:00:00Z
const START: i64 = 1_767_225_600;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).unwrap()
}

fn specs() -> impl Strategy<Value = Value> {
    let engine = prop_oneof![
        Just(json!({"container": {"image": "x"}})),
        Just(json!({"spark": {"image": "x", "main": "local:///x.py"}, "reads": ["bucket/raw"]})),
        Just(json!({"container": {"image": "x"}, "writes": ["bucket/raw/a/"]})),
        Just(json!({"container": {"image": "x", "replicas": 3}})),
        Just(json!({"container": {"image": "$(params.x)"}})),
    ];
    (engine, any::<bool>(), 0..3_i32, any::<bool>(), 0..3_usize).prop_map(|(mut spec, suspend, limit, run, keep)| {
        spec["suspend"] = json!(suspend);
        spec["retry"] = json!({"limit": limit});
        spec["keepPods"] = json!(["Always", "OnFailure", "Never"][keep]);
        if run {
            spec["deadlines"] = json!({"run": "1m", "start": "40s"});
        }
        spec
    })
}

fn containers() -> impl Strategy<Value = ContainerView> {
    let waiting = |reason: &str| ContainerView::Waiting { reason: reason.into(), message: "why".into() };
    prop_oneof![
        Just(ContainerView::Unknown),
        Just(waiting("ContainerCreating")),
        Just(waiting("ImagePullBackOff")),
        Just(waiting("CreateContainerConfigError")),
        Just(ContainerView::Running { since: Some(at(3)) }),
        (prop_oneof![Just(0), Just(1), Just(137)], prop_oneof![Just(""), Just("{\"a\": 1}"), Just("boo")]).prop_map(
            |(code, message)| ContainerView::Ended {
                code,
                reason: "Error".into(),
                message: message.into(),
                started: Some(at(3)),
                finished: Some(at(9)),
            }
        ),
    ]
}

/// What the world may look like to the attempt the status speaks of.
fn worlds() -> impl Strategy<Value = Observed> {
    let pod = (containers(), any::<bool>(), 0..3_usize).prop_map(|(container, deleted, phase)| WorkloadView {
        name: "features-main".into(),
        uid: "p1".into(),
        phase: ["Pending", "Running", "Failed"][phase].into(),
        deleted: deleted.then(|| at(5)),
        grace: Some(30),
        container,
        ..WorkloadView::default()
    });
    let pod = pod.boxed();
    let grant = any::<bool>().prop_map(|ready| GrantView {
        uid: "g1".into(),
        ready,
        said: Some(("Said".into(), "so".into())),
        ..GrantView::default()
    });
    let ranks = proptest::collection::vec(proptest::option::of(pod.clone()), 2);
    (proptest::option::of(pod), ranks, proptest::option::of(grant), any::<bool>()).prop_map(
        |(pod, ranks, grant, lost)| Observed {
            lost: lost && pod.is_none(),
            // Their names end in the rank; the attempt's name comes before it, once there is one.
            ranks: ranks
                .into_iter()
                .zip(["-rank1", "-rank2"])
                .filter_map(|(pod, name)| Some(WorkloadView { name: name.into(), ..pod? }))
                .collect(),
            workload: pod,
            grant,
            account: true,
            binding: true,
            budget: true,
            ..Observed::default()
        },
    )
}

fn decide(
    spec: &Value,
    status: &ProcessingJobStatus,
    seen: (Observed, i64),
) -> Decision<ProcessingJobStatus, FlinkCall> {
    let mut job: ProcessingJob = serde_json::from_value(json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob",
        "metadata": {"name": "features", "namespace": "ml", "uid": "u1", "generation": 1}, "spec": spec,
    }))
    .unwrap();
    job.status = Some(status.clone());
    Processing::decide(&job, &Seen { data: seen.0, ..Seen::default() }, at(seen.1))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order: each pass, asked again with the same eyes, writes nothing new; Ready,
    /// Reconciling and Stalled agree; what is created belongs to the attempt that the status has stored.
    #[test]
    fn decide_is_steady_and_consistent(spec in specs(), story in proptest::collection::vec((worlds(), 1..90_i64), 1..8)) {
        let mut status = ProcessingJobStatus::default();
        let mut now = 0;
        for (world, later) in story {
            now += later;
            // An uid that is not stored cannot be missed.
            let stored = status.attempt.as_ref().is_some_and(|a| a.pod_uid.is_some());
            let mut world = Observed { lost: world.lost && stored, ..world };
            let live = status.attempt.clone().unwrap_or_default();
            world.ranks.retain(|_| live.replicas.is_some());
            for pod in &mut world.ranks {
                pod.name = format!("{}{}", live.name, pod.name);
            }
            let there = |name: &String| world.ranks.iter().any(|pod| pod.name == *name);
            let stored = live.ranks.iter().zip(["-rank1", "-rank2"]).filter(|(uid, _)| !uid.is_empty());
            world.lost_ranks = stored.map(|(_, rank)| format!("{}{rank}", live.name)).filter(|name| !there(name)).collect();
            let decision = decide(&spec, &status, (world.clone(), now));
            let next = &decision.status;
            for (ready, other) in [("Reconciling", "Stalled"), ("Stalled", "Reconciling"), ("Ready", "Stalled"), ("Ready", "Reconciling")] {
                prop_assert!(!(conditions::is_true(next, ready) && conditions::is_true(next, other)), "{ready} and {other}");
            }
            let attempt = next.attempt.clone().unwrap_or_default();
            for action in &decision.actions {
                if let Action::Create(child) = action {
                    let name = child.address().key.name;
                    prop_assert!(name.starts_with(&attempt.name) && !attempt.name.is_empty(), "{name} is not of {}", attempt.name);
                    prop_assert!(!attempt.name.contains("u1"), "a name that is not derived");
                }
            }
            let same = next.attempt == status.attempt && next.last_attempts == status.last_attempts;
            if same {
                let again = decide(&spec, next, (world, now));
                prop_assert_eq!(&again.status, next, "two passes over one world differ");
            }
            prop_assert!(next.last_attempts.len() <= 5);
            status = decision.status;
        }
    }
}
