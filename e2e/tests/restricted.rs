//! Every pod an operator renders passes the *restricted* Pod Security level, on a real API server; and the wall around
//! Spark drivers stands there.
//!
//! The pods are those of the golden folders, whatever engine they are of: pods, the templates of workloads, and the
//! templates an engine reads from its ConfigMap.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod real;

use std::{collections::BTreeSet, fs, process::Command, thread, time::Duration};

use millrace_e2e::local::LocalApi;
use millrace_e2e::ui::Ui;
use real::{kubectl, repository, yaml_files};
use serde_json::{Value, json};

const NAMESPACE: &str = "strict";
const DRY: [&str; 4] = ["create", "--dry-run=server", "-o", "name"];

fn prepare(api: &LocalApi) {
    let labels = json!({"pod-security.kubernetes.io/enforce": "restricted"});
    let all = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}},
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "batch"}, "value": 1},
    ]});
    kubectl(api.target.kubectl(), &["create"], &all).unwrap();
}

/// A pod out of a template: with a name, and with the images that the engine fills in.
fn pod(template: &Value) -> Value {
    let mut pod =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "spec": template["spec"]});
    pod["metadata"]["namespace"] = json!(NAMESPACE);
    if pod["metadata"]["name"].is_null() {
        pod["metadata"]["name"] = json!("from-template");
    }
    for container in pod["spec"]["containers"].as_array_mut().unwrap() {
        if container["image"].is_null() {
            container["image"] = json!("x");
        }
    }
    pod
}

/// The pods that come of an object.
fn pods(body: &Value) -> Vec<Value> {
    match body["kind"].as_str().unwrap_or_default() {
        "Pod" => vec![pod(body)],
        "Deployment" | "Job" | "StatefulSet" => vec![pod(&body["spec"]["template"])],
        "ConfigMap" => {
            let texts = body["data"].as_object().into_iter().flatten().filter_map(|(_, text)| text.as_str());
            let parsed = texts.filter_map(|text| serde_saphyr::from_str::<Value>(text).ok());
            parsed.filter(|value| value["kind"] == "Pod").map(|value| pod(&value)).collect()
        }
        _ => Vec::new(),
    }
}

/// Every pod of every golden decision of every operator.
fn rendered() -> Vec<Value> {
    let mut found = Vec::new();
    for file in yaml_files(&repository().join("operators")) {
        let path = file.display().to_string();
        if !path.contains("/tests/golden/") || !path.ends_with("/decision.yaml") {
            continue;
        }
        let decision: Value = serde_saphyr::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        for action in decision["actions"].as_array().into_iter().flatten() {
            found.extend(["Create", "Apply"].iter().flat_map(|verb| pods(&action[verb]["body"])));
        }
    }
    found
}

