//! The workloads of a ProcessingJob.

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use millrace_crds::{
    DataGrant,
    processing_job::{AttemptResult, FailureClass, JobPhase},
};
use millrace_kit::{conditions, names, sim::World};
use serde_json::{Value, json};

use crate::support::{Life, Plane, Plot, job, live, must, once, status};

fn container(more: Value) -> Value {
    let mut spec = json!({"container": {"image": "train:1", "command": ["python3", "/app/train.py"]}});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    spec
}

fn phase(world: &World, want: JobPhase) -> Result<(), String> {
    let status = status(world);
    must(status.phase == Some(want), format!("phase {:?}, not {want:?}: {:#?}", status.phase, status.conditions))
}

fn last(world: &World, want: (i64, i64, AttemptResult, Option<FailureClass>)) -> Result<(), String> {
    let record = status(world).last_attempts.first().cloned().unwrap_or_default();
    let have = (record.run, record.number, record.result, record.class);
    must(have == want, format!("last attempt {have:?}, not {want:?}: {:?}", record.message))
}

fn no_grants(world: &World) -> Result<(), String> {
    must(world.list::<DataGrant>().is_empty(), "a grant was leaked")
}

fn ready(world: &World, want: &str) -> Result<(), String> {
    let status = status(world);
    let have = conditions::get(&status, "Ready").map(|c| c.reason.clone()).unwrap_or_default();
    must(have == want, format!("Ready says {have}, not {want}"))
}

const OK: Life = Life::Exit(0, "");

pub(crate) fn all() -> Vec<Plot> {
    let mut all = ends();
    all.extend(troubles());
    all.extend(wishes());
    all
}

#[allow(dead_code, reason = "each test binary uses a part")]
pub(crate) fn named(name: &str) -> Plot {
    all().into_iter().find(|p| p.name == name).unwrap()
}

fn spark(more: Value) -> Value {
    let mut spec = json!({
        "spark": {"image": "flights:1", "main": "local:///app/features.py", "args": ["$(bucket.raw)"],
            "executors": {"count": 2}},
        "reads": ["bucket/raw"], "writes": ["bucket/features/day=1/"],
    });
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    spec
}

fn ends() -> Vec<Plot> {
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
            spec: container(json!({"reads": ["bucket/raw", "topic/events"], "env": [{"name": "URI", "value": "$(bucket.raw)/x"}]})),
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
            // As above, with a ConfigMap; and once per namespace an account and its binding.
            writes: 8 + 2,
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
            writes: 10 + 2,
        },
    ]
}

