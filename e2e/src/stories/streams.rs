//! A Flink job that counts flights while everything around it dies, and one whose next version cannot read its state.
//!
//! The counts at the end are those of a plain count: no window is missing, none is written twice.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::flights::{self, Counts};
use super::jobs;
use super::killed::{self, Killer};
use super::stores;
use super::tools::{Space, check, same};
use crate::stage::{Stage, at, condition};
use crate::ui::{Failure, Outcome, Ui};

pub(super) const JOB: &str = "count-flights";
const PACKAGE: &str = "dev.millrace.streams";
/// From an object, or a change, to all tasks running with a checkpoint; two JVMs start in that time.
const START: Duration = Duration::from_secs(150);
/// From the last flight to the last file.
const FINISH: Duration = Duration::from_secs(90);
/// Longest pause between two kills of the operator: it needs time for the lease of the one before, and some to work.
const PAUSE: u64 = 90_000;

/// What is late has no carrier.
const SCRIPT: &str = "
CREATE TABLE flights (carrier STRING, origin STRING, `at` BIGINT) WITH ('connector' = 'kafka', 'topic' = '$(topic.flights)',
  'properties.bootstrap.servers' = '$(KAFKA_BOOTSTRAP_SERVERS)', 'format' = 'json',
  'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE counts (carrier STRING, n BIGINT) WITH
  ('connector' = 'filesystem', 'path' = '$(bucket.counts)/sql', 'format' = 'json');
INSERT INTO counts SELECT carrier, COUNT(*) FROM flights WHERE carrier <> '' GROUP BY carrier;
";

/// Topic, bucket and job of a story.
pub(super) struct Scene<'a> {
    pub(super) space: Space<'a>,
    pub(super) ui: &'a Ui,
    /// The topic's name on the broker.
    topic: String,
    /// The bucket's name on the store.
    pub(super) bucket: String,
    /// Another version of Flink than the default.
    version: Option<&'static str>,
}

/// Everything dies once, and the counts are right.
pub(super) fn exactly_once(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let scene = Scene::new(stage, ui, "story-streams")?;
    scene.job("CountFlights", &json!({"taskManagers": {"rescale": "InPlace"}}))?;
    let mut killer =
        Killer { stage, random: killed::seed(), victims: &["processing"], pause: PAUSE, kills: Vec::new() };
    let seed = killer.random;
    scene.while_fed(|| {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let killing = scope.spawn(|| killer.work(&over));
            let lived = scene.die();
            over.store(true, Ordering::Relaxed);
            let killed = killing.join().unwrap_or_else(|_| Err(Failure::because("the killer died", "see above")));
            lived.and(killed)
        })
    })?;
    ui.say(format!("SEED={seed}: operator killed {}", killer.kills.join(", ")));
    let (plain, lines) = scene.counted()?;
    let programs = |wanted: &str| lines.iter().filter(|line| at(line, "/program") == wanted).count();
    let (old, new) = (programs("1"), programs("2"));
    check(old > 0 && new > 0, "one of the versions wrote nothing", format!("{old} and {new} windows"))?;
    let origins = flights::counts(&flights::written(stage, &format!("{}/hourly/origin", scene.bucket))?, "origin")?;
    check(!origins.is_empty(), "the new version's own counts are missing", scene.bucket.clone())?;
    let total: i64 = plain.values().sum();
    scene.by_script(&plain)?;
    ui.say(format!(
        "{total} flights in {} windows, each written once: {old} by the old code, {new} by the new",
        plain.len()
    ));
    scene.end()
}

/// The same program on Flink 1.20.
pub(super) fn older(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let scene = Scene::of_version(stage, ui, ("story-streams-1-20", Some("1.20")))?;
    scene.job("CountFlights", &json!({"taskManagers": {"rescale": "InPlace"}}))?;
    scene.while_fed(|| scene.die())?;
    let (plain, lines) = scene.counted()?;
    ui.say(format!("{} flights in {} windows, each written once", plain.values().sum::<i64>(), lines.len()));
    scene.end()
}

