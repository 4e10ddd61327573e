//! Topics, buckets and grants to Ready, each beside what bounds it, measured in the same run: the API server creating as many
//! such objects with nobody watching; the same with one status write each (and of a grant its Secret), the least an operator
//! does; and the broker, the store or its STS alone. Memory of the operator, idle and with 500 topics.
//!
//! Everything is built as it ships. Two cores carry API server, etcd, broker or store, operator and the hands that create.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::Figure;
use super::figure::Limit;
use super::local::{self, Running};
use crate::cluster::tool;
use crate::local::LocalApi;
use crate::suite::{Kafka, LOGIN, Minio};
use crate::ui::{Failure, Outcome, Ui};

/// Topics at once.
const TOPICS: [usize; 3] = [500, 2_000, 5_000];
/// Buckets at once.
const BUCKETS: usize = 500;
/// Grants at once.
const GRANTS: usize = 1_000;
/// Repetitions of each, on fresh servers.
const TIMES: usize = 3;

/// One kind of object in one number.
#[derive(Debug, Clone, Copy)]
struct Load {
    kind: &'static str,
    count: usize,
    /// What is measured without an API server: an argument of `floor`.
    outside: &'static str,
    /// How often the time of merely creating the objects it may take.
    aim: Option<f64>,
}

/// Seconds of one repetition, and MiB.
#[derive(Debug, Default)]
struct Sample {
    objects: f64,
    written: f64,
    outside: f64,
    created: f64,
    ready: f64,
    median: f64,
    slowest: f64,
    idle: f64,
    full: f64,
}

pub(super) fn measure(ui: &Ui) -> Outcome<Vec<Figure>> {
    let binaries = local::build(&["dataplane"], &["floor"], ui)?;
    let mut figures = Vec::new();
    let mut each = Vec::new();
    for count in TOPICS {
        let load = Load { kind: "topic", count, outside: "topics", aim: Some(1.5) };
        let samples = repeat(load, &binaries, ui)?;
        each.push(mean(&samples, |s| s.ready * 1_000.0 / count as f64));
        figures.extend(told(load, &samples)?);
        if count == 500 {
            figures.extend(memory(count, &samples)?);
        }
    }
    if let (Some(few), Some(many)) = (each.first(), each.last()) {
        figures.push(Figure::new("a topic among 5,000, beside one among 500", many / few, "x").limit(Limit::Aim(1.0)));
    }
    let buckets = Load { kind: "bucket", count: BUCKETS, outside: "buckets", aim: Some(2.0) };
    figures.extend(told(buckets, &repeat(buckets, &binaries, ui)?)?);
    let grants = Load { kind: "grant", count: GRANTS, outside: "grants", aim: None };
    let samples = repeat(grants, &binaries, ui)?;
    figures.extend(told(grants, &samples)?);
    figures.push(Figure::of(
        "grants a second",
        &samples.iter().map(|s| GRANTS as f64 / s.ready).collect::<Vec<_>>(),
        "/s",
    )?);
    Ok(figures)
}

fn repeat(load: Load, binaries: &Path, ui: &Ui) -> Outcome<Vec<Sample>> {
    let one = |n| {
        let step = ui.step(format!("{} {}s, repetition {n} of {TIMES}", load.count, load.kind), "");
        let sample = once(load, binaries, ui)?;
        step.done("");
        Ok(sample)
    };
    (1..=TIMES).map(one).collect()
}

fn mean(samples: &[Sample], pick: impl Fn(&Sample) -> f64) -> f64 {
    samples.iter().map(pick).sum::<f64>() / samples.len() as f64
}

fn told(load: Load, samples: &[Sample]) -> Outcome<Vec<Figure>> {
    let Load { kind, count, aim, .. } = load;
    let all = |pick: fn(&Sample) -> f64| samples.iter().map(pick).collect::<Vec<_>>();
    let mut words = vec![
        format!("{:.1} x creating the objects", mean(samples, |s| s.ready / s.objects)),
        format!("{:.1} x creating and the least writes of an operator", mean(samples, |s| s.ready / s.written)),
    ];
    words.push(format!("{:.1} x the {kind}s alone", mean(samples, |s| s.ready / s.outside)));
    words.push(format!("{:.2} ms each", mean(samples, |s| s.ready * 1_000.0 / count as f64)));
    words.push(format!(
        "one of them {:.2} s, 99 of 100 {:.2} s",
        mean(samples, |s| s.median),
        mean(samples, |s| s.slowest)
    ));
    let name = |what: &str| format!("{count} {kind}s{what}");
    let ready = Figure::of(name(" to Ready"), &all(|s| s.ready), "s")?.beside(words.join(", "));
    let mut figures = vec![
        ready,
        Figure::of(name(": their objects alone"), &all(|s| s.objects), "s")?,
        Figure::of(name(": objects, and the least writes of an operator"), &all(|s| s.written), "s")?,
        Figure::of(name(": objects, beside the operator"), &all(|s| s.created), "s")?,
    ];
    figures.push(Figure::of(name(" alone, without objects"), &all(|s| s.outside), "s")?);
    if let Some(aim) = aim {
        let ratio: Vec<f64> = samples.iter().map(|s| s.ready / s.objects).collect();
        figures.push(Figure::of(name(" beside their objects alone"), &ratio, "x")?.limit(Limit::Aim(aim)));
    }
    Ok(figures)
}

