//! Attempts that run out of memory.

use k8s_openapi::api::core::v1::Pod;
use millrace_crds::processing_job::{AttemptResult, FailureClass, JobPhase};
use serde_json::json;

use super::*;

const FULL: Life = Life::Exit(137, "");

/// The memory a pod of this attempt may use.
fn limit(world: &World, attempt: i64) -> String {
    let pods = world.list::<Pod>();
    let pod = pods.iter().find(|pod| crate::support::numbers(pod) == (1, attempt)).unwrap();
    let limits = pod.spec.as_ref().unwrap().containers[0].resources.clone().unwrap().limits.unwrap();
    limits["memory"].0.clone()
}

pub(crate) fn all() -> Vec<Plot> {
    vec![
        Plot {
            name: "memory grows until it is enough",
            spec: container(json!({"retry": {"onOutOfMemory": {"grow": "50%", "max": "1Gi"}}})),
            life: |_, n| if n < 3 { FULL } else { OK },
            before: |_| {},
            plane: None,
            around: Vec::new,
            end: |w| {
                phase(w, JobPhase::Succeeded)?;
                last(w, (1, 3, AttemptResult::Succeeded, None))?;
                let limits = [1, 2, 3].map(|attempt| limit(w, attempt));
                must(limits == ["256Mi", "384Mi", "576Mi"], format!("{limits:?}"))?;
                let status = status(w);
                must(status.failures.clone().unwrap_or_default().application == 0, "charged to the user")?;
                let said = status.last_attempts[1].message.clone().unwrap_or_default();
                must(said.contains("the next attempt asks for 576Mi"), said)
            },
            writes: 13,
        },
        Plot {
            name: "memory grows to its bound",
            spec: container(json!({"retry": {"limit": 5, "onOutOfMemory": {"grow": "50%", "max": "300Mi"}}})),
            life: |_, _| FULL,
            before: |_| {},
            plane: None,
            around: Vec::new,
            end: |w| {
                phase(w, JobPhase::Failed)?;
                last(w, (1, 2, AttemptResult::Failed, Some(FailureClass::OutOfMemory)))?;
                let said = status(w).last_attempts[0].message.clone().unwrap_or_default();
                must(
                    said.starts_with("raise container.memory and retry.onOutOfMemory.max (300Mi was not enough)"),
                    said,
                )
            },
            writes: 9,
        },
    ]
}
