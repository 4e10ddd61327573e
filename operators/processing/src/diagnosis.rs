//! What a pod proves: started, ended and why; why not yet is in [`starts`]. The order of the questions is fixed.
//!
//! Deletion, disruption, the pod's reason and phase, and only then the program's container: its exit code says nothing
//! where somebody ended the pod under it, and a pod may be over without any container status. Half the work is never
//! called done: in doubt it is repeated.

pub(crate) mod starts;

use jiff::Timestamp;
use millrace_crds::processing_job::FailureClass;
use millrace_kit::causes::{self, Overuse};

use crate::{
    job::{outcome::Outcome, results},
    seen::{Beside, ContainerView, WorkloadView},
};

/// Reasons of a container that never ran, or of which the kubelet lost track: its exit code is the kubelet's invention.
const NO_EXIT: [&str; 3] = ["ContainerStatusUnknown", "StartError", "ContainerCannotRun"];
/// The condition by which a kubelet says that it ended the pod itself; it comes with the phase, after the containers.
const BY_KUBELET: &str = "TerminationByKubelet";

/// When the main container started, if it did.
pub(crate) fn started(pod: &WorkloadView) -> Option<Option<Timestamp>> {
    match &pod.container {
        ContainerView::Running { since } => Some(*since),
        ContainerView::Ended { reason, .. } if NO_EXIT.contains(&reason.as_str()) => None,
        ContainerView::Ended { started, .. } => Some(*started),
        ContainerView::Unknown | ContainerView::Waiting { .. } => None,
    }
}

/// Whether the program has ended and only the phase can tell why: a kubelet that evicts a pod, or ends it at its
/// deadline, reports the exit code first and the phase a moment later. Where something else of the pod still runs, no
/// kubelet is ending it, since a kubelet reports nothing between the first container that it ends and the last.
pub(crate) fn awaits_phase(pod: &WorkloadView) -> bool {
    let ContainerView::Ended { finished, .. } = &pod.container else { return false };
    let open = pod.beside.values().any(|one| *one == Beside::Open);
    !pod.closed() && !open && !asked_before(pod, *finished)
}

/// How the pod ended, if it did. Not to be asked while [`awaits_phase`] is worth a wait.
pub(crate) fn outcome(pod: &WorkloadView) -> Option<Outcome> {
    let ContainerView::Ended { code, reason, message, started, finished } = &pod.container else {
        let begun = self::started(pod).flatten();
        return pod.closed().then(|| Outcome { started: begun, ..without_container(pod) });
    };
    let end = End { code: *code, reason, message, finished: *finished };
    let real = !NO_EXIT.contains(&reason.as_str());
    let judged = judge(pod, &end);
    Some(Outcome { exit_code: real.then_some(*code), started: started.filter(|_| real), finished: *finished, ..judged })
}

/// The end of the program's container.
struct End<'a> {
    code: i32,
    reason: &'a str,
    message: &'a str,
    finished: Option<Timestamp>,
}

/// Whether the pod was asked to go before its program ended: a grace period is not success, since what ends in it may
/// have done half its work. Times are whole seconds, so the same second counts as asked.
fn asked_before(pod: &WorkloadView, finished: Option<Timestamp>) -> bool {
    let disrupted = pod.disrupted.as_ref().map(|_| pod.disrupted_at.unwrap_or(Timestamp::MIN));
    let asked = pod.deleted.into_iter().chain(disrupted).min();
    asked.is_some_and(|asked| finished.is_none_or(|ended| ended >= asked))
}

fn judge(pod: &WorkloadView, end: &End<'_>) -> Outcome {
    if asked_before(pod, end.finished) {
        let deleted =
            || Outcome::failed(FailureClass::DriverLost, format!("Pod {} was deleted while it ran", pod.name));
        return disruption(pod).unwrap_or_else(deleted);
    }
    if let Some(ended) = ended_by_node(pod) {
        return ended;
    }
    let said = last_words(end.reason, end.message);
    let code = end.code;
    match (code, end.reason) {
        (_, "ContainerStatusUnknown") => Outcome::failed(FailureClass::Infrastructure, format!("node lost: {said}")),
        (0, _) => done(pod, end.message),
        (_, "OOMKilled") | (137, _) => {
            let told = format!("exit code {code}: out of memory, or killed. {said}");
            Outcome::failed(FailureClass::OutOfMemory, told)
        }
        (_, "ContainerCannotRun" | "StartError") => {
            Outcome::failed(FailureClass::Configuration, format!("the command cannot run ({}). {said}", end.reason))
        }
        (126 | 127, _) => {
            Outcome::failed(FailureClass::Configuration, format!("exit code {code}: the command cannot run. {said}"))
        }
        _ => Outcome::failed(FailureClass::Application, format!("exit code {code}: {said}")),
    }
}

