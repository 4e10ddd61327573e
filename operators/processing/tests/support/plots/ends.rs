//! How an attempt ends.

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use millrace_crds::processing_job::{AttemptResult, FailureClass, JobPhase};
use serde_json::json;

use super::*;

pub(crate) fn all() -> Vec<Plot> {
    vec![
        Plot {
            name: "container ends well",
            spec: container(json!({})),
            life: |_, _| Life::Exit(0, r#"{"auc": 0.71, "model": "s3://m/1"}"#),
            before: |_| {},
            plane: None,
            around: Vec::new,
            end: |w| {
                phase(w, JobPhase::Succeeded)?;
                must(status(w).results["auc"] == json!(0.71), "no results")
            },
            writes: 5,
        },
        Plot {
            name: "container with data",
            spec: container(
                json!({"reads": ["bucket/raw", "topic/events"], "env": [{"name": "URI", "value": "$(bucket.raw)/x"}]}),
            ),
            life: |_, _| OK,
            before: |_| {},
            plane: Some(Plane::Answers),
            around: Vec::new,
            end: |w| phase(w, JobPhase::Succeeded).and_then(|()| no_grants(w)),
            // The grant's own two writes (Secret, status) are the dataplane's.
            writes: 7,
        },
        Plot {
            name: "spark ends well",
            spec: spark(json!({})),
            life: |_, _| OK,
            before: |_| {},
            plane: Some(Plane::Answers),
            around: Vec::new,
            end: |w| phase(w, JobPhase::Succeeded).and_then(|()| no_grants(w)),
            // As above, with a ConfigMap; and once per namespace an account, its binding and the budget of drivers.
            writes: 8 + 3,
        },
        Plot {
            name: "results that are none",
            spec: container(json!({"retry": {"limit": 3}})),
            life: |_, _| Life::Exit(0, "auc=0.7"),
            before: |_| {},
            plane: None,
            around: Vec::new,
            end: |w| {
                phase(w, JobPhase::Failed)?;
                last(w, (1, 1, AttemptResult::Failed, Some(FailureClass::Configuration)))
            },
            writes: 5,
        },
        Plot {
            name: "invalid spec",
            spec: json!({"spark": {"image": "x", "main": "local:///x.py", "conf": {"spark.kubernetes.namespace": "kube-system"}}}),
            life: |_, _| OK,
            before: |_| {},
            plane: None,
            around: Vec::new,
            end: |w| ready(w, "InvalidSpec"),
            writes: 2,
        },
        Plot {
            name: "keepPods: Never",
            spec: spark(json!({"keepPods": "Never"})),
            life: |_, _| OK,
            before: |_| {},
            plane: Some(Plane::Answers),
            around: Vec::new,
            end: |w| {
                phase(w, JobPhase::Succeeded)?;
                must(w.list::<Pod>().is_empty() && w.list::<ConfigMap>().is_empty(), "something was kept")
            },
            writes: 10 + 3,
        },
        Plot {
            name: "the kubelet ends it and it exits with 0",
            spec: container(json!({"retry": {"limit": 0}})),
            life: |_, n| if n == 1 { Life::Late("Failed", "DeadlineExceeded") } else { OK },
            before: |_| {},
            plane: None,
            around: Vec::new,
            end: |w| {
                phase(w, JobPhase::Succeeded)?;
                last(w, (1, 2, AttemptResult::Succeeded, None))?;
                let first = status(w).last_attempts[1].clone();
                must(first.class == Some(FailureClass::Infrastructure), format!("{first:?}"))
            },
            writes: 9,
        },
        Plot {
            name: "it is evicted for its own scratch",
            spec: container(json!({"retry": {"limit": 1, "infrastructureLimit": 5}})),
            life: |_, _| Life::Late("Failed", "Evicted: Usage of EmptyDir volume \"tmp\" exceeds the limit \"1Gi\". "),
            before: |_| {},
            plane: None,
            around: Vec::new,
            end: |w| {
                last(w, (1, 2, AttemptResult::Failed, Some(FailureClass::Application)))?;
                let told = status(w).last_attempts[0].message.clone().unwrap_or_default();
                must(told.ends_with("raise pod.scratch"), told)
            },
            writes: 9,
        },
        Plot {
            name: "its phase comes after its exit code",
            spec: container(json!({})),
            life: |_, _| Life::Late("Succeeded", ""),
            before: |_| {},
            plane: None,
            around: Vec::new,
            end: |w| phase(w, JobPhase::Succeeded).and_then(|()| last(w, (1, 1, AttemptResult::Succeeded, None))),
            writes: 5,
        },
        Plot {
            name: "its phase never comes",
            spec: container(json!({"retry": {"infrastructureLimit": 0}})),
            life: |_, _| Life::Late("", ""),
            before: |_| {},
            plane: None,
            around: Vec::new,
            end: |w| last(w, (1, 1, AttemptResult::Failed, Some(FailureClass::Infrastructure))),
            writes: 5,
        },
        Plot {
            name: "a sidecar outlives it",
            spec: container(json!({"keepPods": "Always"})),
            life: |_, _| Life::Beside(0, r#"{"auc": 0.71}"#),
            before: |_| {},
            plane: None,
            around: Vec::new,
            end: |w| {
                phase(w, JobPhase::Succeeded)?;
                must(status(w).results["auc"] == json!(0.71), "no results")?;
                must(w.list::<Pod>().is_empty(), "the sidecar still runs")
            },
            writes: 6,
        },
        Plot {
            name: "a sidecar outlives one that fails",
            spec: container(json!({"retry": {"limit": 1, "backoff": {"initial": "0s"}}})),
            life: |_, n| if n == 1 { Life::Beside(1, "ValueError: no") } else { OK },
            before: |_| {},
            plane: None,
            around: Vec::new,
            end: |w| {
                last(w, (1, 2, AttemptResult::Succeeded, None))?;
                let first = status(w).last_attempts[1].clone();
                must(first.class == Some(FailureClass::Application) && first.exit_code == Some(1), format!("{first:?}"))
            },
            writes: 10,
        },
    ]
}
