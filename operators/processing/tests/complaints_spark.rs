//! What users of other Spark operators complain about, and what keeps it from happening here; one test a complaint.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::{cell::RefCell, rc::Rc};

use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service};
use millrace_kit::sim::{self, Outcome, Scenario, Schedule};
use serde_json::{Value, json};
use support::{Life, Plane, dataplane, scenario, scenarios};

fn played(scenario: &Scenario) -> Outcome {
    sim::run(scenario, &|env, _| millrace_processing::controllers(env), Schedule::UNDISTURBED)
}

/// Runs a Spark job to its end; what was written, and the objects that are left.
fn run(more: Value) -> (Outcome, Vec<Pod>, Vec<ConfigMap>, Vec<Service>) {
    let left = Rc::new(RefCell::new((Vec::new(), Vec::new(), Vec::new())));
    let found = Rc::clone(&left);
    let job = scenario("complaint", scenarios::spark(more), |_, _| Life::Exit(0, ""))
        .actor(|| dataplane(Plane::Answers))
        .then(move |world| {
            *found.borrow_mut() = (world.list::<Pod>(), world.list::<ConfigMap>(), world.list::<Service>());
            Ok(())
        });
    let outcome = played(&job);
    assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
    let (pods, confs, services) = left.take();
    (outcome, pods, confs, services)
}

fn properties(confs: &[ConfigMap]) -> Vec<String> {
    let text = &confs[0].data.as_ref().unwrap()["spark.properties"];
    text.lines().map(str::to_owned).collect()
}

fn has(lines: &[String], wanted: &str) {
    assert!(lines.iter().any(|line| line == wanted), "{wanted} is not in {lines:#?}");
}

/// A Service per application that stays, names that are too long for one, variables for every Service in every pod.
#[test]
fn complaint_13_services_pile_up() {
    let (outcome, pods, confs, services) = run(json!({}));
    assert!(services.is_empty(), "{services:?}");
    assert!(outcome.writes.iter().all(|write| !write.contains("Service ")), "{:?}", outcome.writes);
    let driver = pods[0].spec.as_ref().unwrap();
    assert_eq!(driver.enable_service_links, Some(false));
    assert!(
        driver.containers[0]
            .args
            .as_ref()
            .unwrap()
            .iter()
            .any(|a| a == "spark.driver.host=$(SPARK_DRIVER_BIND_ADDRESS)")
    );
    let template: Value = serde_json::from_str(&confs[0].data.as_ref().unwrap()["executor.yaml"]).unwrap();
    assert_eq!(template["spec"]["enableServiceLinks"], json!(false));
    has(&properties(&confs), "spark.kubernetes.driver.service.deleteOnTermination=false");
    for name in pods.iter().filter_map(|p| p.metadata.name.clone()) {
        assert!(name.len() <= 63, "{name}");
    }
}

/// Packages fetched twice, by whoever submits and by the driver, into a directory nobody can write.
#[test]
fn complaint_14_packages_are_fetched_once_by_the_driver() {
    let (_, pods, confs, _) = run(json!({"spark": {
        "image": "flights:1", "main": "local:///app/features.py", "packages": ["org.example:tool:1.2"],
    }}));
    let lines = properties(&confs);
    has(&lines, "spark.jars.packages=org.example:tool:1.2");
    has(&lines, "spark.jars.ivy=/tmp/.ivy");
    let driver = pods[0].spec.as_ref().unwrap();
    assert!(driver.init_containers.is_none(), "nothing else fetches");
    let mounts = driver.containers[0].volume_mounts.as_ref().unwrap();
    let scratch = mounts.iter().find(|m| m.mount_path == "/tmp").unwrap();
    let volume = driver.volumes.as_ref().unwrap().iter().find(|v| v.name == scratch.name).unwrap();
    assert!(volume.empty_dir.is_some() && scratch.read_only != Some(true));
    let template = &confs[0].data.as_ref().unwrap()["executor.yaml"];
    assert!(!template.contains("org.example"), "executors get their jars from the driver");
}

/// A driver whose program has ended hangs on a thread of it. The property ends the JVM from Spark 4.1 on; a run deadline
/// ends any driver.
#[test]
fn complaint_23_the_driver_ends_with_its_program() {
    let (_, _, confs, _) = run(json!({}));
    has(&properties(&confs), "spark.submit.callSystemExitOnMainExit=true");
    let outcome = played(&scenarios::named("run deadline"));
    assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
}

/// A pod that waits for a ConfigMap made after it.
#[test]
fn complaint_24_the_config_map_is_there_before_the_pod() {
    let (outcome, _, confs, _) = run(json!({}));
    let at = |what: &str| outcome.writes.iter().position(|write| write.contains(what)).unwrap();
    assert!(at("create ConfigMap ") < at("create Pod "), "{:?}", outcome.writes);
    let owner = &confs[0].metadata.owner_references.as_ref().unwrap()[0];
    assert_eq!((owner.kind.as_str(), owner.controller), ("ProcessingJob", Some(true)));
}
