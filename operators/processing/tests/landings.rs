//! What an earlier version left behind, taken over by this one at any moment: nothing is restarted, renamed or lost.
//!
//! The worlds in `tests/landings` were recorded by the versions they are named after; see the test `record`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::{collections::BTreeSet, fs, path::Path, rc::Rc, time::Duration};

use k8s_openapi::api::{
    core::v1::{ConfigMap, Pod, ServiceAccount},
    rbac::v1::RoleBinding,
};
use millrace_crds::{
    DataGrant, ProcessingJob, ProcessingJobStatus,
    processing_job::{Attempt, AttemptRecord},
};
use millrace_kit::{
    Env,
    sim::{self, Scenario, Schedule, World},
};
use serde_json::Value;
use support::scenarios;

/// Recorded scenarios in which a user does something: from a moment on, it would be done twice.
const WITH_USERS: [&str; 2] = ["suspended and resumed", "spec changed while it runs"];

/// The world at one moment of a scenario, as another version left it.
#[derive(Clone)]
struct Moment {
    scenario: Scenario,
    objects: Vec<Value>,
    now: jiff::Timestamp,
    /// Names and spec hashes the other version ever used in this scenario.
    used: Rc<BTreeSet<String>>,
}

fn restore(world: &World, object: &Value, now: jiff::Timestamp) {
    match object["kind"].as_str().unwrap() {
        "ProcessingJob" => world.restore::<ProcessingJob>(object, now),
        "DataGrant" => world.restore::<DataGrant>(object, now),
        "ConfigMap" => world.restore::<ConfigMap>(object, now),
        "Pod" => world.restore::<Pod>(object, now),
        "ServiceAccount" => world.restore::<ServiceAccount>(object, now),
        "RoleBinding" => world.restore::<RoleBinding>(object, now),
        other => panic!("{other} is not known here"),
    }
}

impl Moment {
    /// Runs this version on it: the scenario from here on, or nobody but the operator.
    fn take_over(&self, scenario: Scenario, end: impl Fn(&World) + 'static) {
        let build = |env: &Env, _: &World| millrace_processing::controllers(env);
        let scenario = scenario.then(move |world| {
            end(world);
            Ok(())
        });
        let outcome = sim::run(&scenario, &build, Schedule::UNDISTURBED);
        assert_eq!(outcome.faults, Vec::<String>::new(), "{}", self.name());
        for create in outcome.writes.iter().filter_map(|w| w.strip_prefix("create ")) {
            let (kind, name) = create.split_once(" ml/").unwrap();
            let shared = ["Event", "ServiceAccount", "RoleBinding", "PodDisruptionBudget"];
            let fresh = shared.contains(&kind) || self.used.contains(name);
            assert!(fresh, "{}: {create} has a name of its own", self.name());
        }
    }

    /// Two seconds without anybody else.
    fn alone(&self, setup: impl Fn(&World) + 'static) -> Scenario {
        Scenario::new(self.name()).within(Duration::from_secs(2)).given(setup).invariant(support::invariant)
    }

    fn restore(&self, world: &World) {
        self.objects.iter().for_each(|o| restore(world, o, self.now));
    }

    fn name(&self) -> String {
        format!("{} at {}", self.scenario.name(), self.now)
    }

    fn job(&self) -> ProcessingJob {
        let found = self.objects.iter().find(|o| o["kind"] == "ProcessingJob");
        serde_json::from_value(found.unwrap().clone()).unwrap()
    }

    fn pods(&self) -> Vec<Pod> {
        let pods = self.objects.iter().filter(|o| o["kind"] == "Pod");
        pods.map(|p| serde_json::from_value((*p).clone()).unwrap()).collect()
    }

    /// Whether the pod of this name is neither over nor on its way out.
    fn runs(&self, name: Option<&str>) -> bool {
        self.pods().iter().any(|p| {
            let phase = p.status.as_ref().and_then(|s| s.phase.as_deref()).unwrap_or_default();
            p.metadata.name.as_deref() == name
                && p.metadata.deletion_timestamp.is_none()
                && !["Succeeded", "Failed"].contains(&phase)
        })
    }
}

/// What may not change: run, attempt and pod, the hash of the spec, and every record.
fn promised(status: &ProcessingJobStatus) -> Value {
    let attempt = status.attempt.clone().unwrap_or_default();
    let records: Vec<_> = status.last_attempts.iter().map(|r| (r.run, r.number, &r.name, r.result, r.class)).collect();
    serde_json::json!({
        "run": status.run_number, "hash": status.spec_hash, "records": records, "finishedAt": status.finished_at,
        "attempt": [attempt.number.to_string(), attempt.name], "pod": attempt.pod, "attemptHash": attempt.spec_hash,
        "createdAt": attempt.created_at, "podUid": attempt.pod_uid, "grant": attempt.grant, "stop": attempt.stop_reason,
    })
}

