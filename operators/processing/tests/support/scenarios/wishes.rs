//! What users ask for while a job runs or after it.

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use millrace_crds::processing_job::{AttemptResult, FailureClass, JobPhase};
use millrace_kit::{conditions, names};
use serde_json::json;

use super::*;

fn stream(suspend: bool) -> serde_json::Value {
    json!({
        "spark": {"image": "flights:1", "main": "local:///app/events.py", "mode": "Streaming", "checkpoint": "bucket/state"},
        "reads": ["topic/events"], "writes": ["bucket/raw/"], "suspend": suspend,
    })
}

/// Where a Spark attempt keeps its progress.
fn places(conf: &ConfigMap) -> Option<String> {
    let text = conf.data.as_ref()?.get("spark.properties")?;
    text.lines().find(|line| line.starts_with("spark.sql.streaming.checkpointLocation=")).map(str::to_owned)
}

/// Whether a request waits for its run.
fn asked(world: &World) -> bool {
    status(world).pending_run_request.is_some()
}

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        scenario("suspended and resumed", container(json!({"reads": ["bucket/raw"]})), |_, n| {
            if n == 1 { Life::Forever } else { OK }
        })
        .actor(|| dataplane(Plane::Answers))
        .actors(|| {
            vec![
                once(|w| is(w, JobPhase::Running), |w| change(w, json!({"reads": ["bucket/raw"], "suspend": true}))),
                once(|w| is(w, JobPhase::Suspended), |w| change(w, json!({"reads": ["bucket/raw"]}))),
            ]
        })
        .then(|w| {
            phase(w, JobPhase::Succeeded)?;
            last(w, (1, 2, AttemptResult::Succeeded, None))?;
            must(status(w).last_attempts[1].result == AttemptResult::Stopped, "not stopped")?;
            no_grants(w)
        })
        .writes(5 + 3 + 7),
        scenario("stream suspended and resumed", stream(false), |_, _| Life::Forever)
            .actor(|| dataplane(Plane::Answers))
            .actors(|| {
                vec![
                    once(|w| is(w, JobPhase::Running), |w| w.apply(&job(stream(true)))),
                    once(|w| is(w, JobPhase::Suspended), |w| w.apply(&job(stream(false)))),
                ]
            })
            .then(|w| {
                phase(w, JobPhase::Running)?;
                ready(w, "Running")?;
                let status = status(w);
                must(status.attempt.as_ref().is_some_and(|a| a.number == 2), "not resumed")?;
                let log: Vec<_> = w.list::<ConfigMap>().iter().filter_map(places).collect();
                must(log.len() == 2 && log[0] == log[1], format!("another checkpoint: {log:?}"))
            })
            .writes(8 + 4 + 5 + 1),
        scenario("suspended from birth", container(json!({"suspend": true})), |_, _| OK)
            .then(|w| {
                phase(w, JobPhase::Suspended)?;
                must(conditions::is_true(&status(w), "Ready"), "not Ready")
            })
            .writes(1),
        scenario(
            "spec changed while it runs",
            container(json!({})),
            |run, _| if run == 1 { Life::Forever } else { OK },
        )
        .actors(|| {
            vec![once(|w| is(w, JobPhase::Running), |w| change(w, json!({"env": [{"name": "A", "value": "1"}]})))]
        })
        .then(|w| {
            phase(w, JobPhase::Succeeded)?;
            last(w, (2, 1, AttemptResult::Succeeded, None))?;
            must(w.list::<Pod>().len() == 1, "pods of the old run were kept")
        })
        .writes(10),
        scenario("spec changed after the end", spark(json!({})), |_, _| OK)
            .actor(|| dataplane(Plane::Answers))
            .actors(|| {
                vec![once(
                    |w| is(w, JobPhase::Succeeded),
                    |w| w.apply(&job(spark(json!({"reads": ["bucket/raw", "bucket/more"]})))),
                )]
            })
            .then(|w| {
                last(w, (2, 1, AttemptResult::Succeeded, None))?;
                must(w.list::<Pod>().len() == 1 && w.list::<ConfigMap>().len() == 1, "the old run was kept")?;
                no_grants(w)
            })
            .writes(10 + 3 + 8),
        scenario("rerun only on request", container(json!({"rerun": "OnRequest"})), |_, _| OK)
            .actors(|| {
                vec![
                    once(
                        |w| is(w, JobPhase::Succeeded),
                        |w| {
                            change(w, json!({"rerun": "OnRequest", "env": [{"name": "A", "value": "1"}]}));
                        },
                    ),
                    once(
                        |w| live(w).is_some_and(|j| j.metadata.generation == Some(2) && is(w, JobPhase::Succeeded)),
                        |w| {
                            let mut job = live(w).unwrap();
                            job.metadata.annotations =
                                Some([("millrace.dev/run-requested".to_owned(), "1".to_owned())].into());
                            w.apply(&job);
                        },
                    ),
                ]
            })
            .then(|w| last(w, (2, 1, AttemptResult::Succeeded, None)))
            .writes(12),
        scenario("a request is taken away while suspended", container(json!({"rerun": "OnRequest"})), |_, _| OK)
            .actors(|| {
                vec![
                    once(
                        |w| is(w, JobPhase::Succeeded),
                        |w| {
                            let mut job = job(container(json!({"rerun": "OnRequest", "suspend": true})));
                            job.metadata.annotations =
                                Some([("millrace.dev/run-requested".to_owned(), "1".to_owned())].into());
                            w.apply(&job);
                        },
                    ),
                    once(asked, |w| {
                        w.change::<millrace_crds::ProcessingJob>("ml", "features", |j| j.metadata.annotations = None);
                    }),
                    once(
                        |w| asked(w) && live(w).is_some_and(|j| j.metadata.annotations.is_none()),
                        |w| change(w, json!({"rerun": "OnRequest"})),
                    ),
                ]
            })
            .then(|w| last(w, (2, 1, AttemptResult::Succeeded, None)))
            .writes(12),
        scenario("job deleted while it runs", spark(json!({})), |_, _| Life::Forever)
            .actor(|| dataplane(Plane::Answers))
            .actors(|| {
                vec![once(|w| is(w, JobPhase::Running), |w| w.delete::<millrace_crds::ProcessingJob>("ml", "features"))]
            })
            .then(|w| {
                must(w.list::<Pod>().is_empty() && w.list::<ConfigMap>().is_empty(), "something outlives the job")?;
                no_grants(w)
            })
            .writes(5 + 3),
        scenario("somebody else writes into the status", container(json!({})), |_, _| OK)
            .actors(|| {
                let mut left = 3;
                vec![Box::new(move |w| {
                    left -= i32::from(left >= 0);
                    w.change::<millrace_crds::ProcessingJob>("ml", "features", |j| {
                        let note = (format!("note{left}"), json!("kept"));
                        j.status.get_or_insert_default().other.extend((left >= 0).then_some(note));
                    });
                    left >= 0
                })]
            })
            .then(|w| {
                phase(w, JobPhase::Succeeded)?;
                must(status(w).other.len() == 3, "fields of others are lost")
            })
            .writes(5),
        scenario("an old pod's name is taken", container(json!({})), |_, _| OK)
            .actors(|| {
                vec![once(
                    |w| is(w, JobPhase::Succeeded),
                    |w| {
                        let name = status(w).attempt.unwrap_or_default().pod.unwrap_or_default();
                        w.vanish::<Pod>("ml", &name);
                        w.apply(&foreign(&name));
                        change(w, json!({"env": [{"name": "A", "value": "1"}]}));
                    },
                )]
            })
            .then(|w| {
                last(w, (2, 1, AttemptResult::Succeeded, None))?;
                must(w.list::<Pod>().len() == 2, "another's pod was touched")
            })
            .writes(10),
        scenario("a name is taken", container(json!({"retry": {"limit": 3}})), |_, _| OK)
            .given(|w| {
                let uid = live(w).and_then(|j| j.metadata.uid).unwrap_or_default();
                let base = names::child("features", &uid, &["run1", "attempt1"]);
                w.apply(&foreign(&format!("{base}-main")));
            })
            .then(|w| {
                phase(w, JobPhase::Failed)?;
                last(w, (1, 1, AttemptResult::Failed, Some(FailureClass::Configuration)))?;
                must(w.list::<Pod>().len() == 1, "another's pod was touched")
            })
            .writes(4),
    ]
}