#[test]
fn pods_of_all_engines_pass_the_restricted_level() {
    let api = LocalApi::start(&Ui::plain()).unwrap();
    prepare(&api);
    let all = rendered();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let role = |pod: &Value| {
        let container = text(&pod["spec"]["containers"][0]["name"]);
        format!("{} {container}", text(&pod["metadata"]["labels"]["millrace.dev/role"]))
    };
    let roles: BTreeSet<String> = all.iter().map(role).collect();
    for due in [
        "main main",
        "driver spark-kubernetes-driver",
        "executor spark-kubernetes-executor",
        "jobmanager flink-main-container",
        "executor flink-main-container",
    ] {
        assert!(roles.contains(due), "no golden case renders {due}: {roles:?}");
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": all});
    let said = kubectl(api.target.kubectl(), &DRY, &list).unwrap_or_else(|said| panic!("{said}"));
    assert_eq!(said.lines().count(), all.len(), "{said}");
    // The level refuses at all.
    let mut loose = all[0].clone();
    loose["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = json!(true);
    let refused = kubectl(api.target.kubectl(), &DRY, &loose).unwrap_err();
    assert!(refused.contains("violates PodSecurity \"restricted"), "{refused}");
    println!("{} pods pass the restricted level: {roles:?}", all.len());
}

/// The account of a driver's pod, as its token says it.
fn as_driver(api: &LocalApi, driver: (&str, &str)) -> Command {
    let text = fs::read_to_string(&api.kubeconfig).unwrap();
    let mut config: Value = serde_saphyr::from_str(&text).unwrap();
    for user in config["users"].as_array_mut().unwrap() {
        user["user"]["as"] = json!(format!("system:serviceaccount:{NAMESPACE}:millrace-spark"));
        user["user"]["as-user-extra"] = json!({
            "authentication.kubernetes.io/pod-name": [driver.0], "authentication.kubernetes.io/pod-uid": [driver.1],
        });
    }
    let file = api.kubeconfig.with_file_name("kubeconfig-driver");
    fs::write(&file, config.to_string()).unwrap();
    let mut kubectl = Command::new(&api.target.program);
    kubectl.arg(format!("--kubeconfig={}", file.display()));
    kubectl
}

/// An executor as Spark asks for it from our template.
fn executor(driver: (&str, &str)) -> Value {
    let template = rendered().into_iter().find(|pod| pod["metadata"]["labels"]["millrace.dev/role"] == "executor");
    let mut pod = template.unwrap();
    pod["metadata"]["labels"]["spark-app-selector"] = json!(driver.0.strip_suffix("-driver").unwrap());
    pod["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "v1", "kind": "Pod", "name": driver.0, "uid": driver.1, "controller": true}]);
    pod["spec"]["volumes"] = json!([{"name": "tmp", "emptyDir": {}}]);
    pod["spec"]["containers"][0]["volumeMounts"] = json!([]);
    pod["spec"]["serviceAccountName"] = json!("default");
    pod
}

#[test]
fn a_spark_driver_makes_its_own_executors_and_nothing_else() {
    let api = LocalApi::start(&Ui::plain()).unwrap();
    prepare(&api);
    let walls = repository().join("charts/millrace/walls");
    api.target.run(&["apply", "-f", &walls.display().to_string()]).unwrap();
    let role = ["create", "rolebinding", "spark", "--clusterrole=millrace-spark-driver", "--namespace", NAMESPACE];
    let account = format!("--serviceaccount={NAMESPACE}:millrace-spark");
    api.target.run(&[&role[..], &[&account]].concat()).unwrap();
    let driver = ("features-bcdfghjk-driver", "uid-1");
    let ask = |pod: &Value| kubectl(as_driver(&api, driver), &DRY, pod);
    let honest = executor(driver);
    let mut foreign = honest.clone();
    foreign["metadata"]["ownerReferences"][0]["uid"] = json!("uid-2");
    // The policy is in force some moments after it is stored.
    let enforced = (0..300).any(|_| {
        ask(&foreign).is_err() || {
            thread::sleep(Duration::from_millis(100));
            false
        }
    });
    assert!(enforced, "the policy is never in force");
    ask(&honest).unwrap_or_else(|said| panic!("an honest executor: {said}"));
    let claim = |more: Value| {
        let mut spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"ephemeral": {"volumeClaimTemplate": {"spec": spec}}})
    };
    let with = |volume: &Value| {
        let mut pod = honest.clone();
        let mut named = volume.clone();
        named["name"] = json!("more");
        pod["spec"]["volumes"].as_array_mut().unwrap().push(named);
        ask(&pod)
    };
    with(&claim(json!({}))).unwrap_or_else(|said| panic!("a new claim: {said}"));
    let source = json!({"kind": "PersistentVolumeClaim", "name": "other"});
    let forbidden = [
        claim(json!({"volumeName": "pv"})),
        claim(json!({"selector": {"matchLabels": {"a": "b"}}})),
        claim(json!({"dataSource": source})),
        claim(json!({"dataSourceRef": source})),
        json!({"persistentVolumeClaim": {"claimName": "other"}}),
        json!({"secret": {"secretName": "other"}}),
        json!({"configMap": {"name": "other"}}),
        json!({"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}),
    ];
    for volume in &forbidden {
        let said = with(volume).expect_err(&volume.to_string());
        assert!(said.contains("millrace-spark-driver"), "{volume}: {said}");
    }
    println!("an honest executor is admitted, {} volumes are refused", forbidden.len());
}