/// A version that cannot read the state of the one before does not take its place.
pub(super) fn put_back(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let scene = Scene::new(stage, ui, "story-put-back")?;
    scene.job("CountFlights", &json!({"state": {"rollbackAfter": "60s"}}))?;
    scene.while_fed(|| {
        let first = scene.healthy("")?;
        scene.walls(&first)?;
        scene.nowhere(&first)?;
        scene.expiring()?;
        let step = ui.step("a version that cannot read the state", "");
        scene.patch(&json!({"flink": {"class": format!("{PACKAGE}.CountRenamed")}}))?;
        let job = scene.space.wait(("processingjob", JOB), START * 2, |job| {
            let degraded = matches!(condition(job, "Degraded"), Some(("True", "RolledBack", _)));
            let well = matches!(condition(job, "Healthy"), Some(("True", ..)));
            Ok((degraded && well && at(job, "/status/phase") == "Running").then(|| job.clone()))
        })?;
        let message = condition(&job, "Degraded").map(|(_, _, message)| message.to_owned()).unwrap_or_default();
        check(message.contains("state"), "the cause is not told", &message)?;
        let from = at(&job, "/status/attempt/flink/restoredFrom");
        check(from.contains("/savepoints/"), "the old version does not go on from where it was stopped", from)?;
        step.done(message.chars().take(160).collect::<String>());
        let step = ui.step("the version before, asked for again", "");
        scene.patch(&json!({"flink": {"class": format!("{PACKAGE}.CountFlights")}}))?;
        scene.space.wait(("processingjob", JOB), START, |job| {
            let degraded = matches!(condition(job, "Degraded"), Some(("True", ..)));
            let well = matches!(condition(job, "Healthy"), Some(("True", ..)));
            Ok((!degraded && well).then_some(()))
        })?;
        step.done("");
        Ok(())
    })?;
    let (plain, lines) = scene.counted()?;
    let others = lines.iter().filter(|line| at(line, "/program") != "1").count();
    same("the windows written by the refused version", &others, &0)?;
    ui.say(format!("{} flights, each counted once, by the old version alone", plain.values().sum::<i64>()));
    scene.end()
}

/// The image with the programs for a version of Flink.
fn streams(version: Option<&str>) -> String {
    version.map_or_else(|| "streams".to_owned(), |version| format!("streams-{version}"))
}

impl<'a> Scene<'a> {
    pub(super) fn new(stage: &'a Stage, ui: &'a Ui, name: &str) -> Outcome<Self> {
        Self::of_version(stage, ui, (name, None))
    }

