//! A kubelet for pods whose names say what becomes of them.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::json;

use crate::cluster::Cluster;

/// `waits-…` stay pending, `fails-…` fail, `succeeds-…` succeed, the others run until they are deleted.
pub(crate) struct Kubelet {
    pods: Api<Pod>,
    /// Pods that are to stop do not.
    pub(crate) deaf: AtomicBool,
}

impl Kubelet {
    pub(crate) fn new(cluster: &Cluster) -> Self {
        Self { pods: Api::namespaced(cluster.client.clone(), &cluster.namespace), deaf: AtomicBool::new(false) }
    }

    /// Works until it is dropped. What goes wrong is tried again on the next round.
    pub(crate) async fn work(self: std::sync::Arc<Self>) {
        let mut rounds = tokio::time::interval(Duration::from_millis(200));
        loop {
            rounds.tick().await;
            let Ok(all) = self.pods.list(&ListParams::default()).await else { continue };
            for pod in all {
                self.one(&pod).await;
            }
        }
    }

    async fn one(&self, pod: &Pod) {
        let name = pod.name_any();
        let spec = pod.spec.clone().unwrap_or_default();
        if spec.node_name.is_none() {
            let binding = json!({
                "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
                "target": {"apiVersion": "v1", "kind": "Node", "name": "node"},
            });
            let once = PostParams::default();
            let _ = self.pods.create_subresource::<_, serde_json::Value>("binding", &name, &once, &binding).await;
            return;
        }
        if pod.metadata.deletion_timestamp.is_some() {
            if !self.deaf.load(Ordering::Relaxed) {
                let _ = self.pods.delete(&name, &DeleteParams::default().grace_period(0)).await;
            }
            return;
        }
        let was = pod.status.clone().and_then(|s| s.phase).unwrap_or_default();
        let at = jiff::Timestamp::now().to_string();
        let (phase, state) = match was.as_str() {
            "Pending" if !name.starts_with("waits-") => ("Running", json!({"running": {"startedAt": at}})),
            "Running" if name.starts_with("fails-") || name.starts_with("succeeds-") => {
                let code = i32::from(name.starts_with("fails-"));
                let end = json!({"exitCode": code, "reason": "Ended", "startedAt": at, "finishedAt": at});
                (if code == 0 { "Succeeded" } else { "Failed" }, json!({"terminated": end}))
            }
            _ => return,
        };
        let container = &spec.containers[0].name;
        let one =
            json!({"name": container, "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state});
        let status = json!({"status": {"phase": phase, "containerStatuses": [one]}});
        let _ = self.pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await;
    }
}
