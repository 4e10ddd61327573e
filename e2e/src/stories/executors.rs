//! Spark's executors follow the work, one that dies is made up for, and a driver that is lost is not the job's fault.
//!
//! The cluster has one node, so it is not taken away: the driver's pod is removed as the control plane removes the pods of
//! a node that is gone, without a word of its kubelet.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::jobs::{self, record, running, succeeded, with};
use super::stores;
use super::tools::{Space, check, number, same};
use crate::stage::{Stage, at};
use crate::ui::{Outcome, Ui};

/// Longest time for a few minutes' work on a busy machine.
const LIMIT: Duration = Duration::from_secs(420);
/// From a container's end to its pod's.
const EVICTED: Duration = Duration::from_secs(30);
const EXECUTORS: &str = "millrace.dev/role=executor";

pub(super) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    story(stage, ui, ("story-executors", "flights"))
}

/// The same on the newest Spark there is.
pub(super) fn newest(stage: &Stage, ui: &Ui) -> Outcome<()> {
    stage.bring("image-spark-4.3", ui)?;
    story(stage, ui, ("story-executors-4-3", "spark-4.3"))
}

fn story(stage: &Stage, ui: &Ui, (name, image): (&str, &str)) -> Outcome<()> {
    let space = Space::new(stage, name)?;
    let image = json!({"image": format!("{}/{image}:dev", stage.images)});
    let bucket = json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "DataBucket",
        "metadata": {"name": "logs"}, "spec": {"deletionPolicy": "DeleteAll"},
    });
    space.apply(&[bucket])?;
    let bucket = space.condition(("databucket", "logs"), "Ready", Duration::from_secs(60))?;
    let mut cat = Command::new("cat");
    cat.arg(crate::stage::example("walls/app/grow.py")?);
    stores::put(stage, cat, &format!("{}/apps/grow.py", at(&bucket, "/status/bucketName")))?;
    let grow = jobs::with_spark(jobs::spark("grow", "", &["16", "6"]), image.clone());
    let grow = with(grow, json!({"reads": ["bucket/logs/apps/"]}));
    let few = json!({"min": 1, "max": 3, "cpu": "100m", "memory": "900Mi"});
    let soon = json!({"spark.dynamicAllocation.executorIdleTimeout": "10s"});
    let grow = jobs::with_spark(
        grow,
        json!({
            "main": "$(bucket.logs)/apps/grow.py", "executors": few, "conf": soon,
            "eventLog": "bucket/logs/spark/here/",
        }),
    );
    let lost = jobs::with_spark(jobs::spark("lost", "/app/sleep.py", &["5", "--spark"]), image);
    space.apply(&[grow, with(lost, json!({"retry": {"backoff": {"initial": "1s"}}}))])?;
    driver(&space, ui)?;
    executors(&space, ui)
}

/// A driver that goes without a word is repeated, and not on the application's account.
fn driver(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    let step = ui.step("a driver that is lost", "");
    let job = running(space, ("lost", 1), LIMIT)?;
    let pod = at(&job, "/status/attempt/pod").to_owned();
    refused(space, &pod)?;
    space.text(&["delete", "pod", &pod, "--force", "--grace-period=0"])?;
    let job = succeeded(space, "lost", LIMIT)?;
    same("the class of a lost driver", &at(&record(&job, 1), "/class"), &"DriverLost")?;
    same("failures of the application", &jobs::application_failures(&job), &0)?;
    same("failures around it", &number(&job, "/status/failures/infrastructure"), &Some(1.0))?;
    // The container has ended before its kubelet says so of the pod; a drain asks until it is let.
    let pod = at(&job, "/status/attempt/pod");
    space.until(("the eviction of a finished driver", EVICTED), || Ok(evict(space, pod).ok()))?;
    step.done("attempt 2, on nobody's account; a finished driver may be evicted, a running one not");
    Ok(())
}

/// A drain does not take a running driver.
fn refused(space: &Space<'_>, pod: &str) -> Outcome<()> {
    match evict(space, pod) {
        Ok(()) => Err(space.failure("a running driver was evicted", pod)),
        Err(failure) => {
            check(failure.why.contains("disruption budget"), "another refusal than the budget's", failure.why)
        }
    }
}

/// What `kubectl drain` asks for.
fn evict(space: &Space<'_>, pod: &str) -> Outcome<()> {
    let eviction = json!({
        "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": space.name},
    });
    let file = std::env::temp_dir().join(format!("millrace-eviction-{}.json", std::process::id()));
    std::fs::write(&file, eviction.to_string()).map_err(crate::ui::Failure::at("writing", &file))?;
    let path = format!("/api/v1/namespaces/{}/pods/{pod}/eviction", space.name);
    let asked = space.text(&["create", "--raw", &path, "-f", &file.display().to_string()]);
    let _ = std::fs::remove_file(&file);
    asked.map(|_| ())
}

/// Three come, one is killed, the work is whole, all but one go; and the log of it is in the bucket.
fn executors(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    let step = ui.step("executors that follow the work", "");
    let job = running(space, ("grow", 1), LIMIT)?;
    let base = at(&job, "/status/attempt/name").to_owned();
    let select = format!("{EXECUTORS},spark-app-selector={base}");
    let victim = space.until(("three executors", LIMIT), || {
        let pods = space.list("pods", &["-l", &select])?;
        let up: Vec<&Value> = pods.iter().filter(|p| at(p, "/status/phase") == "Running").collect();
        Ok(if up.len() < 3 { None } else { up.first().map(|p| at(p, "/metadata/name").to_owned()) })
    })?;
    space.text(&["delete", "pod", &victim, "--force", "--grace-period=0"])?;
    let job = succeeded(space, "grow", LIMIT)?;
    same("the attempts", &number(&job, "/status/attempt/number"), &Some(1.0))?;
    same("the sum", &number(&job, "/status/results/total"), &Some(120.0))?;
    same("executors at most", &number(&job, "/status/results/most"), &Some(3.0))?;
    check(number(&job, "/status/results/left").is_some_and(|n| n <= 1.0), "executors stayed", &job)?;
    let services = space.list("services", &[])?;
    same("Services of the job", &services.len(), &0)?;
    let bucket = space.json(&["get", "databucket", "logs"])?;
    let name = at(&bucket, "/status/bucketName");
    let log = stores::mc(space.stage, &format!("mc ls --recursive store/{name}/spark/here/"))?;
    check(log.contains(&base), "no event log in the bucket", &log)?;
    step.done("3, then 1; a killed one cost nothing; the event log is in the bucket");
    Ok(())
}
