//! The demo while its operators die: killed at random moments of the run, at least ten times.
//!
//! The end must be the same, and the API server's audit log tells whether anything was done twice. `SEED=N` in the
//! environment repeats the moments and the victims of an earlier run.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::mlflow::Mlflow;
use super::tools::{Space, check, same};
use crate::audit::{Audit, Entry};
use crate::demo;
use crate::stage::{OPERATORS, Stage, at};
use crate::ui::{Failure, Outcome, Ui};

/// Kills that count as enough.
const KILLS: usize = 10;
/// Kills that are enough: a successor waits up to 20 s for the lease of the dead, so more would only show that nobody works.
const MOST: usize = 16;
/// Longest pause between two kills, in milliseconds; the shortest is a tenth of it.
const PAUSE: u64 = 16_000;
/// Runs that may be needed for that many kills.
const RUNS: usize = 4;
/// The operators that take part in a run.
const VICTIMS: [&str; 4] = ["processing", "pipeline", "dataplane", "registry"];

pub(super) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let space = Space::team(stage);
    let seed = seed();
    ui.say(format!("killing operators with SEED={seed}"));
    let mut audit = Audit::where_shown(stage)?;
    let mut killer = Killer { stage, random: seed, victims: &VICTIMS, pause: PAUSE, kills: Vec::new() };
    let mut runs = Vec::new();
    while killer.kills.len() < KILLS && runs.len() < RUNS {
        let over = AtomicBool::new(false);
        let shown = std::thread::scope(|scope| {
            let at_work = scope.spawn(|| killer.work(&over));
            let shown = demo::demo(stage, ui);
            over.store(true, Ordering::Relaxed);
            let worked = at_work.join().unwrap_or_else(|_| Err(Failure::because("the killer died", "see above")));
            worked.and(shown)
        })
        .map_err(|mut failure| {
            failure.why = format!("{}\nkilled: {} (SEED={seed})", failure.why, killer.kills.join(", "));
            failure
        })?;
        runs.push(shown);
    }
    ui.say(format!("{} kills: {}", killer.kills.len(), killer.kills.join(", ")));
    check(killer.kills.len() >= KILLS, "too few kills", format!("{} in {} runs", killer.kills.len(), runs.len()))?;
    alive(stage)?;
    let mlflow = Mlflow::open(&space)?;
    for shown in &runs {
        same_end(&space, shown)?;
        let (model, uid) = (at(&shown.version, "/spec/model"), at(&shown.version, "/metadata/uid"));
        same("the versions registered by one run", &mlflow.tagged(model, uid)?.len(), &1)?;
    }
    let created = match &mut audit {
        Some(audit) => format!("{} attempts, each pod created once", once(&space, &audit.more()?)?),
        None => "one attempt each; this cluster shows no audit log to count the pods made".to_owned(),
    };
    orphans(&space)?;
    ui.say(format!("SEED={seed}: {created}; no orphan"));
    Ok(())
}

/// From the environment, or new for every process.
pub(super) fn seed() -> u64 {
    let given = std::env::var("SEED").ok().and_then(|s| s.parse().ok());
    given.unwrap_or_else(|| std::collections::hash_map::RandomState::new().build_hasher().finish() % 1_000_000)
}

/// Kills operators.
pub(super) struct Killer<'a> {
    pub(super) stage: &'a Stage,
    /// Where the moments and the victims come from.
    pub(super) random: u64,
    pub(super) victims: &'static [&'static str],
    /// Longest pause between two kills, in milliseconds; the shortest is a tenth of it.
    pub(super) pause: u64,
    /// Who and when.
    pub(super) kills: Vec<String>,
}

impl Killer<'_> {
    /// Kills until the run is over.
    pub(super) fn work(&mut self, over: &AtomicBool) -> Outcome<()> {
        let begun = Instant::now();
        loop {
            let pause = Duration::from_millis(self.pause / 10 + self.next() % (self.pause * 9 / 10));
            let next = Instant::now() + pause;
            while Instant::now() < next {
                if over.load(Ordering::Relaxed) {
                    return Ok(());
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            let victim = self.victims.get(self.next() as usize % self.victims.len()).copied().unwrap_or("processing");
            if self.kills.len() < MOST && kill(self.stage, victim)? {
                self.kills.push(format!("{victim} at {:.1}s", begun.elapsed().as_secs_f32()));
            }
        }
    }

    /// The generator splitmix64: the same seed, the same moments.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) >> 11
    }
}

