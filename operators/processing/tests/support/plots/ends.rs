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
    ]
}
