//! What the pods of this operator tell: why one does not start, and how one ended.
//!
//! Owned by no kind: servers, migrations and measurements are read alike. A container is found by its name, never by its
//! place: others may be injected. Only the kubelet's two words for one trouble are one; what changes otherwise is told.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ContainerStatus, Pod, PodStatus},
};
use kube::ResourceExt;
use millrace_crds::{
    Reason, ReasonText,
    well_known::{LABEL_OWNER_KIND, LABEL_OWNER_NAME, LABEL_OWNER_UID, LABEL_ROLE},
};
use millrace_kit::{
    Key, Reader, Watch,
    cache::Cache,
    causes::{self, Cause},
    conditions::cut,
    later, warnings,
};
use serde::{Deserialize, Serialize};

/// Selects what this operator made, and nothing else.
pub(crate) const OURS: &str = "millrace.dev/owner-kind in (ModelRegistry,ModelVersion)";
/// Role and container of a server's pods.
pub(crate) const SERVER: &str = "server";
/// Role of a migration's pods.
pub(crate) const MIGRATION: &str = "migration";
/// Role of the pods that measure a source.
pub(crate) const MEASURE: &str = "measure";
/// Annotation of server pods: how much scratch they have.
pub(crate) const SCRATCH: &str = "millrace.dev/scratch";
/// How long a pod may take to start before its Events are asked for.
pub(crate) const SLOW: Duration = Duration::from_secs(15);
/// Longest tale of a pod in a message, in bytes.
const MAX_WORDS: usize = 1_200;
/// Exit code of a program that did well in a pod that was ended by somebody else.
pub(crate) const ENDED: i32 = -1;

/// A pod, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodView {
    /// Its name.
    pub name: String,
    /// `server`, `migration` or `measure`.
    pub role: String,
    /// The Job it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Whether it is on its way out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub leaving: bool,
    /// Why it does not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// Scratch of a pod that was evicted since it took more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scratch_exceeded: Option<String>,
}

/// Why a pod does not run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trouble {
    /// Stable PascalCase word.
    pub reason: ReasonText,
    /// What the scheduler, the kubelet or the program says, and what to do.
    pub message: String,
    /// The advice in the message: the same one means the same cause, in whatever words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub advice: String,
    /// Whether it only says that something told before has not changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub echo: bool,
}

impl Trouble {
    /// What the words of Kubernetes mean for this subject.
    fn of(cause: &Cause, subject: &str) -> Self {
        Self {
            reason: cause.reason.into(),
            message: cause.message(subject),
            advice: cause.advice.clone(),
            echo: cause.echo,
        }
    }

    /// Whether a condition with this reason and message says it already: kubelets word one cause in several ways, in turns.
    pub(crate) fn told_by(&self, reason: &str, message: &str) -> bool {
        *self.reason == *reason && (self.echo || !self.advice.is_empty() && message.contains(&self.advice))
    }

    /// Whether it is about this Secret or a key of it.
    pub(crate) fn about(&self, secret: &str) -> bool {
        [",", " "].iter().any(|end| self.advice.contains(&format!("Secret {secret}{end}")))
    }

    /// Why the controller of a Deployment or a Job cannot make a pod.
    pub(crate) fn refused(message: &str) -> Self {
        let cause = causes::of("FailedCreate", message);
        cause.map_or_else(
            || Self { reason: Reason::Refused.into(), message: words(Some(message)), ..Self::default() },
            |cause| Self::of(&cause, "a pod"),
        )
    }
}

/// How a pod ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit code; 0 only if the pod did not fail either.
    pub code: i32,
    /// Its last words.
    pub message: String,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// How a Job ended, and when.
pub(crate) enum End {
    Running,
    Well(Timestamp),
    Badly(Timestamp, String),
}

/// What a Job says of itself.
pub(crate) fn end(job: &Job) -> End {
    let conditions = job.status.as_ref().and_then(|s| s.conditions.as_ref());
    let verdict = conditions
        .into_iter()
        .flatten()
        .find(|c| c.status == "True" && matches!(c.type_.as_str(), "Complete" | "Failed"));
    let Some(verdict) = verdict else { return End::Running };
    let at = verdict.last_transition_time.as_ref().map_or(Timestamp::UNIX_EPOCH, |t| t.0);
    if verdict.type_ == "Complete" {
        return End::Well(at);
    }
    let words = [verdict.reason.clone(), verdict.message.clone()];
    End::Badly(at, words.into_iter().flatten().collect::<Vec<_>>().join(": "))
}

/// The watch of both controllers.
pub(crate) fn watch(wakes: impl Fn(&Pod, &Cache) -> Vec<Key> + Send + Sync + 'static) -> Watch {
    Watch::related::<Pod>("why a server, a migration or a measurement does not start", wakes)
        .labels(OURS)
        .stored_as(slim, |pod| pod.labels().get(LABEL_OWNER_UID).cloned().into_iter().collect())
}

/// Keeps what this module reads.
fn slim(pod: &mut Pod) {
    pod.spec = None;
    pod.metadata.managed_fields = None;
}

/// A pod belongs to the registry its label names: its controller is a ReplicaSet or a Job.
pub(crate) fn wakes_registry(pod: &Pod, _: &Cache) -> Vec<Key> {
    let label = |key: &str| pod.labels().get(key).cloned();
    let name = label(LABEL_OWNER_NAME).filter(|_| label(LABEL_OWNER_KIND).as_deref() == Some("ModelRegistry"));
    name.map(|name| Key::new(pod.namespace().unwrap_or_default(), name)).into_iter().collect()
}