fn troubles() -> Vec<Plot> {
    vec![
        Plot {
            name: "fails, then succeeds",
            spec: container(json!({"retry": {"limit": 2}, "reads": ["bucket/raw"]})),
            life: |_, n| if n < 3 { Life::Exit(1, "ValueError: no") } else { OK },
            before: |_| {},
            plane: Some(Plane::Answers),
            around: Vec::new,
            end: |w| {
                phase(w, JobPhase::Succeeded)?;
                last(w, (1, 3, AttemptResult::Succeeded, None))?;
                must(status(w).failures.unwrap_or_default().application == 2, "failures miscounted")?;
                no_grants(w)
            },
            writes: 3 * 6 + 1,
        },
        Plot {
            name: "fails for good",
            spec: container(json!({"retry": {"limit": 1}, "readyWhen": "Completed"})),
            life: |_, _| Life::Exit(1, "ValueError: the departures do not add up"),
            before: |_| {},
            plane: None,
            around: Vec::new,
            end: |w| {
                phase(w, JobPhase::Failed)?;
                ready(w, "Application")?;
                let status = status(w);
                let message = &conditions::get(&status, "Stalled").unwrap().message;
                must(message.contains("the departures do not add up"), "the program's words are lost")
            },
            writes: 9,
        },
        Plot {
            name: "pod deleted while it runs",
            spec: container(json!({})),
            life: |_, n| if n == 1 { Life::Forever } else { OK },
            before: |_| {},
            plane: None,
            around: || {
                vec![once(
                    |w| status(w).attempt.is_some_and(|a| a.pod_uid.is_some()),
                    |w| w.delete::<Pod>("ml", &status(w).attempt.unwrap().pod.unwrap()),
                )]
            },
            end: |w| {
                phase(w, JobPhase::Succeeded)?;
                let failures = status(w).failures.unwrap_or_default();
                must((failures.application, failures.infrastructure) == (0, 1), "charged to the user")
            },
            writes: 9,
        },
        Plot {
            name: "node lost",
            spec: spark(json!({})),
            life: |_, n| if n == 1 { Life::NodeLost } else { OK },
            before: |_| {},
            plane: Some(Plane::Answers),
            around: Vec::new,
            end: |w| {
                phase(w, JobPhase::Succeeded)?;
                must(status(w).last_attempts[1].class == Some(FailureClass::Infrastructure), "wrong class")?;
                no_grants(w)
            },
            writes: 7 + 2 + 8,
        },
        Plot {
            name: "image never pulls",
            spec: container(json!({"deadlines": {"start": "2m"}})),
            life: |_, _| Life::NoImage,
            before: |_| {},
            plane: None,
            around: Vec::new,
            end: |w| {
                phase(w, JobPhase::Failed)?;
                last(w, (1, 1, AttemptResult::Failed, Some(FailureClass::Image)))?;
                must(w.list::<Pod>().is_empty(), "a pod that never ran was kept")
            },
            writes: 6,
        },
        Plot {
            name: "no room",
            spec: container(json!({"deadlines": {"start": "1m"}, "retry": {"infrastructureLimit": 1}})),
            life: |_, n| if n == 1 { Life::NoRoom } else { OK },
            before: |_| {},
            plane: None,
            around: Vec::new,
            end: |w| {
                phase(w, JobPhase::Succeeded)?;
                must(status(w).last_attempts[1].class == Some(FailureClass::Capacity), "wrong class")
            },
            writes: 5 + 5,
        },
        Plot {
            name: "run deadline",
            spec: container(json!({"deadlines": {"run": "1m"}})),
            life: |_, _| Life::Forever,
            before: |_| {},
            plane: None,
            around: Vec::new,
            end: |w| {
                phase(w, JobPhase::Failed)?;
                last(w, (1, 1, AttemptResult::Failed, Some(FailureClass::Deadline)))
            },
            writes: 7,
        },
        Plot {
            name: "grant never ready",
            spec: container(json!({"reads": ["bucket/raw"], "deadlines": {"start": "1m"}, "retry": {"infrastructureLimit": 1}})),
            life: |_, _| OK,
            before: |_| {},
            plane: Some(Plane::Refuses),
            around: Vec::new,
            end: |w| {
                phase(w, JobPhase::Failed)?;
                ready(w, "Dependency")?;
                must(w.list::<Pod>().is_empty(), "a pod ran without its data")?;
                no_grants(w)
            },
            writes: 11,
        },
        Plot {
            name: "grant never answered",
            spec: container(json!({"reads": ["bucket/raw"], "deadlines": {"start": "10s"}, "retry": {"infrastructureLimit": 0}})),
            life: |_, _| OK,
            before: |_| {},
            plane: None,
            around: Vec::new,
            end: |w| phase(w, JobPhase::Failed).and_then(|()| no_grants(w)),
            writes: 5,
        },
    ]
}

/// Somebody else's pod.
fn foreign(name: &str) -> Pod {
    let body = json!({"metadata": {"name": name, "namespace": "ml"}, "spec": {"containers": [{"name": "x"}]},
        "status": {"phase": "Succeeded"}});
    serde_json::from_value(body).unwrap()
}

fn change(world: &World, more: Value) {
    world.apply(&job(container(more)));
}

fn is(world: &World, want: JobPhase) -> bool {
    status(world).phase == Some(want)
}

