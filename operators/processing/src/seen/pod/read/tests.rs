//! A pod as the kubelet shows it.

use serde_json::{Value, json};

use super::{Beside, ContainerView, WorkloadView};

fn seen(role: &str, status: Value) -> super::WorkloadView {
    let pod = json!({"metadata": {"name": "x", "labels": {"millrace.dev/role": role}}, "spec": {"containers": []},
        "status": status});
    WorkloadView::of(&serde_json::from_value(pod).unwrap())
}

fn one(name: &str, state: &Value) -> Value {
    json!({"name": name, "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state})
}

#[test]
fn the_programs_container_is_found_by_name() {
    let (runs, ended) = (json!({"running": {}}), json!({"terminated": {"exitCode": 3}}));
    let pod = seen(
        "driver",
        json!({"phase": "Running",
        "containerStatuses": [one("main", &runs), one("spark-kubernetes-driver", &ended)]}),
    );
    assert!(matches!(pod.container, ContainerView::Ended { code: 3, .. }));
    assert_eq!(pod.beside["main"], Beside::Open);
    assert!(!pod.over(), "a container of it runs");
}

#[test]
fn no_other_container_speaks_for_it() {
    let ended = json!({"terminated": {"exitCode": 0}});
    let pod = seen("main", json!({"phase": "Running", "containerStatuses": [one("istio-proxy", &ended)]}));
    assert_eq!(pod.container, ContainerView::Unknown);
    assert_eq!(pod.beside["istio-proxy"], Beside::Ended(0));
}

#[test]
fn init_containers_count_while_they_run() {
    let (runs, ended) = (json!({"running": {}}), json!({"terminated": {"exitCode": 0}}));
    let inits = json!([one("setup", &ended), one("istio-proxy", &runs)]);
    let pod = seen(
        "main",
        json!({"phase": "Running", "containerStatuses": [one("main", &ended)],
        "initContainerStatuses": inits}),
    );
    assert_eq!(pod.beside.keys().collect::<Vec<_>>(), ["istio-proxy"]);
    assert!(!pod.over(), "the kubelet has not ended it yet");
}
