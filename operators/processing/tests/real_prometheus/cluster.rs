//! A namespace of its own on a real API server, and a kubelet for its pods.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use k8s_openapi::{
    api::core::v1::{Namespace, Pod},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, Config, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use millrace_crds::ProcessingJob;
use millrace_kit::sim::patience;
use serde_json::{Value, json};

const DEADLINE: Duration = Duration::from_secs(120);

pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) dir: PathBuf,
}

impl Cluster {
    pub(crate) async fn open() -> Self {
        let file = std::env::var("KUBECONFIG").expect("set KUBECONFIG: cargo xtask local-api");
        let kubeconfig = Kubeconfig::read_from(&file).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        let namespace = format!("processing-{}", std::process::id());
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&namespace);
        fs::create_dir_all(&dir).unwrap();
        let this = Self { client: Client::try_from(config).unwrap(), namespace, dir };
        this.install().await;
        this
    }

    async fn install(&self) {
        let apply = PatchParams::apply("test").force();
        let crds: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        for crd in millrace_crds::manifests::all() {
            let name = crd["metadata"]["name"].as_str().unwrap().to_owned();
            crds.patch(&name, &apply, &Patch::Apply(&crd)).await.unwrap();
            until(&name, || async {
                let crd = serde_json::to_value(crds.get(&name).await.unwrap()).unwrap();
                let all = crd["status"]["conditions"].as_array().cloned().unwrap_or_default();
                (all.iter().any(|c| c["type"] == "Established" && c["status"] == "True").then_some(()), crd)
            })
            .await;
        }
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}});
        let all: Api<Namespace> = Api::all(self.client.clone());
        all.patch(&self.namespace, &apply, &Patch::Apply(&namespace)).await.unwrap();
    }

    fn jobs(&self) -> Api<ProcessingJob> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(crate) async fn create(&self, name: &str, spec: &Value) {
        let body = json!({"apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob", "metadata": {"name": name}, "spec": spec});
        self.jobs().patch(name, &PatchParams::apply("user").force(), &Patch::Apply(&body)).await.unwrap();
    }

    pub(crate) async fn job(&self, name: &str) -> Value {
        serde_json::to_value(self.jobs().get(name).await.unwrap()).unwrap()
    }

    pub(crate) async fn pods(&self) -> Vec<Value> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        let all = pods.list(&ListParams::default()).await.unwrap();
        all.iter().map(|p| serde_json::to_value(p).unwrap()).collect()
    }

    pub(crate) async fn delete(&self, name: &str) {
        self.jobs().delete(name, &DeleteParams::default()).await.unwrap();
    }

    pub(crate) async fn phase(&self, name: &str, phase: &str) {
        let jobs = self.jobs();
        until(name, || async {
            let job = serde_json::to_value(jobs.get(name).await.unwrap()).unwrap();
            ((job["status"]["phase"] == phase).then_some(()), job)
        })
        .await;
    }
}

/// Runs pods as their names tell: what fails fails, what stays stays.
pub(crate) async fn kubelet(client: Client, namespace: String) {
    let pods: Api<Pod> = Api::namespaced(client, &namespace);
    let mut rounds = tokio::time::interval(Duration::from_millis(200));
    loop {
        rounds.tick().await;
        let Ok(all) = pods.list(&ListParams::default()).await else { continue };
        for pod in all {
            let name = pod.name_any();
            let container = pod.spec.as_ref().map(|s| s.containers[0].name.clone()).unwrap_or_default();
            let was = pod.status.and_then(|s| s.phase).unwrap_or_default();
            let at = jiff::Timestamp::now().to_string();
            let code = i32::from(name.starts_with("fails"));
            let (phase, state) = match was.as_str() {
                "Pending" => ("Running", json!({"running": {"startedAt": at}})),
                "Running" if !name.starts_with("stays") => {
                    let end = json!({"exitCode": code, "reason": "Ended", "startedAt": at, "finishedAt": at});
                    (if code == 0 { "Succeeded" } else { "Failed" }, json!({"terminated": end}))
                }
                _ => continue,
            };
            let one = json!({"name": container, "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state});
            let status = json!({"status": {"phase": phase, "containerStatuses": [one]}});
            // Looked at again on the next round.
            let _ = pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await;
        }
    }
}

pub(crate) async fn until<T, F: Future<Output = (Option<T>, Value)>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let within = patience(DEADLINE);
    let end = Instant::now() + within;
    loop {
        let (found, seen) = look().await;
        if let Some(found) = found {
            return found;
        }
        assert!(Instant::now() < end, "{what} did not come about within {within:?}; last seen: {seen:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
