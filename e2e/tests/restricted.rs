//! Every pod an operator renders passes the *restricted* Pod Security level, on a real API server; and the walls around
//! Spark drivers and JobManagers stand there.
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

use std::{collections::BTreeSet, fs, process::Command, time::Duration};

use millrace_e2e::cluster::tool;
use millrace_e2e::local::LocalApi;
use millrace_e2e::ui::{Failure, Ui};
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

/// A wall around pods that ask the API server for more pods.
struct Wall {
    /// Its policy, and the role its account is bound to.
    name: &'static str,
    account: &'static str,
    /// Name and uid of the pod that asks.
    caller: (&'static str, &'static str),
    /// Container of the pods it asks for.
    container: &'static str,
    /// What the engine adds to our template.
    adds: fn(&mut Value),
}

const WALLS: [Wall; 2] = [
    Wall {
        name: "millrace-spark-driver",
        account: "millrace-spark",
        caller: ("features-bcdfghjk-driver", "uid-1"),
        container: "spark-kubernetes-executor",
        adds: |pod| {
            pod["metadata"]["labels"]["spark-app-selector"] = json!("features-bcdfghjk");
            pod["metadata"]["ownerReferences"] = json!([{
                "apiVersion": "v1", "kind": "Pod", "name": "features-bcdfghjk-driver", "uid": "uid-1", "controller": true,
            }]);
        },
    },
    Wall {
        name: "millrace-flink-jobmanager",
        account: "millrace-flink",
        caller: ("counts-bcdfghjk-jobmanager", "uid-1"),
        container: "flink-main-container",
        adds: |pod| {
            pod["metadata"]["name"] = json!("counts-bcdfghjk-taskmanager-1-1");
            pod["metadata"]["labels"]["app"] = json!("counts-bcdfghjk");
            pod["metadata"]["ownerReferences"] = json!([{
                "apiVersion": "apps/v1", "kind": "Deployment", "name": "counts-bcdfghjk", "uid": "uid-2",
            }]);
        },
    },
];

impl Wall {
    /// kubectl as the calling pod, as its token says it.
    fn kubectl(&self, api: &LocalApi) -> Command {
        let text = fs::read_to_string(&api.kubeconfig).unwrap();
        let mut config: Value = serde_saphyr::from_str(&text).unwrap();
        for user in config["users"].as_array_mut().unwrap() {
            user["user"]["as"] = json!(format!("system:serviceaccount:{NAMESPACE}:{}", self.account));
            user["user"]["as-user-extra"] = json!({
                "authentication.kubernetes.io/pod-name": [self.caller.0],
                "authentication.kubernetes.io/pod-uid": [self.caller.1],
            });
        }
        let file = api.kubeconfig.with_file_name(format!("kubeconfig-{}", self.account));
        fs::write(&file, config.to_string()).unwrap();
        let mut kubectl = Command::new(&api.target.program);
        kubectl.arg(format!("--kubeconfig={}", file.display()));
        kubectl
    }

    /// A pod as the engine asks for it from our template.
    fn honest(&self) -> Value {
        let ours = |pod: &Value| {
            let executor = pod["metadata"]["labels"]["millrace.dev/role"] == "executor";
            executor && pod["spec"]["containers"][0]["name"] == self.container
        };
        let mut pod = rendered().into_iter().find(ours).unwrap();
        pod["spec"]["volumes"] = json!([{"name": "tmp", "emptyDir": {}}]);
        pod["spec"]["containers"][0]["volumeMounts"] = json!([]);
        pod["spec"]["serviceAccountName"] = json!("default");
        pod["spec"]["automountServiceAccountToken"] = json!(false);
        (self.adds)(&mut pod);
        pod
    }

    fn stands(&self, api: &LocalApi) {
        let role = format!("--clusterrole={}", self.name);
        let account = format!("--serviceaccount={NAMESPACE}:{}", self.account);
        api.target.run(&["create", "rolebinding", self.account, &role, &account, "--namespace", NAMESPACE]).unwrap();
        let ask = |pod: &Value| kubectl(self.kubectl(api), &DRY, pod);
        let honest = self.honest();
        let mut foreign = honest.clone();
        foreign["metadata"]["ownerReferences"][0]["name"] = json!("another");
        // The policy is in force some moments after it is stored.
        let refused = |said: Result<String, String>| said.is_err_and(|said| said.contains(self.name));
        let enforced = || Ok(refused(ask(&foreign)).then_some(()));
        let never = || Failure::because(format!("{} is never in force", self.name), format!("{:?}", ask(&foreign)));
        tool::wait(Duration::from_secs(30), enforced, never).unwrap();
        ask(&honest).unwrap_or_else(|said| panic!("{}: an honest pod: {said}", self.name));
        let with = |volume: &Value| {
            let mut pod = honest.clone();
            let mut named = volume.clone();
            named["name"] = json!("more");
            pod["spec"]["volumes"].as_array_mut().unwrap().push(named);
            ask(&pod)
        };
        with(&claim(json!({}))).unwrap_or_else(|said| panic!("{}: a new claim: {said}", self.name));
        for volume in forbidden() {
            let said = with(&volume).expect_err(&volume.to_string());
            assert!(said.contains(self.name), "{volume}: {said}");
        }
        let mut token = honest;
        token["spec"]["automountServiceAccountToken"] = json!(true);
        assert!(refused(ask(&token)), "{}: a pod with a token", self.name);
    }
}

/// A claim made for the pod.
fn claim(more: Value) -> Value {
    let mut spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"ephemeral": {"volumeClaimTemplate": {"spec": spec}}})
}

/// Volumes that would bring something of another into the pod.
fn forbidden() -> [Value; 8] {
    let source = json!({"kind": "PersistentVolumeClaim", "name": "other"});
    [
        claim(json!({"volumeName": "pv"})),
        claim(json!({"selector": {"matchLabels": {"a": "b"}}})),
        claim(json!({"dataSource": source})),
        claim(json!({"dataSourceRef": source})),
        json!({"persistentVolumeClaim": {"claimName": "other"}}),
        json!({"secret": {"secretName": "other"}}),
        json!({"configMap": {"name": "other"}}),
        json!({"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}),
    ]
}

#[test]
fn a_spark_driver_makes_its_own_executors_and_nothing_else() {
    stands(&WALLS[0]);
}

#[test]
fn a_jobmanager_makes_its_own_taskmanagers_and_nothing_else() {
    stands(&WALLS[1]);
}

fn stands(wall: &Wall) {
    let api = LocalApi::start(&Ui::plain()).unwrap();
    prepare(&api);
    let walls = repository().join("charts/millrace/walls");
    api.target.run(&["apply", "-f", &walls.display().to_string()]).unwrap();
    wall.stands(&api);
    println!("{}: an honest pod is admitted, {} others are refused", wall.name, forbidden().len() + 2);
}