/// The pods of the owner with this uid, by name. Where one is slow to start and says nothing, its Events are asked.
pub(crate) async fn of(reader: &Reader, uid: &str) -> Vec<PodView> {
    let mut pods: BTreeMap<String, PodView> = BTreeMap::new();
    for pod in reader.cache.indexed::<Pod>(uid) {
        let mut seen = read(&pod);
        if seen.trouble.is_none() && slow(&pod, reader.now()) {
            seen.trouble = warned(reader, &pod.namespace().unwrap_or_default(), &pod.uid().unwrap_or_default()).await;
        }
        pods.insert(seen.name.clone(), seen);
    }
    pods.into_values().collect()
}

/// The newest warning about an object; none if the API server does not answer: it is asked again soon.
pub(crate) async fn warned(reader: &Reader, namespace: &str, uid: &str) -> Option<Trouble> {
    let told = warnings::of(reader, namespace, uid).await.ok()?;
    causes::newest(&told).map(|cause| Trouble::of(&cause, "the pod"))
}

/// A Job without a pod says why in its own Events: a quota, an admission.
pub(crate) async fn podless(reader: &Reader, job: Option<&Job>, pods: &[PodView]) -> Option<Trouble> {
    let job = job?;
    let name = job.name_any();
    let born = job.creation_timestamp()?.0;
    if pods.iter().any(|p| p.job.as_ref() == Some(&name)) || reader.now() < later(born, SLOW) {
        return None;
    }
    warned(reader, &job.namespace().unwrap_or_default(), &job.uid().unwrap_or_default()).await
}

/// Whether it should have started by now.
fn slow(pod: &Pod, now: Timestamp) -> bool {
    let status = pod.status.as_ref();
    let waits = matches!(status.and_then(|s| s.phase.as_deref()), None | Some("Pending"));
    let born = pod.creation_timestamp().map_or(now, |t| t.0);
    waits && pod.metadata.deletion_timestamp.is_none() && now >= later(born, SLOW)
}

/// Reads a pod.
pub(crate) fn read(pod: &Pod) -> PodView {
    let label = |key: &str| pod.labels().get(key).cloned();
    let status = pod.status.clone().unwrap_or_default();
    let role = label(LABEL_ROLE).unwrap_or_default();
    let containers = status.container_statuses.iter().flatten();
    let container = containers.into_iter().find(|c| c.name == container_of(&role));
    PodView {
        name: pod.name_any(),
        job: label("batch.kubernetes.io/job-name"),
        leaving: pod.metadata.deletion_timestamp.is_some(),
        trouble: container.and_then(waiting).or_else(|| unscheduled(&status)),
        exit: exit(&status, container),
        scratch_exceeded: evicted_for_scratch(pod, &status),
        role,
    }
}

/// The name of the container that does the work of this role.
pub(crate) fn container_of(role: &str) -> &'static str {
    match role {
        SERVER => "mlflow",
        MIGRATION => "migrate",
        _ => "measure",
    }
}

/// The program's end, unless the pod was ended by somebody else: its word is then not the last one.
fn exit(status: &PodStatus, container: Option<&ContainerStatus>) -> Option<Exit> {
    let ended = container.and_then(|c| c.state.as_ref()).and_then(|s| s.terminated.as_ref());
    let at = ended.and_then(|t| t.finished_at.as_ref()).map(|t| t.0);
    let exit = ended.map(|t| Exit { code: t.exit_code, message: words(t.message.as_deref()), at });
    if status.phase.as_deref() != Some("Failed") {
        return exit;
    }
    Some(exit.filter(|e| e.code != 0 && status.reason.is_none()).unwrap_or_else(|| {
        let said = [status.reason.clone(), status.message.clone()];
        let said: Vec<String> = said.into_iter().flatten().collect();
        Exit {
            at: None,
            code: ENDED,
            message: if said.is_empty() { "the pod failed".to_owned() } else { words(Some(&said.join(": "))) },
        }
    }))
}

fn evicted_for_scratch(pod: &Pod, status: &PodStatus) -> Option<String> {
    let message = status.message.as_deref().unwrap_or_default();
    let evicted = status.phase.as_deref() == Some("Failed") && status.reason.as_deref() == Some("Evicted");
    let ours = causes::overuse(message) == Some(causes::Overuse::Volume("tmp"));
    pod.annotations().get(SCRATCH).filter(|_| evicted && ours).cloned()
}

pub(crate) fn words(text: Option<&str>) -> String {
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
    let (reason, message) = (waits.reason.unwrap_or_default(), waits.message.unwrap_or_default());
    if let Some(cause) = causes::of(&reason, &message) {
        return Some(Trouble::of(&cause, "the pod"));
    }
    let crash = last.or(state.terminated.as_ref()).filter(|_| !container.ready && container.restart_count > 0)?;
    let text = words(crash.message.as_deref());
    let text = if text.is_empty() { crash.reason.clone().unwrap_or_default() } else { text };
    let message = format!("exit code {}: {text}", crash.exit_code);
    Some(Trouble { reason: Reason::ServerFails.into(), message, ..Trouble::default() })
}

fn unscheduled(status: &PodStatus) -> Option<Trouble> {
    let mut conditions = status.conditions.iter().flatten();
    let refused = conditions.find(|c| c.type_ == "PodScheduled" && c.status == "False")?;
    let message = refused.message.as_deref().unwrap_or_default();
    causes::of(refused.reason.as_deref()?, message).map(|cause| Trouble::of(&cause, "the pod"))
}
