//! What is left for checks: of this machine beside what others do on it, of a cluster beside what is requested there.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use super::needs::Needs;
use crate::stage::{Stage, at};
use crate::ui::Outcome;

/// How long it is watched what others do.
const LOOK: Duration = Duration::from_secs(2);
/// Memory that is not given away: for builds, for the page cache of the servers.
const SPARE_MIB: u64 = 1_024;

/// Of this machine, while no check plays. However much others do, the scheduler gives us a share: half is counted on.
pub(crate) fn of_machine() -> Needs {
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let before = ticks();
    std::thread::sleep(LOOK);
    let (all, busy) = (ticks().0.saturating_sub(before.0), ticks().1.saturating_sub(before.1));
    Needs::new(left(cores, all, busy), available_mib().saturating_sub(SPARE_MIB))
}

/// Thousandths of a processor, where `busy` of `all` ticks were somebody's.
fn left(cores: u64, all: u64, busy: u64) -> u64 {
    let others = (cores * 1_000 * busy).checked_div(all).unwrap_or(0);
    (cores * 1_000).saturating_sub(others).max(cores * 500)
}

/// Ticks of all processors since the start: all of them, and those of work.
fn ticks() -> (u64, u64) {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = text.lines().next().unwrap_or_default();
    // user nice system idle iowait irq softirq steal; the guests' are in the first two already.
    let all: Vec<u64> = first.split_whitespace().skip(1).take(8).filter_map(|n| n.parse().ok()).collect();
    let idle: u64 = all.iter().skip(3).take(2).sum();
    let sum: u64 = all.iter().sum();
    (sum, sum - idle)
}

fn available_mib() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) >> 10
}

/// What no pod of the cluster has requested.
///
/// # Errors
/// kubectl's own message.
pub(crate) fn of_cluster(stage: &Stage) -> Outcome<Needs> {
    let list = |args: &[&str]| -> Outcome<Vec<Value>> {
        let said = stage.json(args)?;
        Ok(said.pointer("/items").and_then(Value::as_array).cloned().unwrap_or_default())
    };
    let nodes = list(&["get", "nodes"])?;
    let pods = list(&["get", "pods", "--all-namespaces"])?;
    let there = nodes.iter().map(|node| amount(node, "/status/allocatable")).fold(Needs::default(), Needs::plus);
    let over = |pod: &&Value| ["Succeeded", "Failed"].contains(&at(pod, "/status/phase"));
    let containers = pods
        .iter()
        .filter(|pod| !over(pod))
        .flat_map(|pod| pod.pointer("/spec/containers").and_then(Value::as_array).into_iter().flatten());
    Ok(there.minus(containers.map(|c| amount(c, "/resources/requests")).fold(Needs::default(), Needs::plus)))
}

fn amount(object: &Value, pointer: &str) -> Needs {
    let of = |what: &str| quantity(at(object, &format!("{pointer}/{what}")));
    Needs::new((of("cpu") * 1_000.0) as u64, (of("memory") / 1_048_576.0) as u64)
}

/// A quantity as kubelets and our charts write it.
fn quantity(text: &str) -> f64 {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(number.len()..).unwrap_or_default() {
        "m" => 0.001,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "Ki" => 1_024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        _ => 1.0,
    };
    number.parse::<f64>().unwrap_or(0.0) * unit
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_use_is_not_ours_but_half_is() {
        assert_eq!(left(2, 400, 100), 1_500);
        assert_eq!(left(2, 400, 400), 1_000);
        assert_eq!(left(2, 0, 0), 2_000);
    }

    #[test]
    fn quantities_are_read() {
        let node = json!({"status": {"allocatable": {"cpu": "2", "memory": "24684092Ki"}}});
        assert_eq!(amount(&node, "/status/allocatable"), Needs::new(2_000, 24_105));
        let container = json!({"resources": {"requests": {"cpu": "150m", "memory": "1Gi"}}});
        assert_eq!(amount(&container, "/resources/requests"), Needs::new(150, 1_024));
        assert_eq!(amount(&json!({}), "/resources/requests"), Needs::default());
    }

    #[test]
    fn this_machine_has_something() {
        let (all, busy) = ticks();
        assert!(all > busy && available_mib() > 0);
    }
}
