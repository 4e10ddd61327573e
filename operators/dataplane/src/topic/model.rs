//! A DataTopic's spec as what to ask of the broker, and what a topic's configuration may say.
//!
//! Every rejection names the field path and what to write instead; all findings at once.

use std::collections::BTreeMap;

use millrace_crds::{DataTopic, data_topic::TopicDeletion};

/// Kafka's limit for a topic's name.
const MAX_NAME: usize = 249;
/// Kafka's own topics, and those of its tools.
const RESERVED: [&str; 2] = ["__", "strimzi"];

/// Keys a tenant may set: they shape this topic's records and nothing else. Throttles, replica placement and flush
/// settings reach other tenants or the brokers and stay with the administrator.
const KEYS: [&str; 29] = [
    "cleanup.policy",
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.type",
    "compression.zstd.level",
    "delete.retention.ms",
    "file.delete.delay.ms",
    "index.interval.bytes",
    "local.retention.bytes",
    "local.retention.ms",
    "max.compaction.lag.ms",
    "max.message.bytes",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.type",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "preallocate",
    "remote.log.copy.disable",
    "remote.log.delete.on.disable",
    "remote.storage.enable",
    "retention.bytes",
    "retention.ms",
    "segment.bytes",
    "segment.index.bytes",
    "segment.jitter.ms",
    "segment.ms",
    "unclean.leader.election.enable",
];

/// The least a key may say: tiny segments cost every tenant of a broker open files.
const LEAST: [(&str, i64); 2] = [("segment.bytes", 1_048_576), ("segment.ms", 60_000)];

/// What the broker shall have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Name on the broker.
    pub name: String,
    /// Whether the name was given, not derived: then the topic is adopted and never created.
    pub external: bool,
    /// Number of partitions; if absent, those of a topic that exists, and the broker's default for a new one.
    pub partitions: Option<i32>,
    /// Copies of each partition; the broker's default if absent.
    pub replication_factor: Option<i32>,
    /// The keys to keep.
    pub config: BTreeMap<String, String>,
}

/// The topic's name on a broker whose DataPlane has this prefix.
#[must_use]
pub fn broker_name(object: &DataTopic, prefix: &str) -> String {
    if let Some(external) = &object.spec.topic.external_name {
        return external.clone();
    }
    let meta = &object.metadata;
    let part = |p: &Option<String>| p.clone().unwrap_or_default();
    format!("{prefix}{}.{}", part(&meta.namespace), part(&meta.name))
}

/// The policy for the topic when the object is deleted.
#[must_use]
pub fn policy(object: &DataTopic) -> TopicDeletion {
    object.spec.topic.deletion_policy.unwrap_or_default()
}

/// Parses the spec.
///
/// # Errors
/// All findings.
pub fn parse(object: &DataTopic, prefix: &str) -> Result<Wanted, Vec<String>> {
    let spec = &object.spec.topic;
    let name = broker_name(object, prefix);
    let external = spec.external_name.is_some();
    let mut findings = Vec::new();
    check_name(&name, external, &mut findings);
    if let Some(few) = spec.partitions.filter(|n| *n < 1) {
        findings.push(format!("spec.partitions: {few} is too few; write 1 or more, or leave it out"));
    }
    if spec.replication_factor.is_some_and(|n| n < 1) {
        findings.push("spec.replicationFactor: write 1 or more, or leave it out for the broker's default".to_owned());
    }
    for (key, value) in &spec.config {
        check_config(key, value, &mut findings);
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    Ok(Wanted {
        name,
        external,
        partitions: spec.partitions,
        replication_factor: spec.replication_factor,
        config: spec.config.clone(),
    })
}

fn check_name(name: &str, external: bool, findings: &mut Vec<String>) {
    let field = if external { "spec.externalName" } else { "metadata.name" };
    if name.len() > MAX_NAME {
        let by = name.len() - MAX_NAME;
        findings.push(format!(
            "{field}: the topic's name {name} is {by} characters too long for Kafka; use a shorter name"
        ));
    }
    if external && RESERVED.iter().any(|r| name.starts_with(r)) {
        findings.push(format!("{field}: {name} belongs to Kafka or its tools; name a topic of your own"));
    }
    if matches!(name, "." | "..") || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) {
        findings.push(format!("{field}: {name} is not a valid topic name; use letters, digits, '.', '_' and '-'"));
    }
}

fn check_config(key: &str, value: &str, findings: &mut Vec<String>) {
    if !KEYS.contains(&key) {
        findings.push(format!(
            "spec.config[{key}]: not a key a topic's owner may set; remove it, or ask the administrator"
        ));
        return;
    }
    if value.contains(char::is_control) {
        findings.push(format!("spec.config[{key}]: the value holds a control character; remove it"));
    }
    let least = LEAST.iter().find(|(k, _)| *k == key).map(|(_, least)| *least);
    if let (Some(least), Ok(number)) = (least, value.trim().parse::<i64>())
        && number < least
    {
        findings.push(format!("spec.config[{key}]: {number} is too little; write {least} or more"));
    }
}

/// Whether the broker's text of a value says the same as the spec's: Kafka writes numbers, booleans and lists its own way.
#[must_use]
pub fn same_value(wanted: &str, there: &str) -> bool {
    let (wanted, there) = (wanted.trim(), there.trim());
    if wanted == there {
        return true;
    }
    if let (Ok(a), Ok(b)) = (wanted.parse::<i128>(), there.parse::<i128>()) {
        return a == b;
    }
    if let (Ok(a), Ok(b)) = (wanted.parse::<f64>(), there.parse::<f64>()) {
        return a.total_cmp(&b).is_eq();
    }
    if let (Ok(a), Ok(b)) = (wanted.to_lowercase().parse::<bool>(), there.to_lowercase().parse::<bool>()) {
        return a == b;
    }
    let items = |text: &str| text.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>();
    items(wanted) == items(there)
}

#[cfg(test)]
#[path = "tests/model.rs"]
mod tests;
