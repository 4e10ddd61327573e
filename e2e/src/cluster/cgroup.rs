//! The control group that holds all pods, in every hierarchy of the machine.
//!
//! Its name is the cluster's own, so whatever runs in it belongs to the cluster and may be ended.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::layout::Layout;
use crate::ui::{Failure, Outcome};

/// What the kubelet asks of a group in the unified hierarchy.
const CONTROLLERS: [&str; 5] = ["cpuset", "cpu", "io", "memory", "pids"];

/// Makes the group, which the kubelet expects to find.
///
/// # Errors
/// The hierarchies are not writable.
pub(super) fn ensure(layout: &Layout) -> Outcome<()> {
    for root in hierarchies() {
        let dir = root.join(&layout.name);
        if unified() {
            delegate(&root);
        }
        fs::create_dir_all(&dir).map_err(|e| {
            Failure::new(
                format!("the control group {} could not be made", dir.display()),
                e.to_string(),
                "run this as root",
            )
        })?;
        if unified() {
            delegate(&dir);
        }
    }
    Ok(())
}

/// Writer the controllers down to the groups below. One that the machine lacks is refused, and the kubelet says so
/// if it cannot do without.
fn delegate(group: &Path) {
    for controller in CONTROLLERS {
        let _ = fs::write(group.join("cgroup.subtree_control"), format!("+{controller}"));
    }
}

/// Whether the machine has one hierarchy for everything (version 2).
#[must_use]
pub(super) fn unified() -> bool {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

/// Ends every process in the group; they are the containers.
pub(super) fn kill(layout: &Layout) {
    for dir in groups(layout) {
        let procs = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
        for pid in procs.lines().filter_map(|l| l.trim().parse().ok()).filter_map(Pid::from_raw) {
            // Taken before it is checked, so that a reused number is never signalled.
            let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
            let proc = Path::new("/proc").join(pid.as_raw_nonzero().to_string()).join("cgroup");
            let of = fs::read_to_string(proc).unwrap_or_default();
            if of.contains(&format!(":/{}/", layout.name)) {
                let _ = pidfd_send_signal(&handle, Signal::KILL);
            }
        }
    }
}

/// Whether no process is in the group.
#[must_use]
pub(super) fn empty(layout: &Layout) -> bool {
    groups(layout).iter().all(|dir| fs::read_to_string(dir.join("cgroup.procs")).is_ok_and(|p| p.trim().is_empty()))
}

/// The topmost groups that exist.
#[must_use]
pub(super) fn left(layout: &Layout) -> Vec<PathBuf> {
    hierarchies().into_iter().map(|h| h.join(&layout.name)).filter(|d| d.is_dir()).collect()
}

/// Removes the group. Returns what is left: groups whose processes are still ending.
#[must_use]
pub(super) fn remove(layout: &Layout) -> Vec<PathBuf> {
    let mut all = groups(layout);
    // Deepest first.
    all.sort_by_key(|dir| std::cmp::Reverse(dir.components().count()));
    all.into_iter().filter(|dir| fs::remove_dir(dir).is_err() && dir.exists()).collect()
}

/// The group and those below it, in all hierarchies.
fn groups(layout: &Layout) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = left(layout);
    while let Some(dir) = open.pop() {
        let inside = fs::read_dir(&dir).into_iter().flatten().flatten().map(|e| e.path());
        open.extend(inside.filter(|p| p.is_dir()));
        found.push(dir);
    }
    found
}

fn hierarchies() -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (_, at, kind) = (words.next()?, words.next()?, words.next()?);
            matches!(kind, "cgroup" | "cgroup2").then(|| PathBuf::from(at))
        })
        .collect()
}
