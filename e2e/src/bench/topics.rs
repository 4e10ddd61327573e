//! 500 DataTopics to Ready, beside the two things that bound it: the API server creating 500 such objects with nobody
//! watching, and the broker creating 500 topics in batches. Memory of the operator, idle and with the 500.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Figure, memory, spread};
use crate::cluster::tool;
use crate::local::LocalApi;
use crate::parts;
use crate::suite::Kafka;
use crate::ui::{Failure, Outcome, Ui};

/// Objects, as issue and figures name them.
const COUNT: usize = 500;
/// Repetitions, each on a fresh API server and a fresh broker.
const TIMES: usize = 3;
/// Longest time for one repetition's part.
const END: Duration = Duration::from_secs(300);

/// A process that ends with its handle.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Sample {
    objects: Duration,
    broker: Duration,
    ready: Duration,
    idle: f64,
    full: f64,
}

pub(super) fn measure(ui: &Ui) -> Outcome<Vec<Figure>> {
    let binaries = build(ui)?;
    let mut samples = Vec::new();
    for n in 1..=TIMES {
        let step = ui.step(format!("{COUNT} topics, repetition {n} of {TIMES}"), "");
        samples.push(once(&binaries, ui)?);
        step.done("");
    }
    let pick = |f: fn(&Sample) -> Duration| spread(samples.iter().map(f).collect());
    let (ready, objects, broker) = (pick(|s| s.ready)?, pick(|s| s.objects)?, pick(|s| s.broker)?);
    let show = |(low, mid, high): (f64, f64, f64)| format!("{mid:.2} s ({low:.2} to {high:.2})");
    let rss = |f: fn(&Sample) -> f64| samples.iter().map(f).fold(0.0, f64::max);
    Ok(vec![
        Figure {
            name: format!("{COUNT} DataTopics to Ready"),
            value: show(ready),
            beside: format!(
                "{:.1} x the API server alone, {:.1} x the broker alone; {:.2} ms each",
                ready.1 / objects.1,
                ready.1 / broker.1,
                1_000.0 * ready.1 / COUNT as f64
            ),
        },
        Figure { name: format!("{COUNT} objects, API server alone"), value: show(objects), beside: String::new() },
        Figure { name: format!("{COUNT} topics, broker alone"), value: show(broker), beside: "batches of 100".into() },
        Figure {
            name: "dataplane, resident, idle".into(),
            value: format!("{:.1} MiB", rss(|s| s.idle)),
            beside: String::new(),
        },
        Figure {
            name: format!("dataplane, resident, {COUNT} topics"),
            value: format!("{:.1} MiB", rss(|s| s.full)),
            beside: format!("{:.1} KiB per topic", 1_024.0 * (rss(|s| s.full) - rss(|s| s.idle)) / COUNT as f64),
        },
    ])
}

/// The operator and the floors, as they ship.
fn build(ui: &Ui) -> Outcome<PathBuf> {
    parts::ensure(&["rust-build"], ui)?;
    let target = parts::cache_root()?.join("target");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([
        "build",
        "--quiet",
        "--profile",
        "image",
        "--package",
        "millrace-dataplane",
        "--bins",
        "--example",
        "floor",
    ]);
    cargo.arg("--target-dir").arg(&target).current_dir(parts::repo_root()?);
    tool::run(&mut cargo, "building the dataplane operator")?;
    Ok(target.join("image"))
}

fn once(binaries: &Path, ui: &Ui) -> Outcome<Sample> {
    let api = LocalApi::start(ui)?;
    let kafka = Kafka::start(ui)?;
    let bootstrap = format!("127.0.0.1:{}", kafka.port);
    let manifests = parts::repo_root()?.join("crds/manifests");
    api.target.run(&["apply", "--server-side", "-f", &manifests.display().to_string()])?;
    api.target.run(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"])?;
    for namespace in ["floor", "full"] {
        api.target.run(&["create", "namespace", namespace])?;
    }
    let floor = |args: &[&str]| -> Outcome<Duration> {
        let mut command = Command::new(binaries.join("examples/floor"));
        command.args(args).env("KUBECONFIG", &api.kubeconfig).env("MILLRACE_KAFKA_BOOTSTRAP", &bootstrap);
        let said = tool::run(&mut command, "measuring a floor")?;
        said.trim().parse().map(Duration::from_secs_f64).map_err(|e| Failure::because(format!("floor said {said}"), e))
    };
    let count = COUNT.to_string();
    let objects = floor(&["objects", &count, "floor"])?;
    let broker = floor(&["topics", &count])?;
    // One request; kubectl's own `--all` deletes them one by one, at its leisure.
    api.target.run(&["delete", "--raw", "/apis/millrace.dev/v1alpha1/namespaces/floor/datatopics"])?;

    let plane = serde_json::json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "DataPlane", "metadata": {"name": "default"},
        "spec": {"owner": "bench", "kafka": {"bootstrapServers": bootstrap}},
    });
    let file = std::env::temp_dir().join(format!("millrace-plane-{}.json", std::process::id()));
    std::fs::write(&file, plane.to_string()).map_err(Failure::at("writing", &file))?;
    api.target.run(&["apply", "-f", &file.display().to_string()])?;
    let [port] = tool::free_ports()?;
    let mut command = Command::new(binaries.join("millrace-dataplane"));
    command.env("KUBECONFIG", &api.kubeconfig).env("POD_NAMESPACE", "default").env("RUST_LOG", "warn");
    command.env("MILLRACE_LISTEN", format!("127.0.0.1:{port}")).stdin(Stdio::null()).stdout(Stdio::null());
    let operator = command.spawn().map(Running).map_err(|e| Failure::because("starting the operator failed", e))?;
    let late = |what: &str| Failure::because(format!("{what} in {END:?}"), api.audit_log.display());
    api.target.run(&["wait", "--for=condition=Ready", "dataplane/default", "--timeout=60s"])?;
    let idle = memory::resident(operator.0.id())?;

    let began = Instant::now();
    floor(&["objects", &count, "full"])?;
    let path = "jsonpath={.items[*].status.conditions[?(@.type==\"Ready\")].status}";
    let all = || {
        let said = api.target.run(&["get", "datatopics", "-n", "full", "-o", path])?;
        Ok((said.split_whitespace().filter(|s| *s == "True").count() == COUNT).then_some(()))
    };
    tool::wait(END, all, || late("not all topics were Ready"))?;
    let ready = began.elapsed();
    let full = memory::resident(operator.0.id())?;
    let _ = std::fs::remove_file(&file);
    Ok(Sample { objects, broker, ready, idle, full })
}
