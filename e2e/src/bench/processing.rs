//! 2,000 ProcessingJobs offered at 1,000 a minute, beside 2,000 plain `batch/v1` Jobs through kube-controller-manager and
//! a few `spark-submit --deploy-mode cluster`, against the same kind of API server with the same stand-in for kubelets.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::field::{self, COUNT, Contender, MARKS, RATE, Run};
use super::figure::{Figure, Limit};
use super::local::{self, Running};
use super::plot::{self, Axis, Curve, Panel};
use crate::audit::Audit;
use crate::cluster::tool;
use crate::local::LocalApi;
use crate::parts;
use crate::stage::TEAM;
use crate::ui::{Failure, Outcome, Ui};

/// Submissions of `spark-submit` in a repetition: each is a JVM, so they come one after the other.
const SUBMITS: usize = 10;
const IMAGE: &str = "docker.io/millrace/flights:dev";

/// Everything that was measured.
#[derive(Debug, Default)]
struct All {
    ours: Vec<Run>,
    batch: Vec<Run>,
    submit: Vec<Submits>,
    /// Load of the machine when a repetition began.
    load: Vec<f64>,
}

/// What some submissions showed.
#[derive(Debug, Default)]
struct Submits {
    /// Seconds from the start of the process to its driver's pod in sight.
    waits: Vec<f64>,
    /// Processor milliseconds of each process.
    cpu: Vec<f64>,
    /// Requests of each.
    calls: f64,
}

/// Measures this many times; with `record`, plot and numbers go to this directory.
pub(super) fn measure(times: usize, record: Option<&Path>, ui: &Ui) -> Outcome<Vec<Figure>> {
    let binaries = local::build(&["processing"], &["field"], ui)?;
    let kubernetes = parts::ensure(&["kubernetes"], ui)?.get("kubernetes").cloned().unwrap_or_default();
    let mut all = All::default();
    for n in 1..=times {
        all.load.push(load());
        let run = |name: &str, contender: &Contender<'_>| {
            let step = ui.step(format!("{COUNT} {name} at {RATE} a minute, repetition {n} of {times}"), "");
            let run = field::play(contender, &binaries, (ui, &step))?;
            step.done(format!("{:.1} ms of processor each", run.cpu * 1_000.0 / COUNT as f64));
            Outcome::Ok(run)
        };
        all.ours.push(run("ProcessingJobs", &ours(&|api| local::operator(api, ("processing", &binaries), &[])))?);
        all.batch.push(run("batch Jobs", &batch(&|api| manager(api, &kubernetes)))?);
        let step = ui.step(format!("{SUBMITS} spark-submit, repetition {n} of {times}"), "");
        all.submit.push(submit(&binaries, ui)?);
        step.done("");
    }
    let figures = figures(&all)?;
    if let Some(directory) = record {
        let write = |name: &str, text: &str| crate::cluster::files::write(&directory.join(name), text, 0o644);
        let rows: Vec<Value> = figures.iter().map(Figure::json).collect();
        let said = json!({"load": all.load, "processors": processors(), "repetitions": times, "figures": rows});
        write("processing.json", &format!("{said:#}\n"))?;
        write("processing.svg", &drawing(&all))?;
    }
    Ok(figures)
}

fn ours(start: &dyn Fn(&LocalApi) -> Outcome<Running>) -> Contender<'_> {
    let job = |name: &str, spec: Value| {
        json!({"apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob",
               "metadata": {"name": name, "namespace": TEAM}, "spec": spec})
    };
    let container = json!({"image": IMAGE, "command": ["python3", "/app/sleep.py", "1"]});
    let spark =
        json!({"image": IMAGE, "main": "local:///app/sleep.py", "args": ["1", "--spark"], "executors": {"count": 1}});
    let objects = vec![job("c@", json!({"container": container})), job("s@", json!({"spark": spark}))];
    Contender { name: "processing", user: local::account("processing"), objects, start }
}

