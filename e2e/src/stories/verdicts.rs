//! Each class of failure on a real node: what the job says of it, and on whose account it goes.
//!
//! The quota stands in a namespace of its own; there a running job is also asked for more than it may have.

use std::time::Duration;

use serde_json::{Value, json};

use super::jobs::{self, ended, record, running, with};
use super::tools::{Space, check, same};
use crate::stage::{Stage, at, condition};
use crate::ui::{Outcome, Ui};

/// Longest time for a job of a few seconds.
const LIMIT: Duration = Duration::from_secs(180);

/// What must come of a job.
struct Verdict {
    name: &'static str,
    class: &'static str,
    /// What the message says.
    says: &'static [&'static str],
    exit: Option<i64>,
    /// Failures on the application's account, and on the other.
    accounts: (i64, i64),
}

const ALL: [Verdict; 6] = [
    Verdict {
        name: "devours",
        class: "OutOfMemory",
        says: &["raise container.memory (64Mi)", "out of memory"],
        exit: Some(137),
        accounts: (1, 0),
    },
    Verdict {
        name: "classless",
        class: "Configuration",
        says: &["spark.class is not in spark.main", "dev.millrace.Nowhere"],
        exit: Some(101),
        accounts: (0, 0),
    },
    Verdict {
        name: "bucketless",
        class: "Dependency",
        says: &["deadlines.start", "nowhere"],
        exit: None,
        accounts: (0, 1),
    },
    Verdict {
        name: "exhausted",
        class: "Application",
        says: &["ValueError", "three times"],
        exit: Some(1),
        accounts: (3, 0),
    },
    Verdict {
        name: "cramped",
        class: "OutOfMemory",
        says: &["raise spark.executors.memory (900Mi)", "an executor ran out of memory", "OutOfMemoryError"],
        exit: Some(1),
        accounts: (1, 0),
    },
    Verdict { name: "endless", class: "Deadline", says: &["deadlines.run (4s)"], exit: None, accounts: (0, 0) },
];

pub(super) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let space = Space::new(stage, "story-verdicts")?;
    let small = quota(stage)?;
    space.apply(&jobs())?;
    told(&space, ui)?;
    exceeded(&small, ui)
}

/// The jobs of [`ALL`].
fn jobs() -> Vec<Value> {
    let eat = "b = bytearray(1 << 30)\nb[::4096] = b'x' * len(b[::4096])";
    let mut devours = jobs::container("devours", &["-c", eat]);
    if let Some(memory) = devours.pointer_mut("/spec/container/memory") {
        *memory = json!("64Mi");
    }
    let mut classless = jobs::spark("classless", "/opt/spark/jars/hadoop-client-api-3.4.1.jar", &[]);
    if let Some(spark) = classless.pointer_mut("/spec/spark").and_then(Value::as_object_mut) {
        spark.insert("class".to_owned(), json!("dev.millrace.Nowhere"));
        spark.insert("executors".to_owned(), json!({"count": 0}));
    }
    let once = json!({"limit": 0, "infrastructureLimit": 0});
    let bucketless = json!({"reads": ["bucket/nowhere"], "deadlines": {"start": "10s"}, "retry": once});
    vec![
        devours,
        classless,
        with(jobs::container("bucketless", &["/app/sleep.py", "1"]), bucketless),
        with(
            jobs::container("exhausted", &["/app/fail.py", "three", "times"]),
            json!({"retry": {"limit": 2, "backoff": {"initial": "1s", "max": "1s"}}}),
        ),
        cramped(),
        with(jobs::container("endless", &["/app/sleep.py", "600"]), json!({"deadlines": {"run": "4s", "stop": "5s"}})),
    ]
}

/// Its executor's heap is full at once; the driver's log ends with a trace of it that is longer than what a kubelet reads.
fn cramped() -> Value {
    let full = "SELECT sum(length(repeat('x', cast(1500000000 + id AS int)))) FROM range(2)";
    let more = json!({
        "executors": {"count": 1, "cpu": "100m", "memory": "900Mi"}, "conf": {"spark.task.maxFailures": "1"},
    });
    jobs::with_spark(jobs::sql("cramped", full), more)
}

