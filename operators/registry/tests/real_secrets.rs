//! What the registry operator learns of Secrets on a real API server with the rights of its chart: that one exists, and
//! that its own is as it was left. It reads none. And a Deployment of an earlier landing takes the strategy of this one.
//!
//! Needs KUBECONFIG with every right as `cargo xtask local-api` prints it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and plays an administrator and users, who write"
)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use k8s_openapi::api::{
    apps::v1::Deployment,
    authorization::v1::SelfSubjectAccessReview,
    core::v1::{Namespace, Secret, ServiceAccount},
    rbac::v1::{ClusterRole, ClusterRoleBinding},
};
use kube::{
    Api, Client, Config,
    api::{DeleteParams, PostParams},
};
use millrace_kit::{
    Child, Key, Left, Port, Reader, Write,
    client::{ApiPort, client},
    metrics::Metrics,
    sim::patience,
};
use serde_json::{Value, json};

const ACCOUNT: &str = "millrace-registry";

/// The operator, as far as it speaks to the API server, and an administrator.
struct Cluster {
    admin: Client,
    port: Arc<ApiPort>,
    reader: Reader,
    namespace: String,
}

async fn create<K>(api: Api<K>, body: Value)
where
    K: kube::Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned + serde::Serialize,
{
    api.create(&PostParams::default(), &serde_json::from_value(body).unwrap()).await.unwrap();
}

/// The API server acts by a role a moment after it has stored it.
async fn granted_by_now(operator: &Client, namespace: &str) {
    let end = Instant::now() + patience(Duration::from_secs(30));
    let asked = json!({"namespace": namespace, "verb": "create", "resource": "secrets"});
    let review = json!({"metadata": {}, "spec": {"resourceAttributes": asked}});
    let review: SelfSubjectAccessReview = serde_json::from_value(review).unwrap();
    let reviews: Api<SelfSubjectAccessReview> = Api::all(operator.clone());
    loop {
        let answer = reviews.create(&PostParams::default(), &review).await.unwrap();
        if answer.status.is_some_and(|status| status.allowed) {
            return;
        }
        assert!(Instant::now() < end, "the role never counts");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Cluster {
    async fn open() -> Self {
        let admin = Client::try_default().await.unwrap();
        let namespace = format!("secrets-{}", jiff::Timestamp::now().as_nanosecond());
        create::<Namespace>(Api::all(admin.clone()), json!({"metadata": {"name": namespace}})).await;
        let accounts: Api<ServiceAccount> = Api::namespaced(admin.clone(), &namespace);
        create(accounts, json!({"metadata": {"name": ACCOUNT}})).await;
        let granted = millrace_kit::access::document(millrace_registry::ACCESS);
        let rules: Vec<Value> = granted["cluster"].as_array().unwrap().iter().map(|r| r["rule"].clone()).collect();
        create::<ClusterRole>(Api::all(admin.clone()), json!({"metadata": {"name": namespace}, "rules": rules})).await;
        let subject = json!({"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace});
        let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": namespace});
        let binding = json!({"metadata": {"name": namespace}, "roleRef": role, "subjects": [subject]});
        create::<ClusterRoleBinding>(Api::all(admin.clone()), binding).await;
        let mut config = Config::infer().await.unwrap();
        config.auth_info.impersonate = Some(format!("system:serviceaccount:{namespace}:{ACCOUNT}"));
        let operator = client(config, Metrics::default()).unwrap();
        granted_by_now(&operator, &namespace).await;
        let port = Arc::new(ApiPort::new(operator, "registry"));
        let reader = Reader::new(Arc::default(), Arc::clone(&port) as Arc<dyn Port>);
        Self { admin, port, reader, namespace }
    }

    fn secret(&self, name: &str, data: Option<&str>) -> Child {
        let body = json!({
            "metadata": {"name": name, "namespace": self.namespace}, "type": "millrace.dev/registry",
            "stringData": data.map(|d| json!({"password": d})),
        });
        Child::free::<Secret>(&serde_json::from_value(body).unwrap())
    }

    fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.admin.clone(), &self.namespace)
    }
}

fn version(stored: &Value) -> &str {
    stored["metadata"]["resourceVersion"].as_str().unwrap()
}

#[tokio::test]
async fn secrets_are_proved_and_never_read() {
    let cluster = Cluster::open().await;
    let at = Key::new(&cluster.namespace, "theirs");
    assert!(cluster.reader.would_create(&cluster.secret("theirs", None)).await.is_ok(), "there is none yet");
    create(cluster.secrets(), json!({"metadata": {"name": "theirs"}, "stringData": {"uri": "hidden"}})).await;
    let there = cluster.reader.would_create(&cluster.secret("theirs", None)).await.unwrap_err();
    assert!(there.is_conflict() && !there.message.contains("hidden"), "{there}");
    let read = cluster.reader.live::<Secret>(&at).await.unwrap_err();
    assert_eq!(read.status, Some(403), "{read}");

    let own = cluster.secret("own", Some("ours"));
    let stored = cluster.port.write(Write::Create(millrace_kit::Kind::of::<Secret>(), own.body.clone())).await.unwrap();
    let left = async |version: &str| cluster.reader.unaltered(&cluster.secret("own", None), version).await.unwrap();
    assert_eq!(left(version(&stored)).await, Left::Alone);
    let mut secret = cluster.secrets().get("own").await.unwrap();
    assert_eq!(secret.data.as_ref().unwrap()["password"].0, b"ours", "a dry run stores nothing");
    secret.string_data = Some([("password".to_owned(), "mine".to_owned())].into());
    cluster.secrets().replace("own", &PostParams::default(), &secret).await.unwrap();
    assert_eq!(left(version(&stored)).await, Left::Altered);
    cluster.secrets().delete("own", &DeleteParams::default()).await.unwrap();
    assert_eq!(left(version(&stored)).await, Left::Gone);
}

#[tokio::test]
async fn a_deployment_of_an_earlier_landing_takes_the_new_strategy() {
    let cluster = Cluster::open().await;
    let body = |strategy: Value| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "main-mlflow", "namespace": cluster.namespace},
            "spec": {
                "selector": {"matchLabels": {"a": "b"}}, "strategy": strategy,
                "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
            },
        })
    };
    let kind = millrace_kit::Kind::of::<Deployment>();
    cluster.port.write(Write::Create(kind.clone(), body(json!({"type": "Recreate"})))).await.unwrap();
    let rolling = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
    let stored = cluster.port.write(Write::Apply(kind, body(rolling.clone()))).await.unwrap();
    assert_eq!(stored["spec"]["strategy"], rolling);
}
