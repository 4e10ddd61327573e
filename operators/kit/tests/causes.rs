//! What kube-scheduler, kubelet and container runtimes really say, and what each of it means.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use millrace_kit::{Fault, Warning, causes};
use serde::Deserialize;

/// One line of `words.yaml`: who says what, and what it means; of the advice a part.
#[derive(Deserialize)]
struct Case {
    word: String,
    says: String,
    fault: String,
    reason: String,
    advice: String,
}

fn cases() -> Vec<Case> {
    serde_saphyr::from_str(include_str!("words.yaml")).unwrap()
}

#[test]
fn words_mean_what_they_say() {
    for case in cases() {
        let cause = causes::of(&case.word, &case.says).unwrap_or_else(|| panic!("{}: {}", case.word, case.says));
        let (fault, reason) = (format!("{:?}", cause.fault), cause.reason.word().to_owned());
        assert_eq!(
            (fault, reason),
            (case.fault, case.reason),
            "{}
{cause:#?}",
            case.says
        );
        assert!(
            cause.advice.contains(&case.advice),
            "{}
{cause:#?}",
            case.says
        );
        assert!(!cause.advice.contains("{}"), "{cause:#?}");
        assert!(!cause.words.contains("preemption"), "{cause:#?}");
    }
}

#[test]
fn what_is_no_obstacle_is_none() {
    for (word, message) in [
        ("ContainerCreating", ""),
        ("PodInitializing", ""),
        ("Unhealthy", "Readiness probe failed"),
        ("BackOff", "Back-off restarting failed container main in pod x"),
        ("DNSConfigForming", "Search Line limits were exceeded"),
        ("Forbidden", "violates PodSecurity \"restricted:latest\""),
    ] {
        assert_eq!(causes::of(word, message), None, "{word}");
    }
}

/// One advice has one reason and one fault: both together are the fingerprint of a cause.
#[test]
fn one_advice_is_of_one_fault() {
    let mut known: BTreeMap<String, (Fault, &str)> = BTreeMap::new();
    for case in cases() {
        let cause = causes::of(&case.word, &case.says).unwrap();
        let had = known.entry(cause.advice.clone()).or_insert((cause.fault, cause.reason.word()));
        assert_eq!(*had, (cause.fault, cause.reason.word()), "{}", cause.advice);
    }
}

fn told(word: &str, message: &str) -> (&'static str, String) {
    let cause = causes::of(word, message).unwrap();
    (cause.reason.word(), cause.message("Pod train-main"))
}

#[test]
fn a_cause_is_known_again_in_other_words() {
    let not_found = "rpc error: code = NotFound desc = docker.io/library/x:1: not found";
    let same = [
        (
            ("ErrImagePull", not_found),
            (
                "ImagePullBackOff",
                "Back-off pulling image \"x:1\": ErrImagePull: rpc error: code = NotFound desc = x: not found",
            ),
        ),
        (("ErrImagePull", not_found), ("ImagePullBackOff", "Back-off pulling image \"x:1\"")),
        (
            ("FailedMount", "MountVolume.SetUp failed for volume \"a\" : secret \"s\" not found"),
            (
                "FailedMount",
                "Unable to attach or mount volumes: unmounted volumes=[a]: timed out waiting for the condition",
            ),
        ),
        (
            ("Unschedulable", "0/3 nodes are available: 3 Insufficient cpu."),
            ("Unschedulable", "0/4 nodes are available: 1 Too many pods, 3 Insufficient cpu."),
        ),
        (
            ("FailedMount", "MountVolume.SetUp failed for volume \"a\" : secret \"s\" not found"),
            ("CreateContainerConfigError", "secret \"s\" not found"),
        ),
    ];
    for ((word, message), (again, other)) in same {
        let (reason, message) = told(word, message);
        let cause = causes::of(again, other).unwrap();
        assert!(cause.told_by(reason, &message), "{message}\n{cause:#?}");
    }
    let others = [
        (("ErrImagePull", not_found), ("ErrImagePull", "503 Service Unavailable")),
        (("FailedMount", "secret \"s\" not found"), ("FailedMount", "secret \"t\" not found")),
        (
            ("Unschedulable", "0/1 nodes are available: 1 Insufficient cpu."),
            ("Unschedulable", "0/1 nodes are available: 1 Insufficient memory."),
        ),
        (
            ("Unschedulable", "0/1 nodes are available: 1 Insufficient cpu."),
            ("ImagePullBackOff", "Back-off pulling image \"x:1\""),
        ),
    ];
    for ((word, message), (next, other)) in others {
        let (reason, message) = told(word, message);
        let cause = causes::of(next, other).unwrap();
        assert!(!cause.told_by(reason, &message), "{message}\n{cause:#?}");
    }
}

#[test]
fn the_newest_word_that_says_something_counts() {
    let warning = |reason: &str, message: &str| Warning { reason: reason.into(), message: message.into(), last: None };
    let late = warning("FailedMount", "Unable to attach or mount volumes: timed out waiting for the condition");
    let missing = warning("FailedMount", "MountVolume.SetUp failed for volume \"a\" : secret \"s\" not found");
    let other = warning("Unhealthy", "Readiness probe failed");
    assert_eq!(causes::newest(&[other.clone(), late.clone(), missing]).unwrap().reason.word(), "SecretMissing");
    assert_eq!(causes::newest(&[other.clone(), late]).unwrap().reason.word(), "VolumeNotMounted");
    assert_eq!(causes::newest(&[other]), None);
}

/// A condition keeps 2,048 bytes, and the advice stands at the end.
#[test]
fn long_words_leave_room_for_the_advice() {
    let cause = causes::of("ErrImagePull", &format!("{}: not found", "x".repeat(5_000))).unwrap();
    assert!(cause.message("Pod train-main").len() < 1_500);
}

/// The kubelet's three sentences about a pod's own use, and its sentence about a node's.
#[test]
fn a_pods_own_use_of_disk_is_told_from_its_nodes() {
    use causes::{Overuse, overuse};
    let volume = "Usage of EmptyDir volume \"tmp\" exceeds the limit \"1Gi\". ";
    let pod = "Pod ephemeral local storage usage exceeds the total limit of containers 2Gi. ";
    let container = "Container main exceeded its local ephemeral storage limit \"1Gi\". ";
    let node = "The node was low on resource: ephemeral-storage. Threshold quantity: 10%, available: 9%. Container main was \
                using 20Gi, request is 0, has larger consumption of ephemeral-storage. ";
    let read = [volume, pod, container, node, ""].map(overuse);
    assert_eq!(read, [Some(Overuse::Volume("tmp")), Some(Overuse::Containers), Some(Overuse::Containers), None, None]);
}
