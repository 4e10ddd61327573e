//! A look into the sandbox's Kafka and MinIO with their own tools, inside their own pods.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::stage::{SANDBOX, Stage, at};
use crate::ui::{Failure, Outcome};

/// A topic as the broker describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Topic {
    pub(super) id: String,
    pub(super) partitions: i64,
    /// The keys that differ from the broker's defaults.
    pub(super) config: BTreeMap<String, String>,
}

/// Describes a topic; `None` if the broker has none of that name.
pub(super) fn topic(stage: &Stage, name: &str) -> Outcome<Option<Topic>> {
    let said = match kafka(stage, &["kafka-topics.sh", "--describe", "--topic", name]) {
        Ok(said) => said,
        Err(failure) if failure.why.contains("does not exist") => return Ok(None),
        Err(failure) => return Err(failure),
    };
    Ok(parse(&said))
}

/// The line `Topic: a`, `TopicId: b`, `PartitionCount: 6`, `Configs: x=1,y=2`, with tabs between.
fn parse(said: &str) -> Option<Topic> {
    let line = said.lines().find(|l| l.contains("TopicId: "))?;
    let fields: BTreeMap<&str, &str> = line.split('\t').filter_map(|f| f.trim().split_once(": ")).collect();
    let config = fields.get("Configs").copied().unwrap_or_default();
    Some(Topic {
        id: (*fields.get("TopicId")?).to_owned(),
        partitions: fields.get("PartitionCount")?.parse().ok()?,
        config: config
            .split(',')
            .filter_map(|c| c.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect(),
    })
}

/// Changes the configuration of a topic, as somebody with broker rights could.
pub(super) fn alter(stage: &Stage, topic: &str, config: &str) -> Outcome<()> {
    kafka(
        stage,
        &["kafka-configs.sh", "--alter", "--entity-type", "topics", "--entity-name", topic, "--add-config", config],
    )
    .map(|_| ())
}

/// Writes the lines `event-FIRST` to `event-LAST` into a topic.
pub(super) fn produce(stage: &Stage, topic: &str, (first, last): (u32, u32)) -> Outcome<()> {
    let tool = "/opt/kafka/bin/kafka-console-producer.sh --bootstrap-server localhost:9092";
    let script = format!("for i in $(seq {first} {last}); do echo event-$i; done | {tool} --topic {topic}");
    stage.text(&["exec", "-n", SANDBOX, "kafka-0", "-c", "kafka", "--", "sh", "-c", &script]).map(|_| ())
}

/// Runs one of Kafka's own tools in the broker's pod.
pub(super) fn kafka(stage: &Stage, command: &[&str]) -> Outcome<String> {
    let (tool, args) = command.split_first().map_or(("", &[][..]), |(tool, args)| (*tool, args));
    let program = format!("/opt/kafka/bin/{tool}");
    let exec =
        ["exec", "-n", SANDBOX, "kafka-0", "-c", "kafka", "--", &program, "--bootstrap-server", "localhost:9092"];
    stage.text(&[&exec[..], args].concat())
}

/// The tags of a bucket.
pub(super) fn tags(stage: &Stage, bucket: &str) -> Outcome<BTreeMap<String, String>> {
    let said = mc(stage, &format!("mc tag list --json store/{bucket}"))?;
    let value = last(&said)?;
    let tags = value.pointer("/tagset").and_then(Value::as_object);
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    Ok(tags.into_iter().flatten().map(|(k, v)| (k.clone(), text(v))).collect())
}

/// Whether a bucket keeps old versions.
pub(super) fn versioned(stage: &Stage, bucket: &str) -> Outcome<bool> {
    let said = mc(stage, &format!("mc version info --json store/{bucket}"))?;
    Ok(at(&last(&said)?, "/versioning/status") == "Enabled")
}

/// Prefixes of the keys that expire in a bucket.
pub(super) fn expiring(stage: &Stage, bucket: &str) -> Outcome<Vec<String>> {
    // Of a bucket without rules `mc` says that there is no configuration, and fails.
    let said = mc(stage, &format!("mc ilm rule ls --json store/{bucket} || true"))?;
    let rules = last(&said)?;
    let all = rules.pointer("/config/Rules").and_then(Value::as_array).into_iter().flatten();
    Ok(all.map(|rule| at(rule, "/Filter/Prefix").to_owned()).collect())
}

/// Writes what a command says into an object.
pub(super) fn put(stage: &Stage, mut from: Command, place: &str) -> Outcome<()> {
    let failed = |e: std::io::Error| Failure::because(format!("{place} cannot be written"), e);
    let mut from = from.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(failed)?;
    let content = from.stdout.take().map_or_else(Stdio::null, Stdio::from);
    let mut pipe = stage.target.kubectl();
    pipe.args(["exec", "-i", "-n", SANDBOX, "minio-0", "-c", "setup", "--", "sh", "-c"]);
    let said = pipe.arg(admin(&format!("mc pipe store/{place}"))).stdin(content).output().map_err(failed)?;
    let sent = from.wait().map_err(failed)?;
    if sent.success() && said.status.success() {
        return Ok(());
    }
    Err(Failure::because(format!("{place} was not written"), String::from_utf8_lossy(&said.stderr)))
}

/// Runs SQL in a database of the sandbox, over the socket that PostgreSQL trusts; each text is a transaction of its own.
pub(super) fn sql(stage: &Stage, database: &str, texts: &[&str]) -> Outcome<String> {
    let psql = ["psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1"];
    let place = ["--host", "/var/run/postgresql", "--username", "postgres", "--dbname", database];
    let texts: Vec<&str> = texts.iter().flat_map(|text| ["--command", text]).collect();
    let exec = ["exec", "-n", SANDBOX, "postgres-0", "-c", "setup", "--"];
    stage.text(&[&exec[..], &psql, &place, &texts].concat())
}

/// Runs `mc` with the admin's rights; the store is called `store`.
pub(super) fn mc(stage: &Stage, script: &str) -> Outcome<String> {
    stage.text(&["exec", "-n", SANDBOX, "minio-0", "-c", "setup", "--", "sh", "-c", &admin(script)])
}

fn admin(script: &str) -> String {
    format!("export MC_HOST_store=\"http://$ADMIN_ACCESS_KEY:$ADMIN_SECRET_KEY@127.0.0.1:9000\"; {script}")
}

fn last(said: &str) -> Outcome<Value> {
    let line = said.lines().rev().find(|l| l.starts_with('{'));
    line.and_then(|l| serde_json::from_str(l).ok()).ok_or_else(|| Failure::because("mc gave no JSON", said))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_description_is_read() {
        let said = "Topic: ml.x\tTopicId: Ab-c\tPartitionCount: 6\tReplicationFactor: 1\tConfigs: retention.ms=5,segment.bytes=7\n\
                    \tTopic: ml.x\tPartition: 0\tLeader: 1\n";
        let topic = super::parse(said).unwrap();
        assert_eq!((topic.id.as_str(), topic.partitions), ("Ab-c", 6));
        assert_eq!(topic.config["retention.ms"], "5");
        assert_eq!(super::parse("nothing"), None);
    }
}
