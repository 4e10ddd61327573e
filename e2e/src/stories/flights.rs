//! Flights for the streaming stories: sent to a topic at a steady pace, counted plainly, and as a job counted them.
//!
//! The plain count reads the topic with Kafka's own consumer and knows nothing of Flink.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::stores;
use crate::patience;
use crate::stage::{SANDBOX, Stage, at};
use crate::ui::{Failure, Outcome};

/// Window and carrier or origin, with the number of flights.
pub(super) type Counts = BTreeMap<(String, String), i64>;

/// Midnight of 1 January 2013, in milliseconds.
const START: i64 = 1_356_998_400_000;
/// Between two departures, in milliseconds.
const STEP: i64 = 20_000;
const HOUR: i64 = 3_600_000;
const CARRIERS: [&str; 7] = ["9E", "AA", "B6", "DL", "EV", "UA", "US"];
const ORIGINS: [&str; 3] = ["EWR", "JFK", "LGA"];
/// How often a few flights are sent, and how many.
const PACE: (Duration, i64) = (Duration::from_millis(100), 8);
/// How long a consumer waits for the next record on a quiet machine.
const QUIET: Duration = Duration::from_secs(4);
/// Events that close all windows, under enough keys for every partition to get one.
const MARKERS: i64 = 64;

/// Sends flights until it is over, then what closes the last windows.
pub(super) fn feed(stage: &Stage, topic: &str, over: &AtomicBool) -> Outcome<()> {
    let tool = "/opt/kafka/bin/kafka-console-producer.sh";
    let mut kubectl = stage.target.kubectl();
    kubectl.args(["exec", "-i", "-n", SANDBOX, "kafka-0", "-c", "kafka", "--", tool]);
    kubectl.args(["--bootstrap-server", "localhost:9092", "--topic", topic, "--property", "parse.key=true"]);
    let failed = |e: std::io::Error| Failure::because("the flights cannot be sent", e);
    let mut child =
        kubectl.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(failed)?;
    let mut lines = child.stdin.take().ok_or_else(|| Failure::because("the flights cannot be sent", "no stdin"))?;
    let mut sent = 0;
    while !over.load(Ordering::Relaxed) {
        let text: String = (sent..sent + PACE.1).map(line).collect();
        lines.write_all(text.as_bytes()).map_err(failed)?;
        sent += PACE.1;
        std::thread::sleep(PACE.0);
    }
    let last = START + (sent / (HOUR / STEP) + 2) * HOUR;
    let markers: String = (0..MARKERS).map(|n| event(&format!("end{n}"), ("", ""), last)).collect();
    lines.write_all(markers.as_bytes()).map_err(failed)?;
    drop(lines);
    let status = child.wait().map_err(failed)?;
    if status.success() { Ok(()) } else { Err(Failure::because("the flights were not all sent", status)) }
}

/// The flight of this number. Carriers are the keys, so that times ascend in a partition.
fn line(number: i64) -> String {
    let pick = |from: &[&'static str], by: i64| {
        let mixed = usize::try_from(number.wrapping_mul(2_654_435_761).rem_euclid(by)).unwrap_or_default();
        from.get(mixed % from.len()).copied().unwrap_or_default()
    };
    let carrier = pick(&CARRIERS, 10_007);
    event(carrier, (carrier, pick(&ORIGINS, 10_009)), START + number * STEP)
}

fn event(key: &str, (carrier, origin): (&str, &str), at: i64) -> String {
    format!("{key}\t{}\n", json!({"carrier": carrier, "origin": origin, "at": at}))
}

/// The topic, counted plainly by hour of departure and carrier.
pub(super) fn plain(stage: &Stage, topic: &str) -> Outcome<Counts> {
    // It ends when nothing has come for that long; the first record takes it a while.
    let quiet = patience::limit(QUIET).as_millis().to_string();
    let all = ["kafka-console-consumer.sh", "--topic", topic, "--from-beginning", "--timeout-ms", &quiet];
    let said = stores::kafka(stage, &all)?;
    let mut counts = Counts::new();
    for flight in said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let (carrier, at) = (at(&flight, "/carrier"), flight.pointer("/at").and_then(Value::as_i64));
        let hour = at.map(|at| Timestamp::from_millisecond(at - at % HOUR));
        if let (false, Some(Ok(hour))) = (carrier.is_empty(), hour) {
            *counts.entry((hour.to_string(), carrier.to_owned())).or_default() += 1;
        }
    }
    Ok(counts)
}

/// The lines a job has written below a place of a bucket.
pub(super) fn written(stage: &Stage, place: &str) -> Outcome<Vec<Value>> {
    let script = format!("files=$(mc find store/{place} --name 'part-*'); [ -z \"$files\" ] || mc cat $files");
    let said = stores::mc(stage, &script)?;
    let read = |line: &str| {
        serde_json::from_str(line).map_err(|e| Failure::because(format!("`{line}` of {place} is no line of JSON"), e))
    };
    said.lines().map(read).collect()
}

/// Lines as counts; a window that was written twice is an error.
pub(super) fn counts(lines: &[Value], by: &str) -> Outcome<Counts> {
    let mut counts = Counts::new();
    for line in lines {
        let key = (at(line, "/window").to_owned(), at(line, &format!("/{by}")).to_owned());
        let flights = line.pointer("/flights").and_then(Value::as_i64).unwrap_or_default();
        if counts.insert(key, flights).is_some() {
            return Err(Failure::because("a window was written twice", line));
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_window_counts_once() {
        let one = json!({"window": "2013-01-01T05:00:00Z", "carrier": "UA", "flights": 7, "program": "1"});
        assert_eq!(super::counts(std::slice::from_ref(&one), "carrier").unwrap().values().sum::<i64>(), 7);
        assert!(super::counts(&[one.clone(), one], "carrier").is_err());
        assert!(super::line(3).starts_with(|c: char| c.is_ascii_alphanumeric()));
    }
}