/// Without help, the new version only goes on with what was begun.
fn supervises(moment: &Moment) {
    let job = moment.job();
    let before = job.status.unwrap_or_default();
    // As it was asked for, without a deadline that may just have passed.
    let unchanged = job.metadata.generation == Some(1) && job.spec.job.deadlines.is_none();
    let running = unchanged && moment.runs(before.attempt.as_ref().and_then(|a| a.pod.as_deref()));
    let at = moment.clone();
    let scenario = moment.alone(move |world| at.restore(world));
    let there = moment.clone();
    moment.take_over(scenario, move |world| {
        let moment = &there;
        let after = support::status(world);
        let (mut was, is) = (promised(&before), promised(&after));
        if was["podUid"].is_null() {
            was["podUid"] = is["podUid"].clone();
        }
        if before.finished_at.is_some() || running {
            assert_eq!(is, was, "{}", moment.name());
            for old in moment.pods() {
                let name = old.metadata.name.as_deref().unwrap();
                let kept = world.get::<Pod>("ml", name).is_some_and(|p| p == old);
                assert!(kept, "{}: pod {name} was touched", moment.name());
            }
        }
        if before.attempt.is_some() && before.spec_hash == after.spec_hash {
            assert_eq!(is["run"], was["run"], "{}: another run", moment.name());
        }
        if let Some(hash) = &after.spec_hash {
            assert!(moment.used.contains(hash), "{}: the spec hash {hash} is another one", moment.name());
        }
    });
}

/// With the world at work, it ends as it would have ended, in no more attempts.
fn ends_the_same(moment: &Moment, last: &ProcessingJobStatus) {
    let (at, there, last) = (moment.clone(), moment.clone(), last.clone());
    moment.take_over(moment.scenario.continued_from(move |world| at.restore(world)), move |world| {
        let moment = &there;
        let mut after = support::status(world);
        // When it ended is the only difference that time makes.
        after.finished_at.clone_from(&last.finished_at);
        let (mut want, mut have) = (promised(&last), promised(&after));
        for side in [&mut want, &mut have] {
            side["createdAt"] = Value::Null;
            side["podUid"] = Value::Null;
        }
        assert_eq!(have, want, "{}", moment.name());
    });
}

/// A status that a newer version wrote goes through this one's hands whole.
fn keeps_what_it_does_not_know(moment: &Moment) {
    let at = moment.clone();
    let setup = move |world: &World| {
        for object in &at.objects {
            let mut object = object.clone();
            for part in ["", "/attempt", "/failures", "/lastAttempts/0"] {
                if let Some(Value::Object(part)) = object.pointer_mut(&format!("/status{part}")) {
                    part.insert("ofANewerVersion".into(), "kept".into());
                }
            }
            restore(world, &object, at.now);
        }
    };
    let before = moment.job().status.unwrap_or_default();
    let there = moment.clone();
    moment.take_over(moment.alone(setup), move |world| {
        let moment = &there;
        let after = support::status(world);
        let kept = |other: &std::collections::BTreeMap<String, Value>| other.contains_key("ofANewerVersion");
        assert!(kept(&after.other), "{}: lost in the status", moment.name());
        let same = |a: &Attempt| before.attempt.as_ref().is_some_and(|b| b.name == a.name);
        let attempt = after.attempt.as_ref().filter(|a| same(a));
        assert!(attempt.is_none_or(|a| kept(&a.other)), "{}: lost in the attempt", moment.name());
        let known = |r: &&AttemptRecord| before.last_attempts.first().is_some_and(|b| b.name == r.name);
        let record = after.last_attempts.iter().find(known);
        assert!(record.is_none_or(|r| kept(&r.other)), "{}: lost in a record", moment.name());
        let counts =
            after.failures.as_ref().filter(|_| before.failures.is_some() && before.run_number == after.run_number);
        assert!(counts.is_none_or(|c| kept(&c.other)), "{}: lost in the counts", moment.name());
    });
}

/// Names of objects, and spec hashes.
fn used(objects: &[Value]) -> BTreeSet<String> {
    let words = |o: &Value| {
        let status = &o["status"];
        let all =
            [&o["metadata"]["name"], &status["specHash"], &status["attempt"]["specHash"], &status["attempt"]["pod"]];
        all.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    objects.iter().flat_map(words).collect()
}

#[test]
fn an_earlier_version_is_taken_over_at_any_moment() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/landings");
    let (mut moments, mut recordings) = (0, 0);
    for version in fs::read_dir(dir).unwrap().flatten() {
        for file in fs::read_dir(version.path()).unwrap().flatten() {
            let stem = file.path().file_stem().unwrap().to_string_lossy().into_owned();
            let same = |one: &Scenario| one.name().replace(", ", " ").replace(' ', "-") == stem;
            let scenario = scenarios::all().into_iter().find(same).unwrap();
            let recorded: Value = serde_json::from_str(&fs::read_to_string(file.path()).unwrap()).unwrap();
            let objects = recorded["objects"].as_array().unwrap();
            let used = Rc::new(used(objects));
            let all: Vec<Moment> = recorded["moments"]
                .as_array()
                .unwrap()
                .iter()
                .map(|m| Moment {
                    scenario: scenario.clone(),
                    objects: m["has"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|i| objects[i.as_u64().unwrap() as usize].clone())
                        .collect(),
                    now: m["now"].as_str().unwrap().parse().unwrap(),
                    used: Rc::clone(&used),
                })
                .collect();
            let last = all.last().unwrap().job().status.unwrap();
            for moment in &all {
                supervises(moment);
                keeps_what_it_does_not_know(moment);
                if !WITH_USERS.contains(&scenario.name()) {
                    ends_the_same(moment, &last);
                }
            }
            moments += all.len();
            recordings += 1;
        }
    }
    assert!(recordings > 5, "only {recordings} recordings");
    println!("taken over: {moments} moments of {recordings} recordings");
}
