//! The chart uninstalled and installed again while jobs run: the jobs do not notice.
//!
//! One job ends while nobody watches; its end is seen afterwards. A Spark job keeps its driver and its executor.

use std::time::Duration;

use serde_json::Value;

use super::jobs::{self, running, succeeded};
use super::tools::{Space, check, same};
use crate::audit::Audit;
use crate::patience;
use crate::stage::{OPERATORS, Stage, at};
use crate::ui::{Outcome, Ui};

/// The job that ends while nobody watches, and what it does: it waits for a file, however long the operators take to go.
const ENDS: &str = "ends-meanwhile";
const UNTIL_TOLD: &str = "import os, time\nwhile not os.path.exists('/tmp/end'): time.sleep(0.2)";
/// Longest time for one of the jobs.
const LIMIT: Duration = Duration::from_secs(180);

pub(super) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let space = Space::new(stage, "story-reinstall")?;
    let names = [ENDS, "goes-on", "spark"];
    let mut audit = Audit::where_shown(stage)?;
    space.apply(&[
        jobs::container("goes-on", &["/app/sleep.py", "50"]),
        jobs::spark("spark", "/app/sleep.py", &["40", "--spark"]),
    ])?;
    running(&space, ("goes-on", 1), LIMIT)?;
    running(&space, ("spark", 1), LIMIT)?;
    jobs::executor(&space, LIMIT)?;
    space.apply(&[jobs::container(ENDS, &["-c", UNTIL_TOLD])])?;
    running(&space, (ENDS, 1), LIMIT)?;
    let before = pods(&space)?;
    stage.uninstall_operators(ui)?;
    let step = ui.step("a job that ends while nobody watches", "");
    let limit = format!("--timeout={}", patience::seconds(Duration::from_secs(60)));
    stage.text(&[
        "wait",
        "pods",
        "-n",
        OPERATORS,
        "-l",
        "app.kubernetes.io/part-of=millrace",
        "--for=delete",
        &limit,
    ])?;
    let pod = before.iter().find(|(name, _)| name.contains(ENDS)).map(|(name, _)| name.clone()).unwrap_or_default();
    space.text(&["exec", &pod, "--", "touch", "/tmp/end"])?;
    let over = |p: &Value| Ok((at(p, "/status/phase") == "Succeeded").then_some(()));
    space.wait(("pod", &pod), LIMIT, over)?;
    same("the pods without operators", &pods(&space)?, &before)?;
    let job = space.find("processingjob", ENDS)?.unwrap_or_default();
    same("what the job says, which nobody watches", &at(&job, "/status/phase"), &"Running")?;
    step.done("");
    stage.install_operators(ui)?;
    for name in names {
        let job = succeeded(&space, name, LIMIT)?;
        for (field, wanted) in [("attempt/number", 1), ("runNumber", 1)] {
            let found = job.pointer(&format!("/status/{field}")).and_then(Value::as_i64);
            same(&format!("{field} of job {name}"), &found, &Some(wanted))?;
        }
        let uid = before.iter().find(|(pod, _)| pod == at(&job, "/status/attempt/pod")).map(|(_, uid)| uid.as_str());
        same(&format!("the pod of job {name}"), &Some(at(&job, "/status/attempt/podUid")), &uid)?;
    }
    // Elsewhere, that every job ended in the pod it had before must do.
    let Some(audit) = &mut audit else { return Ok(()) };
    let created: Vec<String> =
        audit.more()?.iter().filter(|e| e.made("pods") && e.namespace == space.name).map(|e| e.name.clone()).collect();
    check(created.len() == before.len(), "pods were created anew", created.join(", "))
}

/// Name and uid of every pod of the namespace, by name.
fn pods(space: &Space<'_>) -> Outcome<Vec<(String, String)>> {
    let pods = space.list("pods", &[])?;
    let mut all: Vec<_> =
        pods.iter().map(|p| (at(p, "/metadata/name").to_owned(), at(p, "/metadata/uid").to_owned())).collect();
    all.sort();
    Ok(all)
}
