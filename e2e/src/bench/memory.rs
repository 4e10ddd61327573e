//! Resident memory of a process, from the kernel.

use std::fs;

use crate::ui::{Failure, Outcome};

/// Resident memory of a process in MiB.
pub(super) fn resident(pid: u32) -> Outcome<f64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).map_err(|e| Failure::because(format!("reading {path} failed"), e))?;
    let line = text.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or_default();
    let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse().unwrap_or(f64::NAN);
    Ok(kib / 1_024.0)
}
