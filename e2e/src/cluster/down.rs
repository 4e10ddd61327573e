//! Taking the cluster down: processes, mounts, namespaces, control groups, files; then looking that nothing is left.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::layout::Layout;
use super::up::lock;
use super::{cgroup, daemon, net, tool};
use crate::ui::{Failure, Outcome, Ui};

/// How long components may take to end by themselves; nothing they would save is kept.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Ends and removes everything of the cluster, its data included. Does nothing, and says so, when there is none.
///
/// # Errors
/// Something does not go away; what is left is named.
pub(super) fn down(layout: &Layout, ui: &Ui) -> Outcome<()> {
    if leftovers(layout).is_empty() && !layout.state.exists() {
        ui.say("no cluster here; nothing to do");
        return Ok(());
    }
    if !rustix::process::geteuid().is_root() {
        return Err(Failure::new("taking a cluster down needs root", "it was made by root", "run this with sudo"));
    }
    let lock_file = lock(layout)?;
    let step = ui.step(format!("removing cluster {}", layout.name), "");
    // First those that start things, then the containers, then what holds them.
    daemon::end(&layout.state, |p| !matches!(p.component.as_str(), "containerd"), PATIENCE)?;
    kill_containers(layout)?;
    daemon::end(&layout.state, |p| p.component == "containerd" && p.program == "containerd", PATIENCE)?;
    // Shims are not asked: what they would tidy is removed below.
    let sockets = shim_sockets(layout);
    daemon::end(&layout.state, |_| true, Duration::ZERO)?;
    unmount(layout)?;
    net::remove(layout)?;
    remove_cgroups(layout)?;
    sockets.iter().chain(&foreign_files(layout)).for_each(|path| {
        let _ = fs::remove_file(path);
    });
    remove_made_directories(layout);
    for dir in [&layout.run, &layout.state] {
        if dir.exists() {
            fs::remove_dir_all(dir).map_err(Failure::at("removing", dir))?;
        }
    }
    drop(lock_file);
    let _ = fs::remove_file(layout.state.with_extension("lock"));
    let left = leftovers(layout);
    if !left.is_empty() {
        return Err(Failure::new(
            "something of the cluster is left",
            left.join("\n     "),
            "remove it by hand, or run this again",
        ));
    }
    step.done("no process, mount, namespace, interface or control group is left");
    Ok(())
}

/// What there is of a cluster outside its files: processes, mounts, the namespace, control groups.
#[must_use]
pub fn leftovers(layout: &Layout) -> Vec<String> {
    let processes = daemon::processes(&layout.state).into_iter().map(|p| format!("process {} ({})", p.pid, p.program));
    let mounts = mounts(layout).into_iter().map(|m| format!("mount {}", m.display()));
    let netns = Some(layout.netns()).filter(|n| n.exists()).map(|n| format!("network namespace {}", n.display()));
    let groups = cgroup::left(layout).into_iter().map(|g| format!("control group {}", g.display()));
    processes.chain(mounts).chain(netns).chain(groups).collect()
}

fn kill_containers(layout: &Layout) -> Outcome<()> {
    let late =
        || Failure::new("containers do not end", layout.name.clone(), "look at the processes in its control group");
    tool::wait(
        Duration::from_secs(20),
        || {
            cgroup::kill(layout);
            Ok(cgroup::empty(layout).then_some(()))
        },
        late,
    )
}

fn remove_cgroups(layout: &Layout) -> Outcome<()> {
    let late = || Failure::new("control groups cannot be removed", layout.name.clone(), "run this again");
    tool::wait(Duration::from_secs(10), || Ok(cgroup::remove(layout).is_empty().then_some(())), late)
}

/// Shims listen outside our directories, at paths they note beside their containers.
fn shim_sockets(layout: &Layout) -> Vec<PathBuf> {
    let tasks = layout.run.join("containerd/io.containerd.runtime.v2.task/k8s.io");
    let entries = fs::read_dir(tasks).into_iter().flatten().flatten();
    let notes = entries.filter_map(|e| fs::read_to_string(e.path().join("address")).ok());
    let mut sockets: Vec<PathBuf> =
        notes.filter_map(|n| n.trim().strip_prefix("unix://").map(PathBuf::from)).filter(|p| p.exists()).collect();
    sockets.sort();
    sockets.dedup();
    sockets
}

/// Files in shared directories that are ours by name or by where they point.
fn foreign_files(layout: &Layout) -> Vec<PathBuf> {
    let list = |dir: &str| fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path());
    let prefix = format!("{}-", layout.name);
    let results = list("/var/lib/cni/results")
        .filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&prefix)));
    let logs = list("/var/log/containers")
        .filter(|p| fs::read_link(p).is_ok_and(|to| to.starts_with(layout.file("pod-logs"))));
    results.chain(logs).collect()
}

fn remove_made_directories(layout: &Layout) {
    let made = fs::read_to_string(layout.file("made-directories")).unwrap_or_default();
    for dir in made.lines() {
        // Another cluster of this machine may use it by now: then it is not empty of files and stays.
        if !has_files(Path::new(dir)) {
            let _ = fs::remove_dir_all(dir);
        }
    }
}

fn has_files(dir: &Path) -> bool {
    let mut entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.any(|e| match e.file_type() {
        Ok(kind) if kind.is_dir() => has_files(&e.path()),
        // The kubelet's plug-in socket is left by design; without its kubelet it means nothing.
        _ => {
            e.file_name() != "kubelet.sock"
                && e.file_name() != "kubelet_internal_checkpoint"
                && e.file_name() != "DEPRECATION"
        }
    })
}

/// Mount points below our directories, innermost last.
fn mounts(layout: &Layout) -> Vec<PathBuf> {
    let info = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let points = info.lines().filter_map(|l| l.split(' ').nth(4)).map(|p| PathBuf::from(p.replace("\\040", " ")));
    points.filter(|p| p.starts_with(&layout.state) || p.starts_with(&layout.run)).collect()
}

fn unmount(layout: &Layout) -> Outcome<()> {
    for point in mounts(layout).iter().rev() {
        let at = point.display().to_string();
        // Lazily where a process is still leaving: it is gone from here at once, and wholly a moment later.
        if tool::call("umount", &[&at], "unmounting").is_err() {
            tool::call("umount", &["--lazy", &at], &format!("unmounting {at}"))?;
        }
    }
    Ok(())
}