fn wishes() -> Vec<Plot> {
    vec![
        Plot {
            name: "suspended and resumed",
            spec: container(json!({"reads": ["bucket/raw"]})),
            life: |_, n| if n == 1 { Life::Forever } else { OK },
            before: |_| {},
            plane: Some(Plane::Answers),
            around: || {
                vec![
                    once(|w| is(w, JobPhase::Running), |w| change(w, json!({"reads": ["bucket/raw"], "suspend": true}))),
                    once(|w| is(w, JobPhase::Suspended), |w| change(w, json!({"reads": ["bucket/raw"]}))),
                ]
            },
            end: |w| {
                phase(w, JobPhase::Succeeded)?;
                last(w, (1, 2, AttemptResult::Succeeded, None))?;
                must(status(w).last_attempts[1].result == AttemptResult::Stopped, "not stopped")?;
                no_grants(w)
            },
            writes: 5 + 3 + 7,
        },
        Plot {
            name: "suspended from birth",
            spec: container(json!({"suspend": true})),
            life: |_, _| OK,
            before: |_| {},
            plane: None,
            around: Vec::new,
            end: |w| {
                phase(w, JobPhase::Suspended)?;
                must(conditions::is_true(&status(w), "Ready"), "not Ready")
            },
            writes: 1,
        },
        Plot {
            name: "spec changed while it runs",
            spec: container(json!({})),
            life: |run, _| if run == 1 { Life::Forever } else { OK },
            before: |_| {},
            plane: None,
            around: || {
                vec![once(|w| is(w, JobPhase::Running), |w| change(w, json!({"env": [{"name": "A", "value": "1"}]})))]
            },
            end: |w| {
                phase(w, JobPhase::Succeeded)?;
                last(w, (2, 1, AttemptResult::Succeeded, None))?;
                must(w.list::<Pod>().len() == 1, "pods of the old run were kept")
            },
            writes: 10,
        },
        Plot {
            name: "spec changed after the end",
            spec: spark(json!({})),
            life: |_, _| OK,
            before: |_| {},
            plane: Some(Plane::Answers),
            around: || {
                vec![once(|w| is(w, JobPhase::Succeeded), |w| w.apply(&job(spark(json!({"reads": ["bucket/raw", "bucket/more"]})))))]
            },
            end: |w| {
                last(w, (2, 1, AttemptResult::Succeeded, None))?;
                must(w.list::<Pod>().len() == 1 && w.list::<ConfigMap>().len() == 1, "the old run was kept")?;
                no_grants(w)
            },
            writes: 10 + 2 + 8,
        },
        Plot {
            name: "rerun only on request",
            spec: container(json!({"rerun": "OnRequest"})),
            life: |_, _| OK,
            before: |_| {},
            plane: None,
            around: || {
                vec![
                    once(|w| is(w, JobPhase::Succeeded), |w| {
                        change(w, json!({"rerun": "OnRequest", "env": [{"name": "A", "value": "1"}]}));
                    }),
                    once(|w| live(w).is_some_and(|j| j.metadata.generation == Some(2) && is(w, JobPhase::Succeeded)), |w| {
                        let mut job = live(w).unwrap();
                        job.metadata.annotations = Some([("millrace.dev/run-requested".to_owned(), "1".to_owned())].into());
                        w.apply(&job);
                    }),
                ]
            },
            end: |w| last(w, (2, 1, AttemptResult::Succeeded, None)),
            writes: 12,
        },
        Plot {
            name: "job deleted while it runs",
            spec: spark(json!({})),
            life: |_, _| Life::Forever,
            before: |_| {},
            plane: Some(Plane::Answers),
            around: || {
                vec![once(|w| is(w, JobPhase::Running), |w| w.delete::<millrace_crds::ProcessingJob>("ml", "features"))]
            },
            end: |w| {
                must(w.list::<Pod>().is_empty() && w.list::<ConfigMap>().is_empty(), "something outlives the job")?;
                no_grants(w)
            },
            writes: 5 + 2,
        },
        Plot {
            name: "somebody else writes into the status",
            spec: container(json!({})),
            life: |_, _| OK,
            before: |_| {},
            plane: None,
            around: || {
                let mut left = 3;
                vec![Box::new(move |w| {
                    left -= i32::from(left >= 0);
                    w.change::<millrace_crds::ProcessingJob>("ml", "features", |j| {
                        let note = (format!("note{left}"), json!("kept"));
                        j.status.get_or_insert_default().other.extend((left >= 0).then_some(note));
                    });
                    left >= 0
                })]
            },
            end: |w| {
                phase(w, JobPhase::Succeeded)?;
                must(status(w).other.len() == 3, "fields of others are lost")
            },
            writes: 5,
        },
        Plot {
            name: "an old pod's name is taken",
            spec: container(json!({})),
            life: |_, _| OK,
            before: |_| {},
            plane: None,
            around: || {
                vec![once(
                    |w| is(w, JobPhase::Succeeded),
                    |w| {
                        let name = status(w).attempt.unwrap_or_default().pod.unwrap_or_default();
                        w.vanish::<Pod>("ml", &name);
                        w.apply(&foreign(&name));
                        change(w, json!({"env": [{"name": "A", "value": "1"}]}));
                    },
                )]
            },
            end: |w| {
                last(w, (2, 1, AttemptResult::Succeeded, None))?;
                must(w.list::<Pod>().len() == 2, "another's pod was touched")
            },
            writes: 10,
        },
        Plot {
            name: "a name is taken",
            spec: container(json!({"retry": {"limit": 3}})),
            life: |_, _| OK,
            before: |w| {
                let uid = live(w).and_then(|j| j.metadata.uid).unwrap_or_default();
                let base = names::child("features", &uid, &["run1", "attempt1"]);
                w.apply(&foreign(&format!("{base}-main")));
            },
            plane: None,
            around: Vec::new,
            end: |w| {
                phase(w, JobPhase::Failed)?;
                last(w, (1, 1, AttemptResult::Failed, Some(FailureClass::Configuration)))?;
                must(w.list::<Pod>().len() == 1, "another's pod was touched")
            },
            writes: 4,
        },
    ]
}
