use std::{sync::Arc, time::Duration};

use http::{Request, Response};
use k8s_openapi::api::core::v1::Pod;
use kube::client::{Body, Client};
use millrace_crds::Reason;
use serde_json::json;

use super::{ApiPort, resource};
use crate::{Address, Key, Kind, Port, Reader, cache::Cache};

/// A port to an API server that gives this answer.
fn port(answer: Result<&'static str, &'static str>) -> ApiPort {
    let server =
        move |_: Request<Body>| async move { answer.map(|body| Response::new(Body::from(body.as_bytes().to_vec()))) };
    ApiPort::new(Client::new(tower::service_fn(server), "ml"), "test")
}

fn pod() -> Address {
    Address::of::<Pod>(Key::new("ml", "a"))
}

#[tokio::test]
async fn an_api_server_that_is_away_is_unreachable() {
    let away = port(Err("connection refused")).get(&pod()).await.unwrap_err();
    assert_eq!(away.reason, Reason::ApiUnreachable);
}

#[tokio::test]
async fn one_that_does_not_answer_is_late() {
    let silent = |_: Request<Body>| std::future::pending::<Result<Response<Body>, &str>>();
    let port = ApiPort::new(Client::new(tower::service_fn(silent), "ml"), "test");
    let port = ApiPort { deadline: Duration::from_millis(20), ..port };
    assert_eq!(port.get(&pod()).await.unwrap_err().reason, Reason::ApiTimeout);
}

#[tokio::test]
async fn what_is_not_of_its_kind_is_neither_read_nor_sent() {
    let no_pod = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": 5}"#;
    let reader = Reader::new(Arc::new(Cache::default()), Arc::new(port(Ok(no_pod))));
    assert_eq!(reader.live::<Pod>(&pod().key).await.unwrap_err().reason, Reason::Undecodable);
    let refused = port(Ok("{}")).dry_run(&Kind::of::<Pod>(), json!({"metadata": 5})).await;
    assert_eq!(refused.unwrap_err().reason, Reason::Unencodable);
}

#[test]
fn metrics_name_the_resource_and_never_the_object() {
    assert_eq!(resource("/api/v1/namespaces/ml/pods"), "pods");
    assert_eq!(resource("/api/v1/namespaces/ml/pods/x/log"), "pods/log");
    assert_eq!(resource("/apis/millrace.dev/v1alpha1/namespaces/ml/processingjobs/a/status"), "processingjobs/status");
    assert_eq!(resource("/apis/millrace.dev/v1alpha1/dataplanes/default"), "dataplanes");
    assert_eq!(resource("/api/v1/namespaces/ml"), "namespaces");
}
