//! One contender on the field: work is offered at a steady rate, and a stand-in for every kubelet lets it run and end and
//! gives each Spark driver the executor that it would ask for. What the contender takes is read from the kernel, what it
//! asks from the API server's audit log.
//!
//! No scheduler, no node, no image: what is measured is whoever turns an object into a pod, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::local::{self, Running};
use crate::audit::{Audit, Entry};
use crate::cluster::tool;
use crate::local::LocalApi;
use crate::stage::TEAM;
use crate::ui::{Failure, Outcome, Step, Ui};

/// Jobs of one run.
pub(super) const COUNT: usize = 2_000;
/// How many are offered in a minute.
pub(super) const RATE: usize = 1_000;
/// Live jobs at which the contender is looked at.
pub(super) const MARKS: [usize; 4] = [0, 500, 1_000, 2_000];
/// How long a pod runs, in seconds: all are alive together before the first one ends, also on a busy machine.
const LIFE: u64 = 150;
/// Longest time for a run.
const END: Duration = Duration::from_secs(900);
/// What the names of executors have, whose driver says when all has ended.
const EXECUTOR: &str = "-exec-";
/// Who plays nodes and users.
const CROWD: &str = "crowd";

/// Who turns objects into pods.
pub(super) struct Contender<'a> {
    pub(super) name: &'a str,
    /// Its name in the audit log.
    pub(super) user: String,
    /// What is offered, in turn; `@` stands for the number. The first letter of a name tells its sort.
    pub(super) objects: Vec<Value>,
    pub(super) start: &'a dyn Fn(&LocalApi) -> Outcome<Running>,
}

/// What one run showed.
#[derive(Debug, Clone, Default)]
pub(super) struct Run {
    /// Seconds from asking for an object to its pod in sight, by the first letter of the name.
    pub(super) waits: BTreeMap<char, Vec<f64>>,
    /// Requests and writes of the contender for each job, by the first letter of the name; requests without a name at `*`.
    pub(super) calls: BTreeMap<char, f64>,
    pub(super) writes: BTreeMap<char, f64>,
    /// Resident MiB and processor seconds since the start, at each of [`MARKS`].
    pub(super) marks: Vec<(f64, f64)>,
    /// Processor seconds of all jobs, from creation to finish.
    pub(super) cpu: f64,
    /// Jobs a minute that were really offered.
    pub(super) offered: f64,
}

/// A process of the crowd.
fn crowd(program: &Path, kubeconfig: &Path, args: &[&str]) -> Outcome<Running> {
    let mut command = Command::new(program);
    command.args(args).env("KUBECONFIG", kubeconfig).stdin(Stdio::piped()).stdout(Stdio::null());
    command.spawn().map(Running).map_err(|e| Failure::because("starting the crowd failed", e))
}

/// A stand-in for every kubelet of this server, writing into this file which pod it saw when.
pub(super) fn kubelet(api: &LocalApi, binaries: &Path, log: &Path) -> Outcome<Running> {
    let user = api.user(CROWD, &format!("/O=system:masters/CN={CROWD}"))?;
    let life = LIFE.to_string();
    crowd(&binaries.join("examples/field"), &user, &["kubelet", &life, &log.display().to_string()])
}

/// Offers everything to one contender and waits until all has ended.
pub(super) fn play(contender: &Contender<'_>, binaries: &Path, (ui, step): (&Ui, &Step)) -> Outcome<Run> {
    let api = local::server(&[TEAM], ui)?;
    let running = (contender.start)(&api)?;
    let (seen, offered) = (beside(&api, "seen"), beside(&api, "offered"));
    let _kubelet = kubelet(&api, binaries, &seen)?;
    let mut audit = Audit::of(&api.audit_log)?;
    local::settled(&mut audit)?;
    let begun = running.cpu()?;
    let mut run = Run { marks: vec![(running.resident()?, 0.0)], ..Run::default() };
    let _offer = offer(&api, contender, (binaries, &offered))?;
    let mut tally = Tally::default();
    // Of each pod that it runs and that it ended.
    let mut said = 0;
    let over = || {
        for entry in audit.more()? {
            tally.count(&entry, &contender.user);
            let told = entry.user == CROWD && entry.resource == "pods/status" && !entry.name.contains(EXECUTOR);
            said += usize::from(told);
        }
        if MARKS.get(run.marks.len()).is_some_and(|mark| tally.pods >= *mark) {
            run.marks.push((running.resident()?, running.cpu()? - begun));
        }
        step.note(&format!("{} pods of {COUNT}, {} ended", tally.pods, said.saturating_sub(COUNT)));
        Ok((tally.pods >= COUNT && said >= 2 * COUNT).then_some(()))
    };
    let late = || Failure::because(format!("{} did not end in {END:?}", contender.name), api.audit_log.display());
    tool::wait(END, over, late)?;
    for entry in local::settled(&mut audit)? {
        tally.count(&entry, &contender.user);
    }
    run.cpu = running.cpu()? - begun;
    let (offered, seen) = (times(&offered)?, times(&seen)?);
    run.waits = waits(&offered, &seen);
    let span = offered.values().max().zip(offered.values().min()).map_or(1, |(last, first)| last - first);
    run.offered = (COUNT - 1) as f64 * 60.0 / seconds(span);
    for (letter, (calls, writes)) in tally.by_letter {
        let number = run.waits.get(&letter).map_or(COUNT, Vec::len) as f64;
        run.calls.insert(letter, calls / number);
        run.writes.insert(letter, writes / number);
    }
    Ok(run)
}

