//! What can go wrong around an attempt.

use k8s_openapi::api::core::v1::Pod;
use millrace_crds::processing_job::{AttemptResult, FailureClass, JobPhase};
use millrace_kit::conditions;
use serde_json::json;

use super::*;

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        scenario("fails, then succeeds", container(json!({"retry": {"limit": 2}, "reads": ["bucket/raw"]})), |_, n| {
            if n < 3 { Life::Exit(1, "ValueError: no") } else { OK }
        })
        .actor(|| dataplane(Plane::Answers))
        .then(|w| {
            phase(w, JobPhase::Succeeded)?;
            last(w, (1, 3, AttemptResult::Succeeded, None))?;
            must(status(w).failures.unwrap_or_default().application == 2, "failures miscounted")?;
            no_grants(w)
        })
        .writes(3 * 6 + 1),
        scenario("fails for good", container(json!({"retry": {"limit": 1}, "readyWhen": "Completed"})), |_, _| {
            Life::Exit(1, "ValueError: the departures do not add up")
        })
        .then(|w| {
            phase(w, JobPhase::Failed)?;
            ready(w, "Application")?;
            let status = status(w);
            let message = &conditions::get(&status, "Stalled").unwrap().message;
            must(message.contains("the departures do not add up"), "the program's words are lost")
        })
        .writes(9),
        scenario("pod deleted while it runs", container(json!({})), |_, n| if n == 1 { Life::Forever } else { OK })
            .actors(|| {
                vec![once(
                    |w| status(w).attempt.is_some_and(|a| a.pod_uid.is_some()),
                    |w| w.delete::<Pod>("ml", &status(w).attempt.unwrap().pod.unwrap()),
                )]
            })
            .then(|w| {
                phase(w, JobPhase::Succeeded)?;
                let failures = status(w).failures.unwrap_or_default();
                must((failures.application, failures.infrastructure) == (0, 1), "charged to the user")
            })
            .writes(9),
        scenario("node lost", spark(json!({})), |_, n| if n == 1 { Life::NodeLost } else { OK })
            .actor(|| dataplane(Plane::Answers))
            .then(|w| {
                phase(w, JobPhase::Succeeded)?;
                must(status(w).last_attempts[1].class == Some(FailureClass::Infrastructure), "wrong class")?;
                no_grants(w)
            })
            .writes(7 + 3 + 8),
        scenario("image never pulls", container(json!({"deadlines": {"start": "2m"}})), |_, _| Life::NoImage)
            .then(|w| {
                phase(w, JobPhase::Failed)?;
                last(w, (1, 1, AttemptResult::Failed, Some(FailureClass::Image)))?;
                must(w.list::<Pod>().is_empty(), "a pod that never ran was kept")
            })
            .writes(7),
        scenario(
            "no room",
            container(json!({"deadlines": {"start": "1m"}, "retry": {"infrastructureLimit": 1}})),
            |_, n| if n == 1 { Life::NoRoom } else { OK },
        )
        .then(|w| {
            phase(w, JobPhase::Succeeded)?;
            must(status(w).last_attempts[1].class == Some(FailureClass::Capacity), "wrong class")
        })
        .writes(6 + 5),
        scenario("run deadline", container(json!({"deadlines": {"run": "1m"}})), |_, _| Life::Forever)
            .then(|w| {
                phase(w, JobPhase::Failed)?;
                last(w, (1, 1, AttemptResult::Failed, Some(FailureClass::Deadline)))
            })
            .writes(7),
        scenario(
            "grant never ready",
            container(
                json!({"reads": ["bucket/raw"], "deadlines": {"start": "1m"}, "retry": {"infrastructureLimit": 1}}),
            ),
            |_, _| OK,
        )
        .actor(|| dataplane(Plane::Refuses))
        .then(|w| {
            phase(w, JobPhase::Failed)?;
            ready(w, "Dependency")?;
            must(w.list::<Pod>().is_empty(), "a pod ran without its data")?;
            no_grants(w)
        })
        .writes(11),
        scenario(
            "grant never answered",
            container(
                json!({"reads": ["bucket/raw"], "deadlines": {"start": "10s"}, "retry": {"infrastructureLimit": 0}}),
            ),
            |_, _| OK,
        )
        .then(|w| phase(w, JobPhase::Failed).and_then(|()| no_grants(w)))
        .writes(5),
    ]
}
