//! How an attempt ends.

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use millrace_crds::processing_job::{AttemptResult, FailureClass, JobPhase};
use serde_json::json;

use super::*;

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        scenario("container ends well", container(json!({})), |_, _| Life::Exit(0, r#"{"auc": 0.71, "model": "s3://m/1"}"#))
            .then(|w| {
                phase(w, JobPhase::Succeeded)?;
                must(status(w).results["auc"] == json!(0.71), "no results")
            })
            .writes(5),
        scenario("container with data", container(
                json!({"reads": ["bucket/raw", "topic/events"], "env": [{"name": "URI", "value": "$(bucket.raw)/x"}]}),
            ), |_, _| OK)
            .actor(|| dataplane(Plane::Answers))
            .then(|w| phase(w, JobPhase::Succeeded).and_then(|()| no_grants(w)))
            // The grant's own two writes (Secret, status) are the dataplane's.
            .writes(7),
        scenario("spark ends well", spark(json!({})), |_, _| OK)
            .actor(|| dataplane(Plane::Answers))
            .then(|w| phase(w, JobPhase::Succeeded).and_then(|()| no_grants(w)))
            // As above, with a ConfigMap; and once per namespace an account, its binding and the budget of drivers.
            .writes(8 + 3),
        scenario("results that are none", container(json!({"retry": {"limit": 3}})), |_, _| Life::Exit(0, "auc=0.7"))
            .then(|w| {
                phase(w, JobPhase::Failed)?;
                last(w, (1, 1, AttemptResult::Failed, Some(FailureClass::Configuration)))
            })
            .writes(5),
        scenario("invalid spec", json!({"spark": {"image": "x", "main": "local:///x.py", "conf": {"spark.kubernetes.namespace": "kube-system"}}}), |_, _| OK)
            .then(|w| ready(w, "InvalidSpec"))
            .writes(2),
        scenario("keepPods: Never", spark(json!({"keepPods": "Never"})), |_, _| OK)
            .actor(|| dataplane(Plane::Answers))
            .then(|w| {
                phase(w, JobPhase::Succeeded)?;
                must(w.list::<Pod>().is_empty() && w.list::<ConfigMap>().is_empty(), "something was kept")
            })
            .writes(10 + 3),
        scenario("the kubelet ends it and it exits with 0", container(json!({"retry": {"limit": 0}})), |_, n| if n == 1 { Life::Late("Failed", "DeadlineExceeded") } else { OK })
            .then(|w| {
                phase(w, JobPhase::Succeeded)?;
                last(w, (1, 2, AttemptResult::Succeeded, None))?;
                let first = status(w).last_attempts[1].clone();
                must(first.class == Some(FailureClass::Infrastructure), format!("{first:?}"))
            })
            .writes(9),
        scenario("it is evicted for its own scratch", container(json!({"retry": {"limit": 1, "infrastructureLimit": 5}})), |_, _| Life::Late("Failed", "Evicted: Usage of EmptyDir volume \"tmp\" exceeds the limit \"1Gi\". "))
            .then(|w| {
                last(w, (1, 2, AttemptResult::Failed, Some(FailureClass::Application)))?;
                let told = status(w).last_attempts[0].message.clone().unwrap_or_default();
                must(told.ends_with("raise pod.scratch"), told)
            })
            .writes(9),
        scenario("its phase comes after its exit code", container(json!({})), |_, _| Life::Late("Succeeded", ""))
            .then(|w| phase(w, JobPhase::Succeeded).and_then(|()| last(w, (1, 1, AttemptResult::Succeeded, None))))
            .writes(5),
        scenario("its phase never comes", container(json!({"retry": {"infrastructureLimit": 0}})), |_, _| Life::Late("", ""))
            .then(|w| last(w, (1, 1, AttemptResult::Failed, Some(FailureClass::Infrastructure))))
            .writes(5),
        scenario("a sidecar outlives it", container(json!({"keepPods": "Always"})), |_, _| Life::Beside(0, r#"{"auc": 0.71}"#))
            .then(|w| {
                phase(w, JobPhase::Succeeded)?;
                must(status(w).results["auc"] == json!(0.71), "no results")?;
                must(w.list::<Pod>().is_empty(), "the sidecar still runs")
            })
            .writes(6),
        scenario("a sidecar outlives one that fails", container(json!({"retry": {"limit": 1, "backoff": {"initial": "0s"}}})), |_, n| if n == 1 { Life::Beside(1, "ValueError: no") } else { OK })
            .then(|w| {
                last(w, (1, 2, AttemptResult::Succeeded, None))?;
                let first = status(w).last_attempts[1].clone();
                must(first.class == Some(FailureClass::Application) && first.exit_code == Some(1), format!("{first:?}"))
            })
            .writes(10),
    ]
}
