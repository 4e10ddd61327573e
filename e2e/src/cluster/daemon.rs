//! Long-running processes, found and ended without any record.
//!
//! Every process of a cluster carries its state directory in the environment it was started with, and so do the
//! children it starts (container shims, plugins). The process table is the only record: it cannot be stale, and a
//! run that is interrupted at any point leaves nothing that is not found again.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use sha2::{Digest, Sha256};

use super::layout::Layout;
use crate::ui::{Failure, Outcome};

const CLUSTER: &str = "MILLRACE_CLUSTER";
const COMPONENT: &str = "MILLRACE_COMPONENT";
const SPEC: &str = "MILLRACE_SPEC";

/// What a component is started with.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    /// Its name in logs and in `status`.
    pub(super) name: &'static str,
    /// The program.
    pub(super) program: PathBuf,
    /// Its arguments. When they change, the component is started anew.
    pub(super) args: Vec<String>,
    /// Whether it lives in the cluster's network namespace.
    pub(super) inside: bool,
    /// Files whose content counts as arguments.
    pub(super) files: Vec<PathBuf>,
}

/// A process of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    /// Its number.
    pub(super) pid: u32,
    /// The component it belongs to; children belong to the component that started them.
    pub(super) component: String,
    /// Of the arguments it was started with.
    pub(super) spec: String,
    /// The name of its program.
    pub(super) program: String,
}

impl Spec {
    /// Program, arguments and configuration in sixteen digits.
    #[must_use]
    pub(super) fn hash(&self) -> String {
        let mut sha = Sha256::new();
        sha.update(self.program.as_os_str().as_encoded_bytes());
        self.args.iter().for_each(|a| sha.update([a.as_bytes(), b"\0"].concat()));
        self.files.iter().for_each(|f| sha.update(fs::read(f).unwrap_or_default()));
        sha.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect()
    }

    /// The running process, whatever it was started with.
    #[must_use]
    pub(super) fn find(&self, all: &[Process]) -> Option<Process> {
        let program = file_name(&self.program);
        all.iter().find(|p| p.component == self.name && p.program == program).cloned()
    }

    /// Starts it, detached from this terminal.
    ///
    /// # Errors
    /// The log cannot be opened or the program not be started.
    pub(super) fn start(&self, layout: &Layout) -> Outcome<()> {
        let path = layout.log(self.name);
        let log = OpenOptions::new().create(true).append(true).open(&path).map_err(Failure::at("opening", &path))?;
        let err = log.try_clone().map_err(Failure::at("opening", &path))?;
        // Not `ip netns exec`: that hides the control groups from the kubelet.
        let mut command = if self.inside {
            let mut nsenter = Command::new("nsenter");
            nsenter.arg(format!("--net={}", layout.netns().display())).arg("setsid");
            nsenter
        } else {
            Command::new("setsid")
        };
        command
            .arg(&self.program)
            .args(&self.args)
            .current_dir("/")
            .env(CLUSTER, &layout.state)
            .env(COMPONENT, self.name)
            .env(SPEC, self.hash())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(err)
            .spawn()
            .map(drop)
            .map_err(|e| {
                Failure::new(format!("{} could not be started", self.name), e.to_string(), "install util-linux")
            })
    }
}

/// All processes of a cluster, by number.
#[must_use]
pub(super) fn processes(state: &Path) -> Vec<Process> {
    let mut found: Vec<Process> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| e.file_name().to_string_lossy().parse().ok())
        .filter_map(|pid| read(pid, state))
        .collect();
    found.sort_by_key(|p| p.pid);
    found
}

/// The process, if it belongs to the cluster. A zombie has no environment and thus does not.
fn read(pid: u32, state: &Path) -> Option<Process> {
    let proc = Path::new("/proc").join(pid.to_string());
    let environ = fs::read(proc.join("environ")).ok()?;
    let value = |name: &str| {
        let of = |var: &[u8]| var.strip_prefix(name.as_bytes())?.strip_prefix(b"=").map(<[u8]>::to_vec);
        environ.split(|b| *b == 0).find_map(of).map(|v| String::from_utf8_lossy(&v).into_owned())
    };
    if value(CLUSTER)? != state.to_string_lossy() {
        return None;
    }
    let program = fs::read_link(proc.join("exe")).map(|exe| file_name(&exe)).unwrap_or_default();
    // The kernel marks a program whose file was replaced.
    let program = program.trim_end_matches(" (deleted)").to_owned();
    Some(Process { pid, component: value(COMPONENT)?, spec: value(SPEC)?, program })
}

/// Asks the processes to end, and makes those end that have not after `patience`.
///
/// # Errors
/// Some are still there ten seconds later.
pub(super) fn end(state: &Path, which: impl Fn(&Process) -> bool, patience: Duration) -> Outcome<usize> {
    let alive = || processes(state).into_iter().filter(&which).collect::<Vec<_>>();
    let first = alive();
    first.iter().for_each(|p| signal(p, state, Signal::TERM));
    let begun = Instant::now();
    loop {
        let left = alive();
        if left.is_empty() {
            return Ok(first.len());
        }
        if begun.elapsed() > patience + Duration::from_secs(10) {
            let list: Vec<String> = left.iter().map(|p| format!("{} ({})", p.program, p.pid)).collect();
            return Err(Failure::new("processes do not end", list.join(", "), "look at them; then run this again"));
        }
        if begun.elapsed() > patience {
            left.iter().for_each(|p| signal(p, state, Signal::KILL));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The handle is taken first and the process read again after, so a reused number is never signalled. A process
/// that is gone meanwhile is what was wanted.
fn signal(process: &Process, state: &Path, signal: Signal) {
    let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) else { return };
    if let Ok(handle) = pidfd_open(pid, PidfdFlags::empty())
        && read(process.pid, state).is_some()
    {
        let _ = pidfd_send_signal(&handle, signal);
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}
