//! What the operator tells Prometheus: each attempt once whatever goes wrong, gauges right after a restart, and the table
//! in `docs/metrics.md`. `UPDATE=1` writes the table anew.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    rc::Rc,
};

use millrace_crds::processing_job::JobPhase;
use millrace_kit::{
    Env,
    metrics::{ByController, ByKind, Metrics, Request},
    sim::{self, Cut, Outcome, Scenario, Schedule, World},
};
use support::scenarios;

/// Runs a scenario; also the metrics of every process there was, and the job's status at the end.
fn played(scenario: &Scenario, schedule: Schedule) -> (Outcome, Vec<Metrics>, millrace_crds::ProcessingJobStatus) {
    let processes = Rc::new(RefCell::new(Vec::new()));
    let mine = Rc::clone(&processes);
    let status = Rc::new(RefCell::default());
    let last = Rc::clone(&status);
    let build = move |env: &Env, _: &World| {
        mine.borrow_mut().push(env.metrics.clone());
        millrace_processing::controllers(env)
    };
    let watched = scenario.clone().then(move |world| {
        last.replace(support::status(world));
        Ok(())
    });
    let outcome = sim::run(&watched, &build, schedule);
    (outcome, processes.take(), status.take())
}

/// Samples by their name with labels, as they stand in the text.
fn samples(metrics: &Metrics) -> BTreeMap<String, f64> {
    let text = metrics.text();
    let lines = text.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.rsplit_once(' '));
    lines.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

/// The samples of counters, summed over processes.
fn counted(processes: &[Metrics]) -> BTreeMap<String, f64> {
    let mut sum = BTreeMap::new();
    for (name, value) in processes.iter().flat_map(samples) {
        let counter = name.starts_with("millrace_processing_attempts")
            || name.starts_with("millrace_processing_first_pod_seconds_count");
        if counter {
            *sum.entry(name).or_default() += value;
        }
    }
    sum
}

const SCENARIOS: [&str; 3] = ["container with data", "fails, then succeeds", "suspended and resumed"];