fn memory(count: usize, samples: &[Sample]) -> Outcome<[Figure; 2]> {
    let all = |pick: fn(&Sample) -> f64| samples.iter().map(pick).collect::<Vec<_>>();
    let each = mean(samples, |s| (s.full - s.idle) * 1_024.0 / count as f64);
    Ok([
        Figure::of("dataplane, resident, idle", &all(|s| s.idle), "MiB")?,
        Figure::of(format!("dataplane, resident, {count} topics"), &all(|s| s.full), "MiB")?
            .beside(format!("{each:.1} KiB each")),
    ])
}

/// The servers of one repetition.
struct Servers {
    api: LocalApi,
    kafka: Kafka,
    minio: Minio,
}

impl Servers {
    fn start(ui: &Ui) -> Outcome<Self> {
        let api = local::server(&["floor", "written", "full"], ui)?;
        Ok(Self { api, kafka: Kafka::start(ui)?, minio: Minio::start(ui)? })
    }

    /// What `floor` prints.
    fn floor(&self, binaries: &Path, args: &[&str]) -> Outcome<Vec<f64>> {
        let mut command = Command::new(binaries.join("examples/floor"));
        command.args(args).env("KUBECONFIG", &self.api.kubeconfig);
        command.env("MILLRACE_KAFKA_BOOTSTRAP", format!("127.0.0.1:{}", self.kafka.port));
        command.env("MILLRACE_S3_ENDPOINT", self.endpoint());
        command.env("MILLRACE_S3_ACCESS_KEY", LOGIN).env("MILLRACE_S3_SECRET_KEY", LOGIN);
        let said = tool::run(&mut command, "measuring")?;
        let numbers = said.split_whitespace().map(str::parse).collect::<Result<_, _>>();
        numbers.map_err(|e| Failure::because(format!("floor said {said}"), e))
    }

    fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.minio.port)
    }

    fn operator(&self, binaries: &Path) -> Outcome<Running> {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "store", "namespace": "default"},
            "stringData": {"accessKey": LOGIN, "secretKey": LOGIN},
        });
        let plane = json!({
            "apiVersion": "millrace.dev/v1alpha1", "kind": "DataPlane", "metadata": {"name": "default"},
            "spec": {
                "owner": "bench",
                "kafka": {"bootstrapServers": format!("127.0.0.1:{}", self.kafka.port)},
                "objectStore": {"endpoint": self.endpoint()},
                "adminSecretRef": {"name": "store"}, "stsSecretRef": {"name": "store"},
            },
        });
        let data = json!({
            "apiVersion": "millrace.dev/v1alpha1", "kind": "DataBucket", "metadata": {"name": "data", "namespace": "full"},
            "spec": {},
        });
        local::apply(&self.api, &[secret, plane, data])?;
        let operator = local::operator(&self.api, ("dataplane", binaries), &[])?;
        let api = &self.api.target;
        api.run(&["wait", "--for=condition=Ready", "dataplane/default", "--timeout=60s"])?;
        api.run(&["wait", "--for=condition=Ready", "-n", "full", "databucket/data", "--timeout=60s"])?;
        Ok(operator)
    }
}

fn once(load: Load, binaries: &Path, ui: &Ui) -> Outcome<Sample> {
    let servers = Servers::start(ui)?;
    let Load { kind, count, outside, .. } = load;
    let n = count.to_string();
    // Of topics `floor` prints when all are confirmed and when the broker shows them: only then can they be used.
    let seconds = |args: &[&str]| Ok(servers.floor(binaries, args)?.last().copied().unwrap_or(f64::NAN));
    let objects = seconds(&["objects", kind, &n, "floor"])?;
    let written = seconds(&["written", kind, &n, "written"])?;
    let outside = seconds(&[outside, &n])?;
    for namespace in ["floor", "written"] {
        // One request; kubectl's own `--all` deletes them one by one, at its leisure.
        let path = format!("/apis/millrace.dev/v1alpha1/namespaces/{namespace}/data{kind}s");
        servers.api.target.run(&["delete", "--raw", &path])?;
    }
    let operator = servers.operator(binaries)?;
    let idle = operator.resident()?;
    let said = servers.floor(binaries, &["ready", kind, &n, "full"])?;
    let [created, ready, median, slowest] = said.try_into().unwrap_or([f64::NAN; 4]);
    let full = operator.resident()?;
    Ok(Sample { objects, written, outside, created, ready, median, slowest, idle, full })
}
