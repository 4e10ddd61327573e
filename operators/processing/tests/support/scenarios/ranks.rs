//! Several pods of one attempt: all or nothing.

use k8s_openapi::api::core::v1::{Pod, Service};
use millrace_crds::processing_job::{AttemptResult, FailureClass, JobPhase};
use millrace_kit::names;
use serde_json::json;

use super::*;

fn three(more: Value) -> Value {
    replicas(3, more)
}

fn replicas(count: i32, more: Value) -> Value {
    let mut spec = container(more);
    spec["container"]["replicas"] = json!(count);
    // Nothing but the end of all pods of an attempt holds back the next one.
    if spec.get("retry").is_none() {
        spec["retry"] = json!({"limit": 1, "backoff": {"initial": "0s"}});
    }
    spec
}

/// How many pods of this attempt have ended well.
fn ended_well(world: &World, attempt: (i64, i64)) -> usize {
    let phase = |pod: &Pod| pod.status.as_ref().and_then(|s| s.phase.clone()).unwrap_or_default();
    world.list::<Pod>().iter().filter(|p| crate::support::numbers(p) == attempt && phase(p) == "Succeeded").count()
}

fn no_services(world: &World) -> Result<(), String> {
    must(world.list::<Service>().is_empty(), "a Service was leaked")
}

/// All of them ended well at last, and the first failure was of this class.
fn restarted(world: &World, class: FailureClass) -> Result<(), String> {
    phase(world, JobPhase::Succeeded)?;
    last(world, (1, 2, AttemptResult::Succeeded, None))?;
    let first = status(world).last_attempts[1].clone();
    must(first.class == Some(class), format!("class {:?}: {:?}", first.class, first.message))?;
    must(ended_well(world, (1, 2)) == 3, "not all ranks of attempt 2 ended well")?;
    no_services(world)
}

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        scenario("three ranks end well", three(json!({"reads": ["bucket/raw"]})), |_, _| {
            Life::Ranks(&[Life::Exit(0, r#"{"auc": 0.7}"#), Life::Exit(0, "no JSON"), OK])
        })
        .actor(|| dataplane(Plane::Answers))
        .then(|w| {
            phase(w, JobPhase::Succeeded)?;
            must(status(w).results["auc"] == json!(0.7), "no results of rank 0")?;
            must(ended_well(w, (1, 1)) == 3, "not all ranks ended well")?;
            no_grants(w)?;
            no_services(w)
        })
        .writes(12),
        scenario("a rank fails, all restart", three(json!({})), |_, n| {
            if n == 1 { Life::Ranks(&[Life::Forever, Life::Exit(1, "NCCL error"), Life::Forever]) } else { OK }
        })
        .then(|w| {
            restarted(w, FailureClass::Application)?;
            let first = status(w).last_attempts[1].clone();
            let said = first.message.unwrap_or_default();
            must(said.contains("-rank1: exit code 1: NCCL error"), format!("which rank, and why? {said}"))?;
            let pods = w.list::<Pod>().iter().filter_map(|p| p.metadata.name.clone()).collect::<Vec<_>>();
            must(pods.len() == 4, format!("the failed pod and those of attempt 2 should be there: {pods:?}"))
        })
        .writes(20),
        scenario("a rank is deleted while all run", three(json!({})), |_, n| if n == 1 { Life::Forever } else { OK })
            .actors(|| {
                vec![once(
                    |w| is(w, JobPhase::Running),
                    |w| w.delete::<Pod>("ml", &format!("{}-rank2", status(w).attempt.unwrap_or_default().name)),
                )]
            })
            .then(|w| restarted(w, FailureClass::DriverLost))
            .writes(21),
        scenario("the node of a rank is lost", three(json!({})), |_, n| {
            if n == 1 { Life::Ranks(&[Life::Forever, Life::Forever, Life::NodeLost]) } else { OK }
        })
        .then(|w| restarted(w, FailureClass::Infrastructure))
        .writes(21),
        scenario("no room for one rank", three(json!({"deadlines": {"start": "1m"}})), |_, n| {
            if n == 1 { Life::Ranks(&[Life::Forever, Life::NoRoom, Life::Forever]) } else { OK }
        })
        .then(|w| restarted(w, FailureClass::Capacity))
        .writes(22),
        scenario("ranks suspended and resumed", three(json!({})), |_, n| if n == 1 { Life::Forever } else { OK })
            .actors(|| {
                vec![
                    once(|w| is(w, JobPhase::Running), |w| w.apply(&job(three(json!({"suspend": true}))))),
                    once(
                        |w| is(w, JobPhase::Suspended),
                        |w| {
                            must(w.list::<Pod>().is_empty(), "suspended, and pods are there").unwrap();
                            w.apply(&job(three(json!({}))));
                        },
                    ),
                ]
            })
            .then(|w| {
                last(w, (1, 2, AttemptResult::Succeeded, None))?;
                must(ended_well(w, (1, 2)) == 3, "not all ranks ended well")?;
                no_services(w)
            })
            .writes(23),
        scenario("fewer ranks while they run", three(json!({})), |run, _| if run == 1 { Life::Forever } else { OK })
            .actors(|| vec![once(|w| is(w, JobPhase::Running), |w| w.apply(&job(replicas(2, json!({})))))])
            .then(|w| {
                last(w, (2, 1, AttemptResult::Succeeded, None))?;
                must(w.list::<Pod>().len() == 2 && ended_well(w, (2, 1)) == 2, "not two pods")?;
                no_services(w)
            })
            .writes(21),
        scenario("the name of a rank is taken", three(json!({})), |_, _| Life::Forever)
            .given(|w| {
                let uid = live(w).and_then(|j| j.metadata.uid).unwrap_or_default();
                let base = names::child("features", &uid, &["run1", "attempt1"]);
                w.apply(&foreign(&format!("{base}-rank1")));
            })
            .then(|w| {
                phase(w, JobPhase::Failed)?;
                last(w, (1, 1, AttemptResult::Failed, Some(FailureClass::Configuration)))?;
                must(w.list::<Pod>().len() == 1, "another's pod was touched, or ours is left")?;
                no_services(w)
            })
            .writes(9),
    ]
}