#[test]
fn attempts_are_counted() {
    let told = |name: &str| counted(&played(&scenarios::named(name), Schedule::UNDISTURBED).1);
    let fails = told("fails, then succeeds");
    let ended = |result: &str, class: &str| {
        format!(r#"millrace_processing_attempts_ended_total{{engine="container",result="{result}",class="{class}"}}"#)
    };
    assert_eq!(fails[r#"millrace_processing_attempts_started_total{engine="container"}"#], 3.0);
    assert_eq!(fails[&ended("Failed", "Application")], 2.0);
    assert_eq!(fails[&ended("Succeeded", "")], 1.0);
    assert_eq!(fails[r#"millrace_processing_first_pod_seconds_count{engine="container"}"#], 1.0);
    let lost = told("node lost");
    assert_eq!(
        lost[r#"millrace_processing_attempts_ended_total{engine="spark",result="Failed",class="Infrastructure"}"#],
        1.0
    );
    // Nothing to measure: it waited for its user.
    let resumed = told("suspended and resumed");
    assert_eq!(resumed[r#"millrace_processing_first_pod_seconds_count{engine="container"}"#], 1.0);
}

/// A refused write, a lost answer and another order change no count of attempts; a death can only forget.
#[test]
fn nothing_is_counted_twice() {
    let mut schedules = 0;
    for name in SCENARIOS {
        let scenario = scenarios::named(name);
        let (undisturbed, processes, _) = played(&scenario, Schedule::UNDISTURBED);
        let want = counted(&processes);
        for seed in 0..2 {
            let kinds = [Cut::KillBefore, Cut::KillAfter, Cut::Refused, Cut::Unanswered];
            for cut in (0..undisturbed.writes.len()).flat_map(|n| kinds.map(|kind| (n, kind))) {
                let schedule = Schedule { seed, cut: Some(cut) };
                let have = counted(&played(&scenario, schedule).1);
                // The time to a pod whose creation was not answered is not known.
                let may_lack = |k: &str| matches!(cut.1, Cut::KillBefore | Cut::KillAfter) || k.contains("first_pod");
                let all: BTreeSet<&String> = have.keys().chain(want.keys()).collect();
                for name in all {
                    let [has, wants] = [&have, &want].map(|side| side.get(name).copied().unwrap_or(0.0));
                    let well = has == wants || (has < wants && may_lack(name));
                    assert!(well, "{} {schedule:?}: {name} is {has}, not {wants}", scenario.name());
                }
                schedules += 1;
            }
        }
    }
    println!("schedules: {schedules}");
}

/// The process that lives at the end says where the job is, whoever brought it there.
#[test]
fn gauges_are_right_after_a_restart() {
    for name in SCENARIOS {
        let scenario = scenarios::named(name);
        for n in 0..played(&scenario, Schedule::UNDISTURBED).0.writes.len() {
            let schedule = Schedule { seed: 0, cut: Some((n, Cut::KillAfter)) };
            let (_, processes, status) = played(&scenario, schedule);
            let last = samples(processes.last().unwrap());
            let jobs: Vec<_> =
                last.iter().filter(|(k, v)| k.starts_with("millrace_processing_jobs") && **v > 0.0).collect();
            let phase = format!("phase=\"{:?}\"", status.phase.unwrap());
            assert!(jobs.len() == 1 && *jobs[0].1 == 1.0 && jobs[0].0.contains(&phase), "{name} {n}: {jobs:?}");
        }
    }
}

/// A phase that nobody saw is measured by what the status says of it.
#[test]
fn phases_add_up() {
    let (_, processes, status) = played(&scenarios::named("run deadline"), Schedule::UNDISTURBED);
    assert_eq!(status.phase, Some(JobPhase::Failed));
    let have = samples(&processes[0]);
    let spent =
        |phase: &str| have[&format!(r#"millrace_processing_phase_seconds_sum{{engine="container",phase="{phase}"}}"#)];
    assert_eq!(spent("Running"), 60.0, "{have:#?}");
    let retried = played(&scenarios::named("fails, then succeeds"), Schedule::UNDISTURBED).1;
    let have = samples(&retried[0]);
    assert_eq!(
        have[r#"millrace_processing_phase_seconds_sum{engine="container",phase="Retrying"}"#], 30.0,
        "{have:#?}"
    );
}

/// Name, type, labels, meaning; from the text that is served.
#[test]
fn the_table_is_current() {
    let (_, processes, _) = played(&scenarios::named("fails, then succeeds"), Schedule::UNDISTURBED);
    let metrics = &processes[0];
    let text = |s: &str| s.to_owned();
    metrics.requests.get_or_create(&Request { verb: text("GET"), resource: text("pods"), code: text("200") }).inc();
    metrics.passes.get_or_create(&ByController { controller: text("processing") }).observe(0.1);
    metrics.undecodable.get_or_create(&ByKind { kind: text("Pod") }).inc();
    let served = metrics.text();
    let mut rows = BTreeSet::new();
    let mut help = BTreeMap::new();
    for line in served.lines() {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match words[..] {
            ["#", "HELP", name, told] => _ = help.insert(name, told.trim_end_matches('.')),
            ["#", "TYPE", name, kind] => {
                // A counter's samples carry a suffix that its description does not.
                let total = if kind == "counter" { "_total" } else { "" };
                let sample = served.lines().find(|l| !l.starts_with('#') && l.starts_with(name));
                // Only where a Flink job runs.
                let sample = sample.unwrap_or("{engine=\"flink\"}");
                let labels = sample.split_once('{').map_or("", |(_, l)| l.split_once('}').unwrap().0);
                let labels: Vec<_> = labels
                    .split(',')
                    .filter_map(|l| l.split_once('='))
                    .map(|(l, _)| format!("`{l}`"))
                    .filter(|l| l != "`le`")
                    .collect();
                rows.insert(format!("| `{name}{total}` | {kind} | {} | {} |", labels.join(", "), help[name]));
            }
            _ => {}
        }
    }
    let (own, every): (Vec<_>, Vec<_>) = rows.into_iter().partition(|r| r.contains("_processing_"));
    let head = "| metric | type | labels | |\n|---|---|---|---|\n";
    let page = format!(
        "# Metrics\n\nEach operator serves its metrics at `/metrics` on port 8080, as OpenMetrics text; the chart's Services \
         `millrace-NAME-metrics` point\nto it. No label names an object, so the number of series does not grow with the number of objects.\n\
         Generated by a test; edit the code.\n\n## Every operator\n\n{head}{}\n\n## processing\n\n{head}{}\n\n\
         Counters start at 0 in each process and count what was stored in a job's status, never mere attempts to do so. Gauges are correct as soon\nas \
         a new process has looked at each job once. `first_pod` is measured from `creationTimestamp`, which has whole seconds, so it may\nbe up to \
         a second too long.\n\n\
         The age of the oldest restore point is `time() - millrace_processing_oldest_restore_point_timestamp_seconds`; it covers jobs with\n\
         `flink.state`, and a job without any restore point from its start. It is one series, not one per job; to find the job, use\n\
         `kubectl get processingjobs -A -o wide` and its `status.state`.\n",
        every.join("\n"),
        own.join("\n"),
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, page).unwrap();
    } else {
        assert_eq!(fs::read_to_string(path).unwrap_or_default(), page, "UPDATE=1 writes docs/metrics.md anew");
    }
}