fn batch(start: &dyn Fn(&LocalApi) -> Outcome<Running>) -> Contender<'_> {
    let container = json!({"name": "main", "image": IMAGE, "command": ["python3", "/app/sleep.py", "1"]});
    let template = json!({"spec": {"restartPolicy": "Never", "containers": [container]}});
    let object = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "b@", "namespace": TEAM},
                        "spec": {"backoffLimit": 0, "template": template}});
    let user = "system:kube-controller-manager".to_owned();
    Contender { name: "kube-controller-manager", user, objects: vec![object], start }
}

/// kube-controller-manager with nothing but the Job controller, and limits that do not hold it back.
fn manager(api: &LocalApi, kubernetes: &Path) -> Outcome<Running> {
    let user = "system:kube-controller-manager";
    let kubeconfig = api.user("manager", &format!("/CN={user}"))?;
    local::all_rights(api, ("manager", user))?;
    let mut command = Command::new(kubernetes.join("kube-controller-manager"));
    command.arg(format!("--kubeconfig={}", kubeconfig.display()));
    command.args(["--controllers=job-controller", "--concurrent-job-syncs=32", "--leader-elect=false"]);
    command.args(["--kube-api-qps=2000", "--kube-api-burst=4000", "--secure-port=0"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    child.map(Running).map_err(|e| Failure::because("starting kube-controller-manager failed", e))
}

/// Spark's own way: a JVM per application, which makes ConfigMap, pod and Service and leaves.
fn submit(binaries: &Path, ui: &Ui) -> Outcome<Submits> {
    let spark = parts::file("spark", "spark", ui)?;
    let api = local::server(&[TEAM], ui)?;
    let seen = api.audit_log.with_file_name("seen");
    let _kubelet = field::kubelet(&api, binaries, &seen)?;
    let user = format!("system:serviceaccount:{TEAM}:submitter");
    api.target.run(&["create", "serviceaccount", "submitter", "-n", TEAM])?;
    local::all_rights(&api, ("submitter", &user))?;
    let token = api.audit_log.with_file_name("token");
    let said = api.target.run(&["create", "token", "submitter", "-n", TEAM])?;
    crate::cluster::files::write(&token, said.trim(), 0o600)?;
    let mut audit = Audit::of(&api.audit_log)?;
    let (mut all, mut begun) = (Submits::default(), std::collections::BTreeMap::new());
    for n in 0..SUBMITS {
        let name = format!("u{n:05}");
        let mut command = Command::new("bash");
        // What the shell counts is the process and its children; their words are kept for a failure.
        let script = "TIMEFORMAT='%U %S'; time \"$@\" >\"$SAID\" 2>&1 || { cat \"$SAID\" >&2; exit 1; }";
        command.args(["-c", script, "submit"]).arg(spark.join("bin/spark-submit"));
        command.args(["--master", &format!("k8s://{}", api.url), "--deploy-mode", "cluster", "--name", &name]);
        for conf in confs(&api, &name, &token) {
            command.args(["--conf", &conf]);
        }
        command.args(["local:///app/sleep.py", "1"]).env("SPARK_HOME", &spark).env("KUBECONFIG", "/dev/null");
        command.env("SAID", api.audit_log.with_file_name("submit")).stdin(Stdio::null());
        begun.insert(name, now());
        let out = command.output().map_err(|e| Failure::because("starting spark-submit failed", e))?;
        let said = String::from_utf8_lossy(&out.stderr).trim().to_owned();
        if !out.status.success() {
            return Err(Failure::because("spark-submit failed", said));
        }
        let line = said.lines().last().unwrap_or_default();
        all.cpu.push(line.split(' ').filter_map(|n| n.parse::<f64>().ok()).sum::<f64>() * 1_000.0);
    }
    let there = || Ok((field::times(&seen)?.len() >= SUBMITS).then_some(()));
    tool::wait(Duration::from_secs(30), there, || Failure::because("drivers are missing", seen.display()))?;
    all.waits = field::waits(&begun, &field::times(&seen)?).remove(&'u').unwrap_or_default();
    all.calls = audit.more()?.iter().filter(|e| e.user == user).count() as f64 / SUBMITS as f64;
    Ok(all)
}

fn confs(api: &LocalApi, name: &str, token: &Path) -> [String; 7] {
    let submission = "spark.kubernetes.authenticate.submission";
    [
        format!("spark.kubernetes.namespace={TEAM}"),
        format!("spark.kubernetes.container.image={IMAGE}"),
        format!("spark.kubernetes.driver.pod.name={name}"),
        "spark.kubernetes.submission.waitAppCompletion=false".to_owned(),
        "spark.executor.instances=1".to_owned(),
        format!("{submission}.caCertFile={}", api.authority().display()),
        format!("{submission}.oauthTokenFile={}", token.display()),
    ]
}

/// Microseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "a bench measures by the clock")]
fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

fn load() -> f64 {
    let said = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    said.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(f64::NAN)
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(0, std::num::NonZero::get)
}

/// A share of the sorted values, 50 for the median.
fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut all = values.to_vec();
    all.sort_by(f64::total_cmp);
    all.get((all.len() * percent / 100).min(all.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

fn figures(all: &All) -> Outcome<Vec<Figure>> {
    let mut told = Vec::new();
    let each = |runs: &[Run], f: &dyn Fn(&Run) -> f64| runs.iter().map(f).collect::<Vec<_>>();
    let mut times = |name: &str, waits: Vec<&[f64]>, aim: Limit| -> Outcome<()> {
        for (percent, limit) in [(50, Limit::None), (99, aim)] {
            let values: Vec<f64> = waits.iter().map(|w| percentile(w, percent) * 1_000.0).collect();
            told.push(Figure::of(format!("{name}, p{percent}"), &values, "ms")?.limit(limit));
        }
        Ok(())
    };
    let of = |run: &'_ Run, letter: char| run.waits.get(&letter).cloned().unwrap_or_default();
    for (name, letter, runs, aim) in [
        ("container job, object to pod", 'c', &all.ours, Limit::Aim(1_000.0)),
        ("Spark job, object to driver's pod", 's', &all.ours, Limit::Aim(1_000.0)),
        ("batch Job, object to pod", 'b', &all.batch, Limit::None),
    ] {
        let waits: Vec<Vec<f64>> = runs.iter().map(|r| of(r, letter)).collect();
        times(name, waits.iter().map(Vec::as_slice).collect(), aim)?;
    }
    times("spark-submit, start to driver's pod", all.submit.iter().map(|s| s.waits.as_slice()).collect(), Limit::None)?;
    let offered = Figure::of("ProcessingJobs offered a minute", &each(&all.ours, &|r| r.offered), "")?;
    told.push(offered.beside(format!("load of the machine {:?} on {} processors", all.load, processors())));
    let cpu = |runs: &[Run]| each(runs, &|r| r.cpu * 1_000.0 / COUNT as f64);
    told.push(
        Figure::of("processor, ProcessingJob, creation to finish", &cpu(&all.ours), "ms")?.limit(Limit::Aim(20.0)),
    );
    told.push(Figure::of("processor, batch Job, creation to finish", &cpu(&all.batch), "ms")?);
    let jvm: Vec<f64> = all.submit.iter().map(|s| percentile(&s.cpu, 50)).collect();
    told.push(Figure::of("processor, spark-submit", &jvm, "ms")?.beside("submission only"));
    for (from, to) in [(0, 1), (1, 2), (2, 3)] {
        let values = each(&all.ours, &|r| span(r, from, to));
        let name = format!("processor, ProcessingJob {} to {}, to running", mark(from), mark(to));
        told.push(Figure::of(name, &values, "ms")?);
    }
    for n in 0..MARKS.len() {
        let values = each(&all.ours, &|r| r.marks.get(n).map_or(f64::NAN, |m| m.0));
        let beside = percentile(&each(&all.batch, &|r| r.marks.get(n).map_or(f64::NAN, |m| m.0)), 50);
        let name = format!("processing, resident, {} live jobs", mark(n));
        told.push(Figure::of(name, &values, "MiB")?.beside(format!("kube-controller-manager {beside:.0} MiB")));
    }
    let kib = each(&all.ours, &|r| memory(r) * 1_024.0 / COUNT as f64);
    told.push(Figure::of("processing, resident, each live job", &kib, "KiB")?.limit(Limit::Aim(20.0)));
    for (name, letter, runs, aim) in [
        ("container job", 'c', &all.ours, Limit::Aim(5.0)),
        ("Spark job without data", 's', &all.ours, Limit::Aim(6.0)),
        ("batch Job", '*', &all.batch, Limit::None),
    ] {
        let calls = each(runs, &|r| sum(&r.calls, letter));
        let writes = each(runs, &|r| sum(&r.writes, letter));
        told.push(Figure::of(format!("API writes, {name}"), &writes, "")?.limit(aim));
        told.push(Figure::of(format!("API requests, {name}"), &calls, "")?);
    }
    let lists = each(&all.ours, &|r| r.calls.get(&'*').copied().unwrap_or_default());
    told.push(Figure::of("API requests without a name, every ProcessingJob", &lists, "")?.beside("lists of executors"));
    let calls: Vec<f64> = all.submit.iter().map(|s| s.calls).collect();
    told.push(Figure::of("API requests, spark-submit", &calls, "")?.beside("submission only"));
    Ok(told)
}

fn mark(n: usize) -> usize {
    MARKS.get(n).copied().unwrap_or_default()
}

/// Milliseconds of processor for each job between two marks.
fn span(run: &Run, from: usize, to: usize) -> f64 {
    let at = |n: usize| run.marks.get(n).map_or(f64::NAN, |m| m.1);
    (at(to) - at(from)) * 1_000.0 / (mark(to) - mark(from)) as f64
}

fn memory(run: &Run) -> f64 {
    run.marks.last().map_or(f64::NAN, |m| m.0) - run.marks.first().map_or(f64::NAN, |m| m.0)
}

/// Of one letter; `*` is all of them, where the server draws names.
fn sum(of: &std::collections::BTreeMap<char, f64>, letter: char) -> f64 {
    if letter == '*' { of.values().sum() } else { of.get(&letter).copied().unwrap_or(f64::NAN) }
}

fn drawing(all: &All) -> String {
    let joined = |runs: &[Run], letter: char| -> Vec<f64> {
        runs.iter().filter_map(|r| r.waits.get(&letter)).flatten().copied().collect()
    };
    let submits: Vec<f64> = all.submit.iter().flat_map(|s| s.waits.iter().copied()).collect();
    let time = Panel {
        title: format!("From object to pod, {COUNT} jobs at {RATE} a minute"),
        x: ("seconds".to_owned(), Axis { logarithmic: true, marks: vec![0.001, 0.01, 0.1, 1.0, 10.0, 100.0] }),
        y: ("% of the jobs".to_owned(), Axis { logarithmic: false, marks: vec![0.0, 25.0, 50.0, 75.0, 100.0] }),
        curves: vec![
            plot::distribution("ProcessingJob, container", &joined(&all.ours, 'c')),
            plot::distribution("ProcessingJob, Spark", &joined(&all.ours, 's')),
            plot::distribution("batch/v1 Job", &joined(&all.batch, 'b')),
            plot::distribution("spark-submit, one at a time", &submits),
        ],
        names: (112.0, 100.0),
    };
    let resident = |name: &str, runs: &[Run]| {
        let at =
            |n: usize| percentile(&runs.iter().filter_map(|r| r.marks.get(n)).map(|m| m.0).collect::<Vec<_>>(), 50);
        let points = MARKS.iter().enumerate().map(|(n, mark)| (*mark as f64, at(n))).collect();
        Curve { name: name.to_owned(), points }
    };
    let memory = Panel {
        title: "Resident memory".to_owned(),
        x: ("live jobs".to_owned(), Axis { logarithmic: false, marks: vec![0.0, 500.0, 1_000.0, 1_500.0, 2_000.0] }),
        y: ("MiB".to_owned(), Axis { logarithmic: false, marks: vec![0.0, 50.0, 100.0, 150.0, 200.0] }),
        curves: vec![
            resident("processing operator", &all.ours),
            resident("kube-controller-manager, Job controller only", &all.batch),
        ],
        names: (8.0, 14.0),
    };
    let words = format!(
        "cargo xtask bench processing: local API server, stand-in for kubelets; {} repetitions, {} processors, load {:?}",
        all.ours.len(),
        processors(),
        all.load
    );
    plot::draw(&[time, memory], &words)
}

/// Where the recorded figures belong.
pub(super) fn place() -> Outcome<PathBuf> {
    Ok(parts::repo_root()?.join("docs/figures"))
}