fn beside(api: &LocalApi, name: &str) -> PathBuf {
    api.audit_log.with_file_name(name)
}

fn offer(api: &LocalApi, contender: &Contender<'_>, (binaries, log): (&Path, &Path)) -> Outcome<Running> {
    let user = api.user(CROWD, &format!("/O=system:masters/CN={CROWD}"))?;
    let (count, rate) = (COUNT.to_string(), RATE.to_string());
    let args = ["offer", &count, &rate, &log.display().to_string()];
    let mut offer = crowd(&binaries.join("examples/field"), &user, &args)?;
    let mut input = offer.0.stdin.take();
    for object in &contender.objects {
        let line = input.as_mut().map(|pipe| writeln!(pipe, "{object}")).transpose();
        line.map_err(|e| Failure::because("offering jobs failed", e))?;
    }
    Ok(offer)
}

/// Requests so far.
#[derive(Debug, Default)]
struct Tally {
    pods: usize,
    /// Requests and writes that succeeded, by the first letter of the job's name; `*` for those without one.
    by_letter: BTreeMap<char, (f64, f64)>,
}

impl Tally {
    fn count(&mut self, entry: &Entry, user: &str) {
        if entry.user != user || entry.lease() {
            return;
        }
        self.pods += usize::from(entry.made("pods"));
        // A pod whose name the server draws has none yet in the log.
        let letter = entry.name.chars().next().filter(|_| number(&entry.name).is_some()).unwrap_or('*');
        let (calls, writes) = self.by_letter.entry(letter).or_default();
        *calls += 1.0;
        *writes += f64::from(u8::from(entry.writes() && entry.code < 300));
    }
}

/// `c00017` of `c00017-main-x7`.
fn number(name: &str) -> Option<&str> {
    let (head, digits) = (name.get(..6)?, name.get(1..6)?);
    digits.bytes().all(|b| b.is_ascii_digit()).then_some(head)
}

/// Microseconds since 1970 by the number of the job; the first line of each counts.
pub(super) fn times(log: &Path) -> Outcome<BTreeMap<String, i64>> {
    let text = fs::read_to_string(log).map_err(Failure::at("reading", log))?;
    let mut all = BTreeMap::new();
    for line in text.lines() {
        let Some((name, micros)) = line.split_once(' ') else { continue };
        let (Some(number), Ok(micros)) = (number(name), micros.parse::<i64>()) else { continue };
        all.entry(number.to_owned()).or_insert(micros);
    }
    Ok(all)
}

fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

/// From one log to the other, by the first letter.
pub(super) fn waits(from: &BTreeMap<String, i64>, to: &BTreeMap<String, i64>) -> BTreeMap<char, Vec<f64>> {
    let mut all: BTreeMap<char, Vec<f64>> = BTreeMap::new();
    for (number, asked) in from {
        if let (Some(letter), Some(seen)) = (number.chars().next(), to.get(number)) {
            all.entry(letter).or_default().push(seconds(seen - asked));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_known_by_the_number_of_its_job() {
        assert_eq!(number("c00017-main-x7"), Some("c00017"));
        assert_eq!(number("events"), None);
        assert_eq!(number("Ü00017"), None);
        let at = |micros: i64| BTreeMap::from([("c00001".to_owned(), micros)]);
        assert_eq!(waits(&at(1_000_000), &at(1_250_000))[&'c'], [0.25]);
        assert!(waits(&at(1), &BTreeMap::new()).is_empty());
    }
}
