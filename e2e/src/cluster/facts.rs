//! What the machine is, told before anything is done to it.

use std::fs;
use std::path::Path;

use super::layout::Layout;
use super::{cgroup, tool};
use crate::ui::{Failure, Outcome, Ui};

/// Below this much free memory the node is likely to end pods.
const MEMORY_GIB: u64 = 6;
/// Below this much free disk the parts and images may not fit.
const DISK_GIB: u64 = 15;

/// Prints what was found, and fails where a cluster is impossible.
///
/// # Errors
/// This is not Linux as root.
pub(super) fn tell(layout: &Layout, ui: &Ui) -> Outcome<()> {
    let os = value(Path::new("/etc/os-release"), "PRETTY_NAME=").unwrap_or_else(|| "an unknown system".to_owned());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = kib("MemTotal:") >> 20;
    let free = kib("MemAvailable:") >> 20;
    let disk = disk_gib(layout);
    let groups = if cgroup::unified() { "v2" } else { "v1" };
    let root = rustix::process::geteuid().is_root();
    ui.say(format!(
        "found: {}, kernel {}, {cpus} CPUs, {memory} GiB memory ({free} free), {} free disk, control groups {groups}, {}",
        os.trim_matches('"'),
        kernel.trim(),
        disk.map_or_else(|| "unknown".to_owned(), |d| format!("{d} GiB")),
        if root { "root" } else { "not root" },
    ));
    if free < MEMORY_GIB {
        ui.say(format!("  note: less than {MEMORY_GIB} GiB of memory are free; pods may be ended"));
    }
    if disk.is_some_and(|d| d < DISK_GIB) {
        ui.say(format!("  note: less than {DISK_GIB} GiB of disk are free; building images may fail"));
    }
    if root {
        return Ok(());
    }
    Err(Failure::new(
        "a local cluster needs root",
        "it makes a network namespace, control groups and containers",
        "run `sudo --preserve-env=HOME,PATH cargo xtask up`, or use an existing cluster with `--context NAME`",
    ))
}

fn value(file: &Path, key: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|l| l.strip_prefix(key)).map(str::to_owned)
}

fn kib(key: &str) -> u64 {
    let line = value(Path::new("/proc/meminfo"), key).unwrap_or_default();
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

fn disk_gib(layout: &Layout) -> Option<u64> {
    let there = layout.state.ancestors().find(|dir| dir.exists())?;
    let said =
        tool::call("df", &["--output=avail", "-k", &there.display().to_string()], "asking for free disk").ok()?;
    said.lines().nth(1)?.trim().parse::<u64>().ok().map(|k| k >> 20)
}
