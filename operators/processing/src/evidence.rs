//! What a pod proves: started, ended and why; why not yet is in [`starts`]. The order of the questions is fixed.
//!
//! Pod conditions come before containers, and containers before the phase: a pod may be over without any container
//! status, and a container's exit code lies when somebody deleted the pod under it.

pub(crate) mod flink;
pub(crate) mod starts;

use std::collections::BTreeMap;

use jiff::Timestamp;
use millrace_crds::processing_job::{AttemptResult, FailureClass};
use serde_json::Value;

use crate::observe::{ContainerView, PodView};

/// Longest results a step may return, in bytes.
pub(crate) const MAX_RESULTS: usize = 3_072;

/// How an attempt ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub result: AttemptResult,
    pub class: Option<FailureClass>,
    pub message: String,
    pub exit_code: Option<i32>,
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    pub results: BTreeMap<String, Value>,
    /// Whether it was the workers, not the pod itself, whose memory was too little.
    pub workers: bool,
}

impl Outcome {
    /// A failure of this class.
    pub(crate) fn failed(class: FailureClass, message: impl Into<String>) -> Self {
        Self { result: AttemptResult::Failed, class: Some(class), message: message.into(), ..Self::default() }
    }

    /// Stopped on request.
    pub(crate) fn stopped(why: &str) -> Self {
        let class = Some(FailureClass::Cancelled);
        Self { result: AttemptResult::Stopped, class, message: format!("stopped: {why}"), ..Self::default() }
    }
}

/// Reasons by which a kubelet or scheduler says that the pod's end is not the program's fault.
const DISRUPTIONS: [&str; 8] = [
    "Evicted",
    "NodeLost",
    "NodeShutdown",
    "Terminated",
    "Preempting",
    "UnexpectedAdmissionError",
    "NodeAffinity",
    "OutOfcpu",
];

/// When the main container started, if it did.
pub(crate) fn started(pod: &PodView) -> Option<Option<Timestamp>> {
    match &pod.container {
        ContainerView::Running { since } => Some(*since),
        ContainerView::Ended { started, .. } => Some(*started),
        ContainerView::Unknown | ContainerView::Waiting { .. } => None,
    }
}

/// How the pod ended, if it did.
pub(crate) fn outcome(pod: &PodView) -> Option<Outcome> {
    let over = matches!(pod.phase.as_str(), "Succeeded" | "Failed");
    let ContainerView::Ended { code, reason, message, started, finished } = &pod.container else {
        let begun = self::started(pod).flatten();
        return over.then(|| Outcome { started: begun, ..without_container(pod) });
    };
    let judged = judge(pod, (*code, reason, message), *finished);
    Some(Outcome { exit_code: Some(*code), started: *started, finished: *finished, ..judged })
}

fn judge(pod: &PodView, end: (i32, &str, &str), finished: Option<Timestamp>) -> Outcome {
    let (code, reason, message) = end;
    // A grace period is not success: what ended after it was told to go may have done half its work.
    let in_time = pod.deleted.is_none_or(|asked| finished.is_some_and(|f| f <= asked));
    if code == 0 && in_time {
        return match results(message) {
            Ok(results) => Outcome { message: "exit code 0".into(), results, ..Outcome::default() },
            Err(problem) => Outcome::failed(FailureClass::Configuration, format!("ResultsInvalid: {problem}")),
        };
    }
    if let Some(why) = disruption(pod) {
        return Outcome::failed(FailureClass::Infrastructure, why);
    }
    if pod.deleted.is_some() {
        return Outcome::failed(FailureClass::DriverLost, format!("Pod {} was deleted while it ran", pod.name));
    }
    let said = last_words(reason, message);
    match (code, reason) {
        (_, "OOMKilled") | (137, _) => {
            let told = format!("exit code {code}: out of memory, or killed. {said}");
            Outcome::failed(FailureClass::OutOfMemory, told)
        }
        (_, "ContainerCannotRun" | "StartError") | (126 | 127, _) => {
            Outcome::failed(FailureClass::Configuration, format!("exit code {code}: the command cannot run. {said}"))
        }
        (_, "ContainerStatusUnknown") => Outcome::failed(FailureClass::Infrastructure, format!("node lost: {said}")),
        _ => Outcome::failed(FailureClass::Application, format!("exit code {code}: {said}")),
    }
}

/// The last line first, since people see one line of it: a traceback and a stack end with, or begin with, what matters,
/// and the whole stands below.
fn last_words(reason: &str, message: &str) -> String {
    let tail = message.trim();
    match tail.lines().rfind(|line| !line.trim().is_empty()) {
        None => reason.to_owned(),
        Some(last) if last == tail => last.to_owned(),
        Some(last) => format!("{}\n{tail}", last.trim()),
    }
}

fn without_container(pod: &PodView) -> Outcome {
    if let Some(why) = disruption(pod) {
        return Outcome::failed(FailureClass::Infrastructure, why);
    }
    if pod.phase == "Succeeded" {
        return Outcome { message: "the pod succeeded".into(), ..Outcome::default() };
    }
    let (reason, message) = pod.verdict.clone().unwrap_or_default();
    Outcome::failed(
        FailureClass::Infrastructure,
        format!("Pod {} failed before a container ran: {reason} {message}", pod.name),
    )
}

fn disruption(pod: &PodView) -> Option<String> {
    let verdict = pod
        .verdict
        .as_ref()
        .filter(|(reason, _)| DISRUPTIONS.contains(&reason.as_str()) || reason.starts_with("OutOf"));
    let (reason, message) = pod.disrupted.as_ref().or(verdict)?;
    let node = pod.node.as_ref().map(|n| format!(" on node {n}")).unwrap_or_default();
    Some(format!("Pod {}{node} was disrupted: {reason} {message}", pod.name))
}

/// The results a step wrote to its termination log: nothing, or one flat JSON object of scalars.
fn results(text: &str) -> Result<BTreeMap<String, Value>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(BTreeMap::new());
    }
    if text.len() > MAX_RESULTS {
        let long = text.len();
        return Err(format!(
            "/dev/termination-log has {long} bytes; write at most {MAX_RESULTS}, larger data to a bucket"
        ));
    }
    let advice = "write one flat JSON object of strings, numbers and booleans to /dev/termination-log";
    let map: BTreeMap<String, Value> = serde_json::from_str(text).map_err(|e| format!("{e}; {advice}"))?;
    match map.iter().find(|(_, v)| v.is_object() || v.is_array() || v.is_null()) {
        Some((key, _)) => Err(format!("`{key}` is no string, number or boolean; {advice}")),
        None => Ok(map),
    }
}