/// Each ends as the documentation says.
fn told(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    for verdict in &ALL {
        let step = ui.step(format!("a job that {}", verdict.name), "");
        let job = ended(space, verdict.name, LIMIT)?;
        let attempt = job.pointer("/status/attempt/number").and_then(Value::as_i64).unwrap_or(0);
        let last = record(&job, attempt);
        let message = at(&last, "/message");
        same(&format!("the class of {}", verdict.name), &at(&last, "/class"), &verdict.class)?;
        for word in verdict.says {
            check(message.contains(word), &format!("the message of {} does not say {word}", verdict.name), message)?;
        }
        if verdict.exit.is_some() {
            let exit = last.pointer("/exitCode").and_then(Value::as_i64);
            same(&format!("the exit code of {}", verdict.name), &exit, &verdict.exit)?;
        }
        let count = |of: &str| job.pointer(&format!("/status/failures/{of}")).and_then(Value::as_i64).unwrap_or(0);
        let accounts = (count("application"), count("infrastructure"));
        same(&format!("the accounts of {}", verdict.name), &accounts, &verdict.accounts)?;
        same("its phase", &at(&job, "/status/phase"), &"Failed")?;
        let reason = condition(&job, "Succeeded").map(|(flag, reason, _)| (flag, reason));
        same("why it did not succeed", &reason, &Some(("False", verdict.class)))?;
        step.done(format!("{}: {}", verdict.class, message.lines().next().unwrap_or_default()));
    }
    Ok(())
}

/// A namespace whose pods may ask for 300Mi of memory together, with a job that asks for more and one that runs.
fn quota(stage: &Stage) -> Outcome<Space<'_>> {
    let space = Space::new(stage, "story-quota")?;
    space.apply(&[json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"},
        "spec": {"hard": {"requests.memory": "300Mi"}},
    })])?;
    // Until the quota has been counted once everything is refused.
    space.wait(("resourcequota", "small"), LIMIT, |quota| Ok(quota.pointer("/status/used").map(|_| ())))?;
    let once = json!({"deadlines": {"start": "8s", "stop": "2s"}, "retry": {"infrastructureLimit": 0}});
    space.apply(&[with(sized("large", "1Gi"), once), sized("steady", "200Mi")])?;
    Ok(space)
}

fn sized(name: &str, memory: &str) -> Value {
    let mut job = jobs::container(name, &["/app/sleep.py", "600"]);
    if let Some(slot) = job.pointer_mut("/spec/container/memory") {
        *slot = json!(memory);
    }
    with(job, json!({"deadlines": {"stop": "2s"}}))
}

/// Too small a quota is told from a node that is full; and a running job is not stopped for a spec that never fits,
/// but for one that fits once it has gone.
fn exceeded(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    let step = ui.step("a quota that is too small", "");
    let job = ended(space, "large", LIMIT)?;
    let last = record(&job, 1);
    same("the class of a quota too small", &at(&last, "/class"), &"Capacity")?;
    check(at(&last, "/message").contains("exceeded quota: small"), "the message does not name the quota", &last)?;
    step.done(at(&last, "/message").lines().next().unwrap_or_default());

    let step = ui.step("a running job asked for more than the quota", "");
    let before = running(space, ("steady", 1), LIMIT)?;
    let uid = at(&before, "/status/attempt/podUid").to_owned();
    space.apply(&[sized("steady", "1Gi")])?;
    let told = space.wait(("processingjob", "steady"), LIMIT, |job| match condition(job, "Stalled") {
        Some(("True", "PreflightFailed", message)) => Ok(Some(message.to_owned())),
        _ => Ok(None),
    })?;
    check(told.contains("exceeded quota: small"), "the message does not name the quota", &told)?;
    let held = space.find("processingjob", "steady")?.unwrap_or_default();
    same("the pod that goes on", &at(&held, "/status/attempt/podUid"), &uid.as_str())?;
    same("its phase", &at(&held, "/status/phase"), &"Running")?;
    step.done(told);

    let step = ui.step("the same job asked for what fits once it has gone", "");
    space.apply(&[sized("steady", "250Mi")])?;
    space.wait(("processingjob", "steady"), LIMIT, |job| {
        let second = job.pointer("/status/runNumber").and_then(Value::as_i64) == Some(2);
        Ok((second && at(job, "/status/phase") == "Running").then_some(()))
    })?;
    step.done("replaced");
    Ok(())
}
