//! Who ended a pod is told from how its program ended: exit code 0 under SIGTERM is no success, and a container that
//! somebody put beside the program does not hold up its end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::jobs::{self, ended, record, running, with};
use super::tools::{Space, check, same};
use crate::stage::{Stage, at};
use crate::ui::{Outcome, Ui, short};

/// Longest time for a job of a few seconds.
const LIMIT: Duration = Duration::from_secs(180);
/// How long what runs beside a program may outlive it.
const BESIDE: Duration = Duration::from_secs(60);
/// Does nothing for long, and answers SIGTERM with exit code 0.
const POLITE: &str = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\ntime.sleep(600)";

pub(super) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let space = Space::new(stage, "story-ends")?;
    let once = json!({"retry": {"infrastructureLimit": 0}});
    let polite = |name| with(jobs::container(name, &["-c", POLITE]), once.clone());
    space.apply(&[polite("overdue"), polite("deleted")])?;
    politely(&space, ui)?;
    beside(stage, ui)
}

/// A pod's own deadline and a deletion both end with exit code 0, and with half the work done.
fn politely(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    for (name, class, word) in [("overdue", "Infrastructure", "DeadlineExceeded"), ("deleted", "DriverLost", "deleted")]
    {
        let step = ui.step(format!("exit code 0 of a pod that is {name}"), "");
        let job = running(space, (name, 1), LIMIT)?;
        let pod = at(&job, "/status/attempt/pod").to_owned();
        match name {
            "overdue" => space.text(&["patch", "pod", &pod, "--patch", r#"{"spec":{"activeDeadlineSeconds":1}}"#])?,
            _ => space.text(&["delete", "pod", &pod, "--wait=false"])?,
        };
        let job = ended(space, name, LIMIT)?;
        let last = record(&job, 1);
        same(&format!("the phase of {name}"), &at(&job, "/status/phase"), &"Failed")?;
        same(&format!("the class of {name}"), &at(&last, "/class"), &class)?;
        check(at(&last, "/message").contains(word), &format!("the message of {name} does not say {word}"), &last)?;
        step.done(at(&last, "/message"));
    }
    Ok(())
}

/// A container put beside the program, before it in the list, which runs on: as a service mesh's webhook would have it.
/// A quota lets the operator store its attempt and refuses the pod; the pod that is then made by hand is taken for it.
fn beside(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let step = ui.step("a container that outlives the program", "");
    let space = Space::new(stage, "story-beside")?;
    space.apply(&[json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"},
        "spec": {"hard": {"pods": "0"}, "scopes": ["NotBestEffort"]},
    })])?;
    space.wait(("resourcequota", "none"), LIMIT, |quota| Ok(quota.pointer("/status/used").map(|_| ())))?;
    space.apply(&[with(jobs::container("meshed", &["-c", "pass"]), json!({"keepPods": "Always"}))])?;
    let job = space.wait(("processingjob", "meshed"), LIMIT, |job| {
        Ok((!at(job, "/status/attempt/pod").is_empty()).then(|| job.clone()))
    })?;
    space.apply(&[meshed(&job)])?;
    let job = jobs::succeeded(&space, "meshed", LIMIT)?;
    let since = Instant::now();
    same("its result", &job.pointer("/status/results/auc"), &Some(&json!(0.5)))?;
    let pod = at(&job, "/status/attempt/pod").to_owned();
    space.until(("the end of what ran beside", BESIDE), || Ok(space.find("pod", &pod)?.is_none().then_some(())))?;
    step.done(format!("gone {} after the verdict", short(since.elapsed())));
    Ok(())
}

/// The pod of the job's first attempt, with one container more.
fn meshed(job: &Value) -> Value {
    let (name, uid) = (at(job, "/metadata/name"), at(job, "/metadata/uid"));
    let container = |name: &str, program: &str| {
        json!({
            "name": name, "image": jobs::IMAGE, "command": ["python3", "-c", program],
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
        })
    };
    let result = r#"open("/dev/termination-log", "w").write('{"auc": 0.5}')"#;
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": at(job, "/status/attempt/pod"),
            "labels": {
                "millrace.dev/attempt": "1", "millrace.dev/role": "main",
                "millrace.dev/owner-kind": "ProcessingJob", "millrace.dev/owner-name": name, "millrace.dev/owner-uid": uid,
            },
            "ownerReferences": [{
                "apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob", "name": name, "uid": uid,
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "spec": {
            "restartPolicy": "Never", "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 5,
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container("mesh", "import time\ntime.sleep(3600)"), container("main", result)],
        },
    })
}