    fn of_version(stage: &'a Stage, ui: &'a Ui, (name, version): (&str, Option<&'static str>)) -> Outcome<Self> {
        stage.bring(&format!("image-{}", streams(version)), ui)?;
        let space = Space::new(stage, name)?;
        let object = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "millrace.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
        space.apply(&[
            object("DataTopic", "flights", json!({"partitions": 3, "deletionPolicy": "Delete"})),
            object("DataBucket", "counts", json!({"deletionPolicy": "DeleteAll"})),
        ])?;
        let ready = |kind, name, field| -> Outcome<String> {
            let object = space.condition((kind, name), "Ready", Duration::from_secs(60))?;
            Ok(at(&object, field).to_owned())
        };
        let topic = ready("datatopic", "flights", "/status/topicName")?;
        let bucket = ready("databucket", "counts", "/status/bucketName")?;
        Ok(Self { space, ui, topic, bucket, version })
    }

    /// The job, with `more` in the sections of its `flink`.
    pub(super) fn job(&self, class: &str, more: &Value) -> Outcome<()> {
        let mut flink = json!({
            "image": format!("{}/{}:dev", self.space.stage.images, streams(self.version)),
            "main": "local:///opt/flink/usrlib/streams.jar",
            "class": format!("{PACKAGE}.{class}"),
            "args": ["$(topic.flights)", "$(bucket.counts)/hourly"],
            "conf": {"taskmanager.memory.managed.fraction": "0.1"},
            "jobManager": {"cpu": "200m", "memory": "1Gi"},
            "taskManagers": {"count": 1, "slots": 2, "cpu": "200m", "memory": "1Gi"},
            "state": {"bucket": "counts", "checkpointEvery": "5s"},
        });
        for (section, fields) in more.as_object().into_iter().flatten() {
            if let (Some(Value::Object(into)), Value::Object(fields)) = (flink.get_mut(section), fields) {
                into.extend(fields.clone());
            }
        }
        if let (Some(flink), Some(version)) = (flink.as_object_mut(), self.version) {
            flink.insert("version".to_owned(), json!(version));
        }
        // A stop waits for its savepoint, and that one for all tasks: a TaskManager may have to come first.
        let spec = json!({
            "flink": flink, "reads": ["topic/flights", "bucket/counts/jars/"], "writes": ["bucket/counts/hourly/"],
            "deadlines": {"stop": "120s"},
        });
        self.space.apply(&[json!({"apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob", "metadata": {"name": JOB}, "spec": spec})])
    }

    pub(super) fn patch(&self, spec: &Value) -> Outcome<()> {
        let patch = json!({"spec": spec}).to_string();
        self.space.text(&["patch", "processingjob", JOB, "--type=merge", "--patch", &patch]).map(|_| ())
    }

    /// Flights come in while `act` does what it does.
    fn while_fed(&self, act: impl FnOnce() -> Outcome<()>) -> Outcome<()> {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let feeding = scope.spawn(|| flights::feed(self.space.stage, &self.topic, &over));
            let acted = act();
            over.store(true, Ordering::Relaxed);
            let fed = feeding.join().unwrap_or_else(|_| Err(Failure::because("the feeder died", "see above")));
            acted.and(fed)
        })
    }

    /// The job, healthy in another attempt than the named one.
    pub(super) fn healthy(&self, other: &str) -> Outcome<Value> {
        self.space.wait(("processingjob", JOB), START, |job| {
            if let Some(("True", reason, message)) = condition(job, "Stalled") {
                return Err(self.space.failure(&format!("the job is stalled: {reason}"), message));
            }
            let next = ![other, ""].contains(&at(job, "/status/attempt/name"));
            let well = matches!(condition(job, "Healthy"), Some(("True", ..)));
            Ok((next && well && at(job, "/status/phase") == "Running").then(|| job.clone()))
        })
    }

    /// Twice the TaskManagers and back, in the same attempt.
    fn rescale(&self, first: &Value) -> Outcome<()> {
        let attempt = at(first, "/status/attempt/name");
        let select = format!("app={attempt},component=taskmanager");
        for count in [2, 1] {
            let step = self.ui.step(format!("TaskManagers: {count}"), "");
            self.patch(&json!({"flink": {"taskManagers": {"count": count}}}))?;
            self.space.until(("as many TaskManagers as asked for", START * 2), || {
                let pods = self.space.list("pods", &["-l", &select])?;
                let run = pods.iter().filter(|pod| at(pod, "/status/phase") == "Running").count();
                Ok((run == count && pods.len() == count).then_some(()))
            })?;
            let job = self.space.wait(("processingjob", JOB), START, |job| {
                let well = matches!(condition(job, "Healthy"), Some(("True", "Healthy", _)));
                Ok(well.then(|| job.clone()))
            })?;
            same("the attempt that is rescaled", &at(&job, "/status/attempt/name"), &attempt)?;
            step.done("");
        }
        Ok(())
    }

    /// Another number of TaskManagers; then the loss of a JobManager and of a TaskManager, a suspension, new code.
    fn die(&self) -> Outcome<()> {
        let (space, ui) = (&self.space, self.ui);
        let name = |job: &Value| at(job, "/status/attempt/name").to_owned();
        let from = |job: &Value| at(job, "/status/attempt/flink/restoredFrom").to_owned();
        let force = ["--force", "--grace-period=0", "--wait=false"];
        let step = ui.step("starting", "");
        let first = self.healthy("")?;
        same("what the first attempt starts from", &from(&first).as_str(), &"Empty")?;
        step.done("");
        self.rescale(&first)?;

        let step = ui.step("killing the JobManager", "");
        space.text(&[&["delete", "pod", at(&first, "/status/attempt/pod")], &force[..]].concat())?;
        let second = self.healthy(&name(&first))?;
        check(from(&second).contains("/checkpoints/"), "the state was not taken from a checkpoint", from(&second))?;
        step.done(format!("restored from {}", from(&second).rsplit('/').next().unwrap_or_default()));

        let step = ui.step("killing the TaskManager", "");
        let select = format!("app={},component=taskmanager", name(&second));
        let uids = || -> Outcome<Vec<(String, String)>> {
            let pods = space.list("pods", &["-l", &select])?;
            Ok(pods.iter().map(|p| (at(p, "/metadata/uid").to_owned(), at(p, "/metadata/name").to_owned())).collect())
        };
        let before = uids()?;
        for (_, pod) in &before {
            space.text(&[&["delete", "pod", pod], &force[..]].concat())?;
        }
        space.until(("another TaskManager", START), || {
            Ok(uids()?.iter().any(|(uid, _)| before.iter().all(|(old, _)| old != uid)).then_some(()))
        })?;
        let again = self.healthy("")?;
        same("the attempt that goes on", &name(&again), &name(&second))?;
        step.done("");

        let step = ui.step("suspending and resuming", "");
        self.patch(&json!({"suspend": true}))?;
        let point = space.wait(("processingjob", JOB), START, |job| {
            let newest = job.pointer("/status/state/restorePoints/0").cloned().unwrap_or_default();
            let saved = at(&newest, "/kind") == "Savepoint";
            Ok((at(job, "/status/phase") == "Suspended" && saved).then(|| at(&newest, "/path").to_owned()))
        })?;
        space.until(("the end of the pods", Duration::from_secs(60)), || {
            let pods = space.list("pods", &["-l", "type=flink-native-kubernetes"])?;
            Ok(pods.is_empty().then_some(()))
        })?;
        self.expiring()?;
        // One of the stories goes on from the newest point, the other from the same, by name.
        let named = point.replacen(&format!("s3://{}", self.bucket), "$(bucket.counts)", 1);
        let (wish, wanted) = if self.version.is_none() { (Value::Null, &point) } else { (json!(named), &named) };
        self.patch(&json!({"suspend": false, "flink": {"state": {"restoreFrom": wish}}}))?;
        let third = self.healthy(&name(&second))?;
        same("what the resumed attempt starts from", &from(&third), wanted)?;
        step.done("");

        let step = ui.step("new code, in a jar of the bucket", "");
        self.upload(at(&third, "/status/attempt/pod"))?;
        let (main, class) = ("$(bucket.counts)/jars/streams.jar", format!("{PACKAGE}.CountMore"));
        self.patch(&json!({"flink": {"main": main, "class": class}}))?;
        let fourth = self.healthy(&name(&third))?;
        let upgraded = from(&fourth);
        check(upgraded.contains("/savepoints/") && upgraded != point, "not upgraded from a savepoint", &upgraded)?;
        step.done("");
        Ok(())
    }

    /// Puts the jar of the image of this pod into the bucket.
    fn upload(&self, pod: &str) -> Outcome<()> {
        let mut cat = self.space.stage.target.kubectl();
        cat.args(["exec", "-n", &self.space.name, pod, "--", "cat", "/opt/flink/usrlib/streams.jar"]);
        stores::put(self.space.stage, cat, &format!("{}/jars/streams.jar", self.bucket))
    }

    /// Waits until all is written, and compares. The plain count and what was written.
    fn counted(&self) -> Outcome<(Counts, Vec<Value>)> {
        let stage = self.space.stage;
        let plain = flights::plain(stage, &self.topic)?;
        let place = format!("{}/hourly/carrier", self.bucket);
        let total: i64 = plain.values().sum();
        let step = self.ui.step("waiting for the last windows", "");
        let lines = self.space.until(("the last window's file", FINISH), || {
            let lines = flights::written(stage, &place)?;
            let sum: i64 = flights::counts(&lines, "carrier")?.values().sum();
            step.note(&format!("{sum} of {total} flights"));
            Ok((sum >= total).then_some(lines))
        })?;
        step.done("");
        same("what was counted", &flights::counts(&lines, "carrier")?, &plain)?;
        Ok((plain, lines))
    }

    /// The same topic, counted by a script in a job that ends by itself and keeps no state.
    fn by_script(&self, plain: &Counts) -> Outcome<()> {
        let step = self.ui.step("the same counts by a script", "");
        let flink = json!({
            "image": format!("{}/streams:dev", self.space.stage.images),
            "mode": "Batch",
            "sql": SCRIPT,
            "jobManager": {"cpu": "200m", "memory": "1Gi"},
            "taskManagers": {"count": 1, "slots": 2, "cpu": "200m"},
        });
        let spec = json!({"flink": flink, "reads": ["topic/flights"], "writes": ["bucket/counts/sql/"]});
        self.space.apply(&[json!({"apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob", "metadata": {"name": "count-script"}, "spec": spec})])?;
        jobs::succeeded(&self.space, "count-script", START)?;
        let mut wanted = BTreeMap::<&str, i64>::new();
        for ((_, carrier), flights) in plain {
            *wanted.entry(carrier).or_default() += flights;
        }
        let lines = flights::written(self.space.stage, &format!("{}/sql", self.bucket))?;
        let found =
            lines.iter().map(|l| (at(l, "/carrier"), l.pointer("/n").and_then(Value::as_i64).unwrap_or_default()));
        same("what the script counted", &found.collect(), &wanted)?;
        step.done("");
        self.space.delete("processingjob", "count-script")
    }

    /// From inside JobManager and TaskManager: what they may not do is refused.
    fn walls(&self, job: &Value) -> Outcome<()> {
        let base = at(job, "/status/attempt/name");
        let script = crate::stage::example("walls/app/steal.py")?;
        let script = std::fs::read_to_string(&script).map_err(Failure::at("reading", &script))?;
        // Nobody's Secret in particular: what is refused is refused before anybody looks whether it exists.
        for pod in [format!("{base}-jobmanager"), format!("{base}-taskmanager-1-1")] {
            let step = self.ui.step(format!("a thief in {pod}"), "");
            let command =
                ["exec", &pod, "--", "env", "TERMINATION_LOG=/dev/null", "python3", "-c", &script, "somebody"];
            let said = self.space.text(&command)?;
            let results = said.lines().find_map(|line| line.strip_prefix("results: ")).unwrap_or_default();
            let results: Value = serde_json::from_str(results).unwrap_or_default();
            let passed = results.pointer("/passed").and_then(Value::as_bool) == Some(true);
            check(passed, &format!("the walls around {pod} have a hole"), format!("{said}\n{results:#}"))?;
            step.done(at(&results, "/refusal").chars().take(80).collect::<String>());
        }
        Ok(())
    }

    /// Removes the job; its ConfigMaps of high availability, which nobody owns, go with it.
    pub(super) fn end(&self) -> Outcome<()> {
        self.space.delete("processingjob", JOB)?;
        self.space.until(("the end of everything of the job", Duration::from_secs(60)), || {
            let maps = self.space.list("configmaps", &["-l", "type=flink-native-kubernetes"])?;
            let pods = self.space.list("pods,deployments", &[])?;
            Ok((maps.is_empty() && pods.is_empty()).then_some(()))
        })?;
        self.space.delete("databucket", "counts")?;
        self.space.delete("datatopic", "flights")
    }
}
