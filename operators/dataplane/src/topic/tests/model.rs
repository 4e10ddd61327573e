use millrace_crds::DataTopic;
use serde_json::{Value, json};

use super::{broker_name, parse, same_value};

fn topic(name: &str, spec: Value) -> DataTopic {
    let body = json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "DataTopic",
        "metadata": {"name": name, "namespace": "ml"}, "spec": spec,
    });
    serde_json::from_value(body).unwrap()
}

#[test]
fn names_are_derived_and_given_ones_taken_as_they_are() {
    assert_eq!(broker_name(&topic("events", json!({})), "prod."), "prod.ml.events");
    assert_eq!(broker_name(&topic("events", json!({"externalName": "Old_1"})), "prod."), "Old_1");
}

#[test]
fn every_finding_names_its_field_and_what_to_write() {
    let long = "n".repeat(240);
    let cases = [
        (topic(&long, json!({})), "metadata.name: the topic's name "),
        (
            topic("t", json!({"externalName": "__consumer_offsets"})),
            "spec.externalName: __consumer_offsets belongs to Kafka",
        ),
        (topic("t", json!({"externalName": "a b"})), "spec.externalName: a b is not a valid topic name"),
        (topic("t", json!({"externalName": ".."})), "spec.externalName: .. is not a valid topic name"),
        (topic("t", json!({"partitions": 0})), "spec.partitions: 0 is too few; write 1 or more"),
        (topic("t", json!({"replicationFactor": 0})), "spec.replicationFactor: write 1 or more"),
        (
            topic("t", json!({"config": {"leader.replication.throttled.replicas": "*"}})),
            "spec.config[leader.replication.throttled.replicas]: not a key a topic's owner may set",
        ),
        (
            topic("t", json!({"config": {"segment.bytes": "14"}})),
            "spec.config[segment.bytes]: 14 is too little; write 1048576 or more",
        ),
        (
            topic("t", json!({"config": {"retention.ms": "1\n2"}})),
            "spec.config[retention.ms]: the value holds a control character",
        ),
    ];
    for (object, words) in cases {
        let findings = parse(&object, "a-prefix.").expect_err(words);
        assert!(findings.len() == 1 && findings[0].starts_with(words), "{findings:?}, expected {words}");
    }
}

#[test]
fn all_findings_come_at_once() {
    let all = parse(&topic("t", json!({"partitions": 0, "config": {"a": "1", "b": "2"}})), "").expect_err("bad");
    assert_eq!(all.len(), 3, "{all:?}");
}

#[test]
fn kafka_writes_values_its_own_way() {
    for (wanted, there) in [
        ("1000", "1000"),
        (" 1000", "1000"),
        ("+5", "5"),
        ("0.50", "0.5"),
        ("TRUE", "true"),
        ("compact, delete", "compact,delete"),
        ("-1", "-1"),
    ] {
        assert!(same_value(wanted, there), "{wanted:?} {there:?}");
    }
    for (wanted, there) in [("1000", "1001"), ("true", "false"), ("compact", "compact,delete"), ("", "x")] {
        assert!(!same_value(wanted, there), "{wanted:?} {there:?}");
    }
    // Beyond what a float tells apart.
    assert!(!same_value("9223372036854775807", "9223372036854775806"));
}
