//! The second rung: a real API server, Kafka, MinIO, MLflow and Prometheus as local processes on loopback.

use std::fs;
use std::time::Duration;

use super::cargo;
use super::check::{Check, Counts};
use super::scratch::Scratch;
use crate::budget::Needs;
use crate::cluster::keeper::{Child, Keeper};
use crate::cluster::tool;
use crate::local::LocalApi;
use crate::parts;
use crate::patience;
use crate::previous;
use crate::ui::{Failure, Outcome, Ui};

/// How long a server may take until it accepts connections: MLflow's two migrations come before its start.
const START: Duration = Duration::from_secs(150);

/// The login of the throw-away MinIO, which listens on loopback only and is gone with the test.
pub(crate) const LOGIN: &str = "millrace-test";

/// What the servers need with the tests that use them; an API server comes with its etcd.
const API: Needs = Needs::new(450, 900);
const KAFKA: Needs = Needs::new(700, 900);
const MINIO: Needs = Needs::new(400, 700);
const MLFLOW: Needs = Needs::new(800, 1_600);

/// The parts of this rung.
const PARTS: [&str; 8] =
    ["etcd", "kubernetes", "kafka", "minio", "image-mlflow", "image-postgres", "prometheus", "image-flights"];

/// Builds what checks that play at once would build over each other: parts with their Debian packages, and the previous
/// landing, which is another checkout in the same target directory.
pub(super) fn prepare(ui: &Ui) -> Outcome<Counts> {
    parts::ensure(&PARTS, ui)?;
    previous::landing(ui)?;
    parts::target_dir().map(|_| Counts::default())
}

pub(super) fn second_rung() -> Vec<Check> {
    let check = |name: &str, needs, run| Check::new(2, name, needs, run);
    vec![
        check("admission on a real API server", API, Box::new(|_| cargo::own(&["--test", "admission"]))),
        check("the restricted level and the walls, there", API, Box::new(|_| cargo::own(&["--test", "restricted"]))),
        check(
            "topics on a real Kafka",
            KAFKA,
            Box::new(|ui| {
                let kafka = Kafka::start(ui)?;
                real("real_kafka", &[("MILLRACE_KAFKA_BOOTSTRAP", format!("127.0.0.1:{}", kafka.port))])
            }),
        ),
        check(
            "buckets and grants on a real MinIO",
            MINIO,
            Box::new(|ui| {
                let minio = Minio::start(ui)?;
                let env = [
                    ("MILLRACE_S3_ENDPOINT", format!("http://127.0.0.1:{}", minio.port)),
                    ("MILLRACE_S3_ACCESS_KEY", LOGIN.to_owned()),
                    ("MILLRACE_S3_SECRET_KEY", LOGIN.to_owned()),
                ];
                real("real_minio", &env)
            }),
        ),
        check(
            "pipelines on a real API server",
            API,
            Box::new(|ui| {
                let api = LocalApi::start(ui)?;
                let env = [
                    ("KUBECONFIG", api.kubeconfig.display().to_string()),
                    ("MILLRACE_AUDIT_LOG", api.audit_log.display().to_string()),
                ];
                real("real_api", &env)
            }),
        ),
        check(
            "metrics in a real Prometheus",
            API,
            Box::new(|ui| {
                let api = LocalApi::start(ui)?;
                let parts = parts::ensure(&["prometheus"], ui)?;
                let home = parts.get("prometheus").map(|dir| dir.display().to_string()).unwrap_or_default();
                let env = [("KUBECONFIG", api.kubeconfig.display().to_string()), ("MILLRACE_PROMETHEUS", home)];
                real("real_prometheus", &env)
            }),
        ),
        check(
            "the previous landing in our place and back",
            API,
            Box::new(|ui| {
                let api = LocalApi::start(ui)?;
                let mut env = vec![
                    ("KUBECONFIG", api.kubeconfig.display().to_string()),
                    ("MILLRACE_AUDIT_LOG", api.audit_log.display().to_string()),
                ];
                let other = previous::landing(ui)?.map(|landing| landing.binaries.join("millrace-processing"));
                env.extend(other.map(|file| ("MILLRACE_PREVIOUS", file.display().to_string())));
                real("real_previous", &env)
            }),
        ),
        check(
            "edits of a running job on a real API server",
            API,
            Box::new(|ui| {
                let api = LocalApi::start(ui)?;
                real("real_preflight", &[("KUBECONFIG", api.kubeconfig.display().to_string())])
            }),
        ),
        check(
            "Events and quota of a real API server",
            API,
            Box::new(|ui| {
                let api = LocalApi::start(ui)?;
                real("real_starts", &[("KUBECONFIG", api.kubeconfig.display().to_string())])
            }),
        ),
        check(
            "Secrets proved and not read, on a real API server",
            API,
            Box::new(|ui| {
                let api = LocalApi::start(ui)?;
                real("real_secrets", &[("KUBECONFIG", api.kubeconfig.display().to_string())])
            }),
        ),
        check(
            "versions in a real MLflow on PostgreSQL",
            MLFLOW,
            Box::new(|ui| {
                let mlflow = Registry::start(ui)?;
                let env = [
                    ("MILLRACE_MLFLOW_URL", format!("http://127.0.0.1:{}", mlflow.port)),
                    ("MILLRACE_MLFLOW_GIVEN", format!("http://127.0.0.1:{}/", mlflow.given)),
                    ("MILLRACE_MLFLOW_USER", "millrace".to_owned()),
                    ("MILLRACE_MLFLOW_PASSWORD", LOGIN.to_owned()),
                ];
                real("real_mlflow", &env)
            }),
        ),
    ]
}