/// What exit code 0 is worth: nothing in a pod that failed, unless a container beside the program's explains that; and
/// nothing in one of which its node does not say how it ended.
fn done(pod: &WorkloadView, message: &str) -> Outcome {
    let beside = |holds: fn(&Beside) -> bool| pod.beside.values().any(holds);
    let sound = match pod.phase.as_str() {
        "Succeeded" => true,
        "Failed" => beside(|one| matches!(one, Beside::Ended(code) if *code != 0)),
        _ => beside(|one| !matches!(one, Beside::Ended(_))),
    };
    let (name, node) = (&pod.name, on_node(pod));
    if !sound && pod.closed() {
        let told = format!("Pod {name}{node} failed although its container ended with exit code 0; someone stopped it");
        return Outcome::failed(FailureClass::Infrastructure, told);
    }
    if !sound {
        let told = format!(
            "Pod {name}: its container ended with exit code 0, and the kubelet{node} does not confirm that nobody stopped it"
        );
        return Outcome::failed(FailureClass::Infrastructure, told);
    }
    match results::read(message) {
        Ok(results) => Outcome { message: "exit code 0".into(), results, ..Outcome::default() },
        Err(problem) => Outcome::failed(FailureClass::Configuration, format!("ResultsInvalid: {problem}")),
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

fn without_container(pod: &WorkloadView) -> Outcome {
    if let Some(ended) = disruption(pod) {
        return ended;
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

/// The end of a pod that others than the program ended, if anything says so. One that was evicted because it wrote more than
/// it may has itself to answer for it: another node does not help.
fn disruption(pod: &WorkloadView) -> Option<Outcome> {
    let verdict = pod.verdict.as_ref().filter(|(reason, _)| !reason.is_empty());
    let (reason, message) = verdict.or(pod.disrupted.as_ref())?;
    let told = format!("Pod {}{} was disrupted: {reason} {message}", pod.name, on_node(pod));
    Some(match causes::overuse(message).filter(|_| reason == "Evicted") {
        Some(over) => Outcome::failed(
            FailureClass::Application,
            format!("{}; {}", told.trim_end_matches([' ', '.']), advice(over)),
        ),
        None => Outcome::failed(FailureClass::Infrastructure, told),
    })
}

fn advice(over: Overuse<'_>) -> String {
    match over {
        Overuse::Volume("tmp") => "write less to /tmp, or raise pod.scratch".to_owned(),
        Overuse::Volume("shm") => "use less of /dev/shm, or raise container.sharedMemory".to_owned(),
        Overuse::Volume(name) => match name.strip_prefix("volume-") {
            Some(at) => format!("write less there, or raise pod.volumes[{at}].emptyDir.sizeLimit"),
            None => format!("write less to the volume {name}"),
        },
        Overuse::Containers => {
            "write less to the container's own disk, or write to /tmp, whose size is pod.scratch; the limit is the \
             namespace's (LimitRange)"
                .to_owned()
        }
    }
}

/// As [`disruption`], where it was the kubelet: eviction, the node's shutdown, a deadline of the pod, no room for it. It
/// gives a reason for the phase Failed, which a program's own failure never has.
fn ended_by_node(pod: &WorkloadView) -> Option<Outcome> {
    let reason = pod.verdict.as_ref().is_some_and(|(reason, _)| !reason.is_empty());
    let kubelet = pod.disrupted.as_ref().is_some_and(|(reason, _)| reason == BY_KUBELET);
    disruption(pod).filter(|_| pod.phase == "Failed" && (reason || kubelet))
}

fn on_node(pod: &WorkloadView) -> String {
    pod.node.as_ref().map(|node| format!(" on node {node}")).unwrap_or_default()
}
