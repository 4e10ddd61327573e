//! Two hundred objects with nothing to do, for five minutes: not one write from the operators.
//!
//! Nothing else plays. Leaders are present and renew their leases; that is all the audit log shows of them. Afterwards
//! they are awake: a drifted topic is put back, and how soon is printed; a minute is promised.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::stores;
use super::tools::{Space, same};
use crate::audit::Audit;
use crate::stage::{Stage, at, condition};
use crate::ui::{Failure, Outcome, Ui, short};

/// How long nothing may be written.
const IDLE: SignedDuration = SignedDuration::from_secs(300);
/// How long the operators must have been quiet before the clock starts: their last Events may follow the last Ready.
const QUIET: SignedDuration = SignedDuration::from_secs(10);
/// How long drift lasts at most, as promised.
const DRIFT: Duration = Duration::from_secs(60);
const TOPICS: usize = 150;
const BUCKETS: usize = 40;
const JOBS: usize = 5;
const PIPELINES: usize = 5;
/// Where the objects are.
const HOME: &str = "story-idle";

pub(super) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let space = Space::new(stage, HOME)?;
    fill(&space, ui)?;
    watch(stage, ui)?;
    let step = ui.step("a topic that drifts afterwards", "");
    let topic = space.condition(("datatopic", "idle-7"), "Ready", DRIFT)?;
    let name = at(&topic, "/status/topicName").to_owned();
    stores::alter(stage, &name, "retention.ms=1234567")?;
    let begun = Instant::now();
    space.until(("the topic's retention put back", DRIFT), || {
        let found = stores::topic(stage, &name)?.unwrap_or_default();
        Ok((found.config.get("retention.ms").map(String::as_str) == Some("3600000")).then_some(()))
    })?;
    step.done(format!("seen put back after {}", short(begun.elapsed())));
    empty(&space, ui)
}

fn object(kind: &str, number: usize, spec: Value) -> Value {
    let name = format!("idle-{number}");
    json!({"apiVersion": "millrace.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn fill(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    let container = json!({"image": "docker.io/millrace/flights:dev", "command": ["true"]});
    let job = json!({"suspend": true, "container": container});
    let pipeline = json!({"steps": [{"name": "one", "container": container}]});
    let topic = json!({"config": {"retention.ms": "3600000"}, "deletionPolicy": "Delete"});
    let kinds = [
        ("DataTopic", TOPICS, topic),
        ("DataBucket", BUCKETS, json!({"deletionPolicy": "DeleteAll"})),
        ("ProcessingJob", JOBS, job),
        ("MLPipeline", PIPELINES, pipeline),
    ];
    let all: Vec<Value> =
        kinds.iter().flat_map(|(kind, count, spec)| (0..*count).map(move |n| object(kind, n, spec.clone()))).collect();
    let step = ui.step(format!("{} objects to Ready", all.len()), "");
    space.apply(&all)?;
    space.until(("200 objects Ready", Duration::from_secs(180)), || {
        let found = space.list("datatopics,databuckets,processingjobs,mlpipelines", &[])?;
        let waits: Vec<&Value> =
            found.iter().filter(|o| !matches!(condition(o, "Ready"), Some(("True", ..)))).collect();
        step.note(&format!("{} of {} wait", waits.len(), all.len()));
        Ok((waits.is_empty() && found.len() == all.len()).then_some(()))
    })?;
    step.done("");
    Ok(())
}

/// Follows the audit log by its own clock.
fn watch(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let mut audit = Audit::now(stage)?;
    let step = ui.step("five minutes without a write", "by the clock of the audit log");
    let mut since: Option<Timestamp> = None;
    let mut started = false;
    let mut leases: BTreeSet<String> = BTreeSet::new();
    let mut reads: BTreeMap<String, usize> = BTreeMap::new();
    let space = Space::team(stage);
    let limit = Duration::from_secs(IDLE.unsigned_abs().as_secs() + 90);
    space.until(("the end of the five minutes", limit), || {
        for entry in audit.more()? {
            let from = *since.get_or_insert(entry.at);
            let write = entry.writes() && entry.ours();
            if write && entry.lease() {
                leases.insert(entry.user.clone());
            } else if write && started {
                return Err(Failure::because("an operator with nothing to do wrote", entry.line()));
            } else if write {
                since = Some(entry.at);
            } else if entry.ours() {
                *reads.entry(entry.verb.clone()).or_default() += 1;
            }
            let quiet = entry.at.duration_since(from);
            if !started && quiet >= QUIET {
                (started, since) = (true, Some(entry.at));
                reads.clear();
                leases.clear();
            } else if started && quiet >= IDLE {
                return Ok(Some(()));
            }
            step.note(&format!("quiet for {}", short(quiet.unsigned_abs())));
        }
        Ok(None)
    })?;
    same("the leaders that renewed their lease", &leases.len(), &4)?;
    step.done(format!("0 writes, leases of {} leaders, reads {reads:?}", leases.len()));
    Ok(())
}

/// Deleted while the operators are there to let go of what they hold.
fn empty(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    let step = ui.step("removing the objects", "");
    let kinds = "datatopics,databuckets,processingjobs,mlpipelines";
    space.text(&["delete", kinds, "--all", "--wait=false"])?;
    let gone = || Ok(space.list(kinds, &[])?.is_empty().then_some(()));
    space.until(("the end of the objects", Duration::from_secs(120)), gone)?;
    step.done("");
    Ok(())
}
