//! A running job whose new spec cannot start: it goes on until the new spec can.

use millrace_crds::{
    DataGrant,
    processing_job::{AttemptResult, JobPhase},
};
use millrace_kit::{Address, Failure, conditions};
use serde_json::{Value, json};

use super::*;
use crate::support::says;

fn bad() -> Value {
    json!({"env": [{"name": "TRY", "value": "bad"}]})
}

/// Refuses the pods of the bad spec, in these words.
fn refuses(at: &Address, body: &Value, message: &str) -> Result<(), Failure> {
    let named = body.to_string().contains("\"bad\"");
    if at.kind.kind == "Pod" && named { Err(Failure::http(403, "Forbidden", message)) } else { Ok(()) }
}

/// As the Pod Security level does.
fn level(at: &Address, body: &Value) -> Result<(), Failure> {
    refuses(at, body, "violates PodSecurity \"restricted:latest\"")
}

/// As a quota does that the pod alone exceeds.
fn quota(at: &Address, body: &Value) -> Result<(), Failure> {
    let told = "exceeded quota: small, requested: requests.memory=256Mi, used: requests.memory=0, limited: requests.memory=200Mi";
    refuses(at, body, told)
}

fn reason(world: &World) -> String {
    conditions::get(&status(world), "Ready").map(|c| c.reason.clone()).unwrap_or_default()
}

/// The old attempt was stopped for the new spec, and for nothing else; the new one ended well.
fn replaced(world: &World) -> Result<(), String> {
    phase(world, JobPhase::Succeeded)?;
    last(world, (2, 1, AttemptResult::Succeeded, None))?;
    let before = status(world).last_attempts[1].clone();
    must(before.result == AttemptResult::Stopped && before.number == 1, format!("the old attempt: {before:?}"))
}

fn late(grant: &DataGrant) -> bool {
    grant.spec.access.iter().any(|a| a.bucket.as_deref() == Some("late"))
}

/// Answers grants, the late bucket's only after the job has told of it.
fn dataplane() -> millrace_kit::sim::Actor {
    let mut told = false;
    Box::new(move |world| {
        told |= reason(world) == "Preflight"
            && conditions::get(&status(world), "Ready").is_some_and(|c| c.message.contains("BucketMissing"));
        for grant in world.list::<DataGrant>() {
            let said = grant.status.clone().unwrap_or_default();
            let open = said.observed_generation <= 0;
            let plane = if late(&grant) && !told { Plane::Refuses } else { Plane::Answers };
            if open || (plane == Plane::Answers && said.secret_name.is_none()) {
                says(world, &grant, plane);
                return true;
            }
        }
        false
    })
}

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        scenario("a new spec is refused", container(json!({})), |run, _| if run == 1 { Life::Forever } else { OK })
            .given(|w| w.admission(Some(level)))
            .actors(|| {
                vec![
                    once(|w| is(w, JobPhase::Running), |w| change(w, bad())),
                    once(
                        |w| reason(w) == "PreflightFailed",
                        |w| change(w, json!({"env": [{"name": "TRY", "value": "good"}]})),
                    ),
                ]
            })
            .then(replaced)
            .writes(12),
        scenario("a new spec exceeds the quota until it is raised", container(json!({})), |run, _| {
            if run == 1 { Life::Forever } else { OK }
        })
        .given(|w| w.admission(Some(quota)))
        .actors(|| {
            vec![
                once(|w| is(w, JobPhase::Running), |w| change(w, bad())),
                once(|w| reason(w) == "PreflightFailed", |w| w.admission(None)),
            ]
        })
        .then(replaced)
        .writes(12),
        scenario("a new spec is refused and taken back", container(json!({})), |_, _| Life::Forever)
            .given(|w| w.admission(Some(level)))
            .actors(|| {
                vec![
                    once(|w| is(w, JobPhase::Running), |w| change(w, bad())),
                    once(|w| reason(w) == "PreflightFailed", |w| change(w, json!({}))),
                ]
            })
            .then(|w| {
                phase(w, JobPhase::Running)?;
                ready(w, "Running")?;
                must(status(w).last_attempts.is_empty(), "the attempt was stopped")
            })
            .writes(6),
        scenario("the data of a new spec is late", container(json!({"reads": ["bucket/raw"]})), |run, _| {
            if run == 1 { Life::Forever } else { OK }
        })
        .actors(|| {
            vec![
                dataplane(),
                once(|w| is(w, JobPhase::Running), |w| change(w, json!({"reads": ["bucket/raw", "bucket/late"]}))),
            ]
        })
        .then(|w| replaced(w).and_then(|()| no_grants(w)))
        .writes(18),
        scenario(
            "the data of a new spec never comes",
            container(json!({"reads": ["bucket/raw"], "deadlines": {"start": "1m"}})),
            |_, _| Life::Forever,
        )
        .actors(|| {
            vec![
                Box::new(|world| {
                    let grants = world.list::<DataGrant>();
                    let open = grants.iter().find(|g| g.status.as_ref().is_none_or(|s| s.observed_generation <= 0));
                    open.is_some_and(|grant| {
                        says(world, grant, if late(grant) { Plane::Refuses } else { Plane::Answers });
                        true
                    })
                }),
                once(
                    |w| is(w, JobPhase::Running),
                    |w| change(w, json!({"reads": ["bucket/late"], "deadlines": {"start": "1m"}})),
                ),
            ]
        })
        .then(|w| {
            phase(w, JobPhase::Running)?;
            ready(w, "PreflightFailed")?;
            must(w.list::<DataGrant>().len() == 2, "the running attempt and the preflight have one grant each")
        })
        .writes(9),
    ]
}
