//! Debian packages: which are missing, and their installation by `apt-get` when this is root.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use crate::ui::{Failure, Outcome, Ui};

/// Installs the missing ones of the named packages; does nothing, quickly, when none is missing.
pub(super) fn install(wanted: BTreeSet<String>, ui: &Ui) -> Outcome<()> {
    let missing = missing(&wanted)?;
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    let by_hand = format!("run as root: apt-get update && apt-get install --yes {list}");
    if !rustix::process::geteuid().is_root() {
        return Err(Failure::new(
            "Debian packages are missing",
            format!("{list}; only root can install them"),
            by_hand,
        ));
    }
    let step = ui.step(format!("installing Debian packages: {list}"), "");
    let mut last = apt(&missing)?;
    if !last.status.success() {
        // The package lists may be absent or old; they are only fetched when that stands in the way.
        let _ = command().arg("update").output();
        last = apt(&missing)?;
    }
    if !last.status.success() {
        let text = String::from_utf8_lossy(&last.stderr).trim().to_owned();
        return Err(Failure::new(format!("apt-get could not install {list}"), text, by_hand));
    }
    step.done("");
    Ok(())
}

fn missing(wanted: &BTreeSet<String>) -> Outcome<Vec<String>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let list = wanted.iter().cloned().collect::<Vec<_>>().join(" ");
    let query = Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status} ${Package}\\n"])
        .args(wanted)
        .output()
        .map_err(|e| {
            Failure::new(
                "this is not a Debian system",
                e.to_string(),
                format!("install what these packages hold: {list}"),
            )
        })?;
    let text = String::from_utf8_lossy(&query.stdout).into_owned();
    let have: BTreeSet<&str> = text.lines().filter_map(|l| l.strip_prefix("installed ")).collect();
    Ok(wanted.iter().filter(|w| !have.contains(w.as_str())).cloned().collect())
}

fn apt(packages: &[String]) -> Outcome<Output> {
    command()
        .args(["install", "--yes", "--no-install-recommends"])
        .args(packages)
        .output()
        .map_err(|e| Failure::new("apt-get could not be started", e.to_string(), "install the packages another way"))
}

fn command() -> Command {
    let mut apt = Command::new("apt-get");
    // Another apt may be at work; wait for it instead of failing.
    apt.args(["--quiet", "-o", "DPkg::Lock::Timeout=600"]).env("DEBIAN_FRONTEND", "noninteractive");
    // containerd's package starts a service of its own where there is a systemd; ours is separate and does not mind.
    apt
}