/// SIGKILL to the process where it can be seen, then the pod goes too: its successor starts without a back-off.
pub(super) fn kill(stage: &Stage, operator: &str) -> Outcome<bool> {
    let label = format!("app.kubernetes.io/name=millrace-{operator}");
    let pods = stage.json(&["get", "pods", "-n", OPERATORS, "-l", &label])?;
    let pods = pods.pointer("/items").and_then(Value::as_array).cloned().unwrap_or_default();
    // One that is not running yet has nothing to lose.
    let running =
        pods.iter().find(|p| at(p, "/status/phase") == "Running" && p.pointer("/metadata/deletionTimestamp").is_none());
    let Some(pod) = running else { return Ok(false) };
    let container = at(pod, "/status/containerStatuses/0/containerID").rsplit('/').next().unwrap_or_default();
    if stage.target.local {
        kill_processes(container);
    }
    let name = at(pod, "/metadata/name");
    stage.text(&[
        "delete",
        "pod",
        name,
        "-n",
        OPERATORS,
        "--grace-period=0",
        "--force",
        "--wait=false",
        "--ignore-not-found",
    ])?;
    Ok(true)
}

/// Sends SIGKILL to every process of a container of the local cluster; its control group names it.
fn kill_processes(container: &str) {
    if container.len() < 32 {
        return;
    }
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid =
            entry.file_name().to_str().and_then(|n| n.parse::<i32>().ok()).and_then(rustix::process::Pid::from_raw);
        let Some(pid) = pid else { continue };
        let group = std::fs::read_to_string(entry.path().join("cgroup")).unwrap_or_default();
        if group.contains(container) {
            // It may have ended by itself in the meantime.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// All operators are back.
fn alive(stage: &Stage) -> Outcome<()> {
    for operator in VICTIMS {
        stage.rolled_out(operator)?;
    }
    Ok(())
}

/// No job needed a second attempt: the death of an operator costs nothing.
fn same_end(space: &Space<'_>, shown: &demo::Shown) -> Outcome<()> {
    let run = space.find("mlpipelinerun", &shown.run)?.unwrap_or_default();
    for step in run.pointer("/status/steps").and_then(Value::as_array).into_iter().flatten() {
        let name = at(step, "/name");
        same(&format!("the phase of step {name}"), &at(step, "/phase"), &"Succeeded")?;
        if let Some(job) = space.find("processingjob", at(step, "/child/name"))? {
            let number = job.pointer("/status/attempt/number").and_then(Value::as_i64);
            same(&format!("the attempts of step {name}"), &number, &Some(1))?;
            let failures = job.pointer("/status/failures").map(ToString::to_string);
            check(
                job.pointer("/status/lastAttempts/1").is_none(),
                &format!("step {name} has failed attempts"),
                format!("{failures:?}"),
            )?;
        }
    }
    Ok(())
}

/// Every pod of an attempt was created exactly once; their number.
pub(super) fn once(space: &Space<'_>, entries: &[Entry]) -> Outcome<usize> {
    let account = format!("system:serviceaccount:{OPERATORS}:millrace-processing");
    let mut created: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in entries {
        if entry.made("pods") && entry.user == account && entry.namespace == space.name {
            *created.entry(&entry.name).or_default() += 1;
        }
    }
    let twice: Vec<&str> = created.iter().filter(|(_, n)| **n != 1).map(|(name, _)| *name).collect();
    check(twice.is_empty(), "a pod of an attempt was created twice", twice.join(", "))?;
    check(!created.is_empty(), "the audit log shows no pod of the run", &account)?;
    Ok(created.len())
}

/// Whatever has a controlling owner has a living one, and no job that has ended holds a grant.
fn orphans(space: &Space<'_>) -> Outcome<()> {
    space
        .until(("the end of what has no owner", Duration::from_secs(45)), || {
            Ok(orphan(space)?.is_empty().then_some(()))
        })
        .map_err(|mut f| {
            f.why = format!("{}\n{}", orphan(space).unwrap_or_default().join("\n"), f.why);
            f
        })
}

fn orphan(space: &Space<'_>) -> Outcome<Vec<String>> {
    let kinds = "pods,configmaps,secrets,services,deployments.apps,replicasets.apps,jobs.batch,controllerrevisions.apps,\
                 datagrants,databuckets,datatopics,processingjobs,mlpipelines,mlpipelineruns,modelregistries,modelversions";
    let all = space.list(kinds, &[])?;
    let living: BTreeSet<&str> = all.iter().map(|o| at(o, "/metadata/uid")).collect();
    let ended = |uid: &str| {
        all.iter().any(|o| at(o, "/metadata/uid") == uid && ["Succeeded", "Failed"].contains(&at(o, "/status/phase")))
    };
    let mut lost = Vec::new();
    for object in &all {
        let who = format!("{} {}", at(object, "/kind"), at(object, "/metadata/name"));
        for owner in object.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten() {
            let uid = at(owner, "/uid");
            let owned = format!("{} {}", at(owner, "/kind"), at(owner, "/name"));
            if !living.contains(uid) {
                lost.push(format!("{who} outlives its owner {owned}"));
            }
            if at(object, "/kind") == "DataGrant" && ended(uid) {
                lost.push(format!("{who} is left over: {owned} has ended"));
            }
        }
    }
    Ok(lost)
}
