//! What an answer of the API server means.

use millrace_kit::Failure;

use super::{Answer, answer};

fn said(status: u16, message: &str) -> Answer {
    answer(Err(Failure::http(status, "Said", message)))
}

#[test]
fn a_quota_that_is_full_now_passes_and_one_that_is_too_small_does_not() {
    let full = "pods \"a\" is forbidden: exceeded quota: q, requested: pods=1,requests.memory=1Gi, used: pods=1,requests.memory=1Gi, limited: pods=1,requests.memory=1536Mi";
    assert_eq!(said(403, full), Answer::Admitted);
    let small = "pods \"a\" is forbidden: exceeded quota: q, requested: requests.memory=2Gi, used: requests.memory=0, limited: requests.memory=1536Mi";
    assert!(matches!(said(403, small), Answer::Refused(told) if told.contains("1536Mi")));
    let odd = "pods \"a\" is forbidden: failed quota: q: must specify limits.cpu for: main";
    assert!(matches!(said(403, odd), Answer::Refused(_)));
}

#[test]
fn only_a_verdict_on_the_pod_is_a_refusal() {
    assert_eq!(answer(Ok(())), Answer::Admitted);
    assert_eq!(said(409, "pods \"a\" already exists"), Answer::Admitted);
    assert_eq!(said(400, "admission webhook \"x\" does not support dry run"), Answer::Admitted);
    assert!(matches!(said(422, "spec.containers[0].image: Required value"), Answer::Refused(_)));
    assert!(matches!(said(403, "violates PodSecurity \"restricted:latest\""), Answer::Refused(_)));
    assert!(matches!(said(500, "failed calling webhook"), Answer::Unanswered(_)));
}
