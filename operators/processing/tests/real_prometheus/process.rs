//! The operator and Prometheus as processes that end with their handles.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::cluster::Cluster;

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The operator's own binary.
pub(crate) const OURS: &str = env!("CARGO_BIN_EXE_millrace-processing");

/// The operator's process.
pub(crate) struct Operator {
    pub(crate) port: u16,
    process: Option<Process>,
}

impl Operator {
    pub(crate) fn start(cluster: &Cluster) -> Self {
        let mut this = Self { port: free_port(), process: None };
        this.restart(cluster);
        this
    }

    pub(crate) fn restart(&mut self, cluster: &Cluster) {
        self.run(cluster, OURS);
    }

    pub(crate) fn run(&mut self, cluster: &Cluster, binary: &str) {
        let log = fs::File::create(cluster.dir.join("operator.log")).unwrap();
        let process = Command::new(binary)
            .env("POD_NAMESPACE", &cluster.namespace)
            // The same pod again: it takes its lease back at once.
            .env("POD_NAME", "processing-0")
            .env("MILLRACE_LISTEN", format!("127.0.0.1:{}", self.port))
            .stdout(log)
            .spawn()
            .unwrap();
        self.process = Some(Process(process));
    }

    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    pub(crate) fn scrape(&self) -> String {
        get(self.port, "/metrics").unwrap()
    }
}

/// A Prometheus with one target.
pub(crate) struct Prometheus {
    port: u16,
    home: PathBuf,
    _process: Process,
    data: PathBuf,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.data);
    }
}

impl Prometheus {
    pub(crate) fn start(target: u16) -> Self {
        let told = "set MILLRACE_PROMETHEUS: cargo xtask parts prometheus";
        let home = PathBuf::from(std::env::var("MILLRACE_PROMETHEUS").expect(told));
        let data = std::env::temp_dir().join(format!("millrace-prometheus-{}", std::process::id()));
        fs::create_dir_all(&data).unwrap();
        let config = data.join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}\nscrape_configs:\n  - job_name: processing\n    static_configs: [{{targets: ['127.0.0.1:{target}']}}]\n"
        );
        fs::write(&config, text).unwrap();
        let port = free_port();
        let log = fs::File::create(data.join("log")).unwrap();
        let process = Command::new(home.join("prometheus"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.join("tsdb").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stderr(log)
            .spawn()
            .unwrap();
        Self { port, home, _process: Process(process), data }
    }

    /// The value of an instant query with one result.
    pub(crate) fn value(&self, query: &str) -> Option<f64> {
        let encoded: String = query.bytes().map(|b| format!("%{b:02x}")).collect();
        let answer: Value = serde_json::from_str(&get(self.port, &format!("/api/v1/query?query={encoded}"))?).ok()?;
        let found = answer["data"]["result"].as_array()?;
        assert!(found.len() < 2, "{query} finds several series: {answer:#}");
        found.first()?["value"][1].as_str()?.parse().ok()
    }

    /// promtool's rules for names, types and words of help. It reads the older text format only.
    pub(crate) fn lint(&self, metrics: &str) {
        let text = older(metrics);
        let mut tool = Command::new(self.home.join("promtool"))
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        tool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let said = tool.wait_with_output().unwrap();
        let words = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        assert!(said.status.success() && words.trim().is_empty(), "promtool: {}\n{words}\n{text}", said.status);
    }

    /// Every metric of ours has a type and words of help, as Prometheus has read them.
    pub(crate) fn described(&self) {
        let answer: Value = serde_json::from_str(&get(self.port, "/api/v1/metadata").unwrap()).unwrap();
        let ours = answer["data"].as_object().unwrap().iter().filter(|(name, _)| name.starts_with("millrace_"));
        let mut count = 0;
        for (name, told) in ours {
            let words = |field: &str| told[0][field].as_str().unwrap_or_default().to_owned();
            assert!(["counter", "gauge", "histogram"].contains(&words("type").as_str()), "{name}: {told}");
            assert!(!words("help").is_empty(), "{name}: {told}");
            count += 1;
        }
        assert!(count > 8, "{answer:#}");
    }
}

/// OpenMetrics in the older text format: a counter is called as its samples are, and neither units nor an end are told.
fn older(text: &str) -> String {
    let told = |line: &&str| !line.starts_with("# UNIT ") && *line != "# EOF";
    let counters: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let renamed = |line: &str| {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(what), Some(name), Some(rest)) if counters.contains(&name) => {
                format!("# {what} {name}_total {rest}\n")
            }
            _ => format!("{line}\n"),
        }
    };
    text.lines().filter(told).map(renamed).collect()
}
