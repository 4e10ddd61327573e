//! What the pods of servers and migrations tell: why one does not start, and how one ended.
//!
//! Reasons are steady: the kubelet alternates between two words for one trouble, which must not cost a write each time.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};
use kube::ResourceExt;
use millrace_crds::well_known::{LABEL_OWNER_NAME, LABEL_ROLE};
use millrace_kit::{Key, cache::Cache, conditions::cut};
use serde::{Deserialize, Serialize};

/// Role of a server's pods.
pub(crate) const SERVER: &str = "server";
/// Role of a migration's pods.
pub(crate) const MIGRATION: &str = "migration";
/// Longest tale of a pod in a message, in bytes.
const MAX_WORDS: usize = 1_200;

/// A pod, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSeen {
    /// Its name.
    pub name: String,
    /// `server` or `migration`.
    pub role: String,
    /// The Job it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Why it does not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
}

/// Why a pod does not run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Stable PascalCase word.
    pub reason: String,
    /// What the kubelet or the program says.
    pub message: String,
}

/// How a pod ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit code.
    pub code: i32,
    /// Its last words.
    pub message: String,
}

/// Keeps what this module reads.
pub(crate) fn slim(pod: &mut Pod) {
    pod.spec = None;
    pod.metadata.managed_fields = None;
}

/// A pod belongs to the registry its label names: its controller is a ReplicaSet or a Job.
pub(crate) fn wakes(pod: &Pod, _: &Cache) -> Vec<Key> {
    let owner = pod.labels().get(LABEL_OWNER_NAME).cloned();
    owner.map(|name| Key::new(pod.namespace().unwrap_or_default(), name)).into_iter().collect()
}

/// Reads a pod; `None` for one that is on its way out.
pub(crate) fn read(pod: &Pod) -> Option<PodSeen> {
    if pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let label = |key: &str| pod.labels().get(key).cloned();
    let status = pod.status.clone().unwrap_or_default();
    let container = status.container_statuses.iter().flatten().next();
    let ended = container.and_then(|c| c.state.as_ref()).and_then(|s| s.terminated.as_ref());
    Some(PodSeen {
        name: pod.name_any(),
        role: label(LABEL_ROLE).unwrap_or_default(),
        job: label("batch.kubernetes.io/job-name"),
        trouble: container.and_then(waiting).or_else(|| unscheduled(&status)),
        exit: ended.map(|t| Exit { code: t.exit_code, message: words(t.message.as_deref()) }),
    })
}

fn words(text: Option<&str>) -> String {
    let text = text.unwrap_or_default().trim();
    // The end of a log says what went wrong.
    let from = text.len().saturating_sub(MAX_WORDS);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    cut(text.get(from..).unwrap_or_default(), MAX_WORDS).to_owned()
}

fn waiting(container: &ContainerStatus) -> Option<Trouble> {
    let state = container.state.clone().unwrap_or_default();
    let last = container.last_state.as_ref().and_then(|s| s.terminated.as_ref());
    let waits = state.waiting.unwrap_or_default();
    let message = waits.message.clone().unwrap_or_default();
    let trouble = |reason: &str, message: String| Some(Trouble { reason: reason.to_owned(), message });
    match waits.reason.as_deref() {
        Some("ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull") => {
            let detail =
                if message.starts_with("Back-off") { String::new() } else { format!(": {}", words(Some(&message))) };
            trouble("ImageUnavailable", format!("the image {} cannot be pulled{detail}", container.image))
        }
        Some("CreateContainerConfigError") => trouble("SecretMissing", words(Some(&message))),
        Some("CreateContainerError" | "RunContainerError") => trouble("ContainerFailed", words(Some(&message))),
        _ => {
            let crash =
                last.or(state.terminated.as_ref()).filter(|_| !container.ready && container.restart_count > 0)?;
            let text = words(crash.message.as_deref());
            let text = if text.is_empty() { crash.reason.clone().unwrap_or_default() } else { text };
            trouble("ServerFails", format!("exit code {}: {text}", crash.exit_code))
        }
    }
}

fn unscheduled(status: &PodStatus) -> Option<Trouble> {
    let mut conditions = status.conditions.iter().flatten();
    let refused = conditions.find(|c| c.type_ == "PodScheduled" && c.status == "False")?;
    Some(Trouble { reason: "Unschedulable".to_owned(), message: words(refused.message.as_deref()) })
}