/// One of the operators' tests that `cargo test` leaves out, since they need servers.
fn real(test: &str, env: &[(&str, String)]) -> Outcome<Counts> {
    // Their own waits last so many times as long.
    let patience = ("MILLRACE_PATIENCE", format!("{:.1}", patience::factor()));
    cargo::crates(&["--test", test], &[env, &[patience]].concat())
}

/// A single-node KRaft broker; dropped in this order: the process first, then its files.
#[derive(Debug)]
pub(crate) struct Kafka {
    /// Where it listens on loopback.
    pub(crate) port: u16,
    _keeper: Keeper,
    _dir: Scratch,
}

impl Kafka {
    /// Formats a fresh log directory, starts a broker on it and waits until it listens.
    pub(crate) fn start(ui: &Ui) -> Outcome<Self> {
        let parts = parts::ensure(&["kafka"], ui)?;
        let home = parts.get("kafka").cloned().unwrap_or_default();
        let dir = Scratch::new("kafka")?;
        let [port, quorum] = tool::free_ports()?;
        let settings = dir.0.join("server.properties");
        let text = format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.bootstrap.servers=127.0.0.1:{quorum}\n\
             listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{quorum}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port}\ncontroller.listener.names=CONTROLLER\n\
             log.dirs={}\noffsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n\
             auto.create.topics.enable=false\nnum.partitions=1\n",
            dir.0.join("log").display()
        );
        fs::write(&settings, text).map_err(Failure::at("writing", &settings))?;
        let java = |main: &[&str]| -> Vec<String> {
            let path = format!("{}/libs/*", home.display());
            let log = format!("-Dlog4j2.configurationFile={}/log4j2.properties", home.display());
            let fixed = ["-Xmx512m".to_owned(), log, "-cp".into(), path];
            fixed.into_iter().chain(main.iter().map(|s| (*s).to_owned())).collect()
        };
        let settings = settings.display().to_string();
        let format = java(&[
            "kafka.tools.StorageTool",
            "format",
            "--standalone",
            "-t",
            "bWlsbHJhY2UtdGVzdC0wMQ",
            "-c",
            &settings,
        ]);
        tool::call("java", &format, "formatting Kafka's storage")?;
        let broker = Child { name: "kafka", program: "java".into(), args: java(&["kafka.Kafka", &settings]) };
        let keeper = Keeper::start(vec![broker], &dir.0)?;
        listening(port, ("Kafka", &keeper, &dir))?;
        Ok(Self { port, _keeper: keeper, _dir: dir })
    }
}

/// A MinIO server.
#[derive(Debug)]
pub(crate) struct Minio {
    /// Where it listens on loopback.
    pub(crate) port: u16,
    _keeper: Keeper,
    _dir: Scratch,
}

impl Minio {
    /// Starts a server on an empty directory and waits until it listens.
    pub(crate) fn start(ui: &Ui) -> Outcome<Self> {
        let parts = parts::ensure(&["minio"], ui)?;
        let home = parts.get("minio").cloned().unwrap_or_default();
        let dir = Scratch::new("minio")?;
        let [port] = tool::free_ports()?;
        let script = format!(
            "MINIO_ROOT_USER={LOGIN} MINIO_ROOT_PASSWORD={LOGIN} exec {}/minio server --address 127.0.0.1:{port} --quiet {}/data",
            home.display(),
            dir.0.display()
        );
        let server = Child { name: "minio", program: "/bin/sh".into(), args: vec!["-c".into(), script] };
        let keeper = Keeper::start(vec![server], &dir.0)?;
        listening(port, ("MinIO", &keeper, &dir))?;
        Ok(Self { port, _keeper: keeper, _dir: dir })
    }
}

/// An MLflow server on PostgreSQL, from the images the cluster runs, entered as processes.
#[derive(Debug)]
struct Registry {
    port: u16,
    /// Where it says what it was given.
    given: u16,
    _keeper: Keeper,
    _dir: Scratch,
}

impl Registry {
    fn start(ui: &Ui) -> Outcome<Self> {
        let parts = parts::ensure(&["image-mlflow", "image-postgres"], ui)?;
        let image =
            |name: &str| parts.get(name).map(|dir| dir.join("image.tar").display().to_string()).unwrap_or_default();
        let dir = Scratch::new("mlflow")?;
        let [port, given, database] = tool::free_ports()?;
        let script = parts::repo_root()?.join("operators/registry/tests/real-mlflow.sh");
        let command = format!(
            "MILLRACE_MLFLOW_PASSWORD={LOGIN} exec bash {} {} {} {} {port} {given} {database}",
            script.display(),
            image("image-mlflow"),
            image("image-postgres"),
            dir.0.join("roots").display()
        );
        let server = Child { name: "mlflow", program: "/bin/sh".into(), args: vec!["-c".into(), command] };
        let keeper = Keeper::start(vec![server], &dir.0)?;
        listening(port, ("MLflow", &keeper, &dir))?;
        Ok(Self { port, given, _keeper: keeper, _dir: dir })
    }
}

fn listening(port: u16, (name, keeper, dir): (&str, &Keeper, &Scratch)) -> Outcome<()> {
    let log = || {
        let text = fs::read_to_string(dir.0.join(format!("{}.log", name.to_lowercase()))).unwrap_or_default();
        text.lines().rev().take(20).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
    };
    let try_it = || match keeper.ended() {
        Some(_) => Err(Failure::because(format!("{name} ended"), log())),
        None => Ok(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(())),
    };
    tool::wait(START, try_it, || Failure::because(format!("{name} does not listen after {START:?}"), log()))
}
