//! 500 DataTopics to Ready, beside the two things that bound it: the API server creating 500 such objects with nobody
//! watching, and the broker creating 500 topics in batches. Memory of the operator, idle and with the 500.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::Figure;
use super::figure::seconds;
use super::local::{self, END};
use crate::cluster::tool;
use crate::suite::Kafka;
use crate::ui::{Failure, Outcome, Ui};

/// Objects, as issue and figures name them.
const COUNT: usize = 500;
/// Repetitions, each on a fresh API server and a fresh broker.
const TIMES: usize = 3;

struct Sample {
    objects: Duration,
    broker: Duration,
    ready: Duration,
    idle: f64,
    full: f64,
}

pub(super) fn measure(ui: &Ui) -> Outcome<Vec<Figure>> {
    let binaries = local::build(&["dataplane"], &["floor"], ui)?;
    let mut samples = Vec::new();
    for n in 1..=TIMES {
        let step = ui.step(format!("{COUNT} topics, repetition {n} of {TIMES}"), "");
        samples.push(once(&binaries, ui)?);
        step.done("");
    }
    let pick = |f: fn(&Sample) -> Duration| seconds(&samples.iter().map(f).collect::<Vec<_>>());
    let ratio = |f: fn(&Sample) -> f64| samples.iter().map(f).sum::<f64>() / TIMES as f64;
    let told = format!(
        "{:.1} x the API server alone, {:.1} x the broker alone",
        ratio(|s| s.ready.as_secs_f64() / s.objects.as_secs_f64()),
        ratio(|s| s.ready.as_secs_f64() / s.broker.as_secs_f64()),
    );
    let rss = |f: fn(&Sample) -> f64| samples.iter().map(f).collect::<Vec<_>>();
    let each = ratio(|s| (s.full - s.idle) * 1_024.0 / COUNT as f64);
    Ok(vec![
        Figure::of(format!("{COUNT} DataTopics to Ready"), &pick(|s| s.ready), "s")?.beside(told),
        Figure::of(format!("{COUNT} objects, API server alone"), &pick(|s| s.objects), "s")?,
        Figure::of(format!("{COUNT} topics, broker alone"), &pick(|s| s.broker), "s")?.beside("batches of 100"),
        Figure::of("dataplane, resident, idle", &rss(|s| s.idle), "MiB")?,
        Figure::of(format!("dataplane, resident, {COUNT} topics"), &rss(|s| s.full), "MiB")?
            .beside(format!("{each:.1} KiB each")),
    ])
}

fn once(binaries: &Path, ui: &Ui) -> Outcome<Sample> {
    let api = local::server(&["floor", "full"], ui)?;
    let kafka = Kafka::start(ui)?;
    let bootstrap = format!("127.0.0.1:{}", kafka.port);
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
    local::apply(&api, &[plane])?;
    let operator = local::operator(&api, ("dataplane", binaries), &[])?;
    let late = |what: &str| Failure::because(format!("{what} in {END:?}"), api.audit_log.display());
    api.target.run(&["wait", "--for=condition=Ready", "dataplane/default", "--timeout=60s"])?;
    let idle = operator.resident()?;

    let began = Instant::now();
    floor(&["objects", &count, "full"])?;
    let path = "jsonpath={.items[*].status.conditions[?(@.type==\"Ready\")].status}";
    let all = || {
        let said = api.target.run(&["get", "datatopics", "-n", "full", "-o", path])?;
        Ok((said.split_whitespace().filter(|s| *s == "True").count() == COUNT).then_some(()))
    };
    tool::wait(END, all, || late("not all topics were Ready"))?;
    let ready = began.elapsed();
    let full = operator.resident()?;
    Ok(Sample { objects, broker, ready, idle, full })
}
