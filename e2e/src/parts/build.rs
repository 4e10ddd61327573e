//! Building one part: a lock, a temporary directory, a log, the rename that makes it whole.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::plan::{Part, Plan};
use crate::ui::{Failure, Outcome, Step, Ui, short};

/// How many outputs of one part are kept: the new one, and two earlier ones for switching between branches.
const KEEP: usize = 3;

/// How many lines of a failed log are shown.
const TAIL: usize = 15;

/// Where a build stands among the others.
pub(super) struct Place<'a> {
    pub(super) at: usize,
    pub(super) of: usize,
    pub(super) left: &'a [&'a str],
}

pub(super) fn build(part: &Part, plan: &Plan, place: Place<'_>, ui: &Ui) -> Outcome<()> {
    fs::create_dir_all(&part.home).map_err(Failure::at("creating", &part.home))?;
    let lock = part.home.join(".lock");
    let held = File::create(&lock).map_err(Failure::at("creating", &lock))?;
    let last = part.last().map_or_else(|| "never built here".to_owned(), |d| format!("last time {}", short(d)));
    let after = if place.left.is_empty() { String::new() } else { format!("; then {}", place.left.join(", ")) };
    let step = ui.step(format!("[{}/{}] {}", place.at, place.of, part.name), format!("{last}{after}"));
    if held.try_lock().is_err() {
        step.note("another run builds it; waiting");
        held.lock().map_err(Failure::at("locking", &lock))?;
    }
    if part.built() {
        step.done("built by another run");
        return Ok(());
    }
    clear_temporary(&part.home);
    let tmp = part.home.join(format!(".tmp-{}", part.hash()));
    fs::create_dir_all(&tmp).map_err(Failure::at("creating", &tmp))?;
    run(part, plan, &tmp, &step)?;
    let seconds = format!("{:.1}\n", step.elapsed().as_secs_f64());
    fs::rename(&tmp, &part.out).map_err(Failure::at("renaming", &tmp))?;
    let last = part.home.join("last-seconds");
    fs::write(&last, seconds).map_err(Failure::at("writing", &last))?;
    forget_old(part);
    step.done("built");
    Ok(())
}

fn run(part: &Part, plan: &Plan, out: &Path, step: &Step) -> Outcome<()> {
    let path = part.log();
    let log = File::create(&path).map_err(Failure::at("creating", &path))?;
    let err = log.try_clone().map_err(Failure::at("opening", &path))?;
    let mut bash = Command::new("bash");
    bash.arg("build.sh").current_dir(&part.folder).env("OUT", out).env("REPO", &plan.repo);
    for need in &part.recipe.needs {
        if let Some(needed) = plan.get(need) {
            bash.env(variable(need), &needed.out);
        }
    }
    let mut child = bash
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(err)
        .spawn()
        .map_err(|e| Failure::new("bash could not be started", e.to_string(), "install bash"))?;
    loop {
        match child.try_wait().map_err(Failure::at("waiting for", &path))? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => {
                return Err(Failure::new(
                    format!("building part {} failed, log {}", part.name, path.display()),
                    format!("{status}; the log ends with\n{}", indent(&tail(&path, TAIL))),
                    format!("correct the cause, then run `cargo xtask parts {}` again", part.name),
                ));
            }
            None => std::thread::sleep(Duration::from_millis(150)),
        }
        step.note(tail(&path, 1).trim());
    }
}

/// `PART_<NAME>`: upper case, dashes as underscores.
pub(super) fn variable(name: &str) -> String {
    format!("PART_{}", name.to_uppercase().replace('-', "_"))
}

fn indent(text: &str) -> String {
    text.lines().map(|l| format!("    {l}\n")).collect::<String>().trim_end().to_owned()
}

/// The last lines of a file, as far as they lie in its last 16 KiB.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(path) {
        let len = file.metadata().map(|m| m.len()).unwrap_or(0);
        if file.seek(SeekFrom::Start(len.saturating_sub(16 * 1024))).is_ok() {
            // A log that cannot be read to its end still shows what was read.
            let _ = file.read_to_end(&mut bytes);
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    all.iter().skip(all.len().saturating_sub(lines)).copied().collect::<Vec<_>>().join("\n")
}

/// Removes what an interrupted build left. Failure to do so only costs space.
fn clear_temporary(home: &Path) {
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(".tmp-") {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Removes all but the newest outputs. Failure to do so only costs space.
fn forget_old(part: &Part) {
    let mut outs: Vec<(std::time::SystemTime, PathBuf)> = fs::read_dir(&part.home)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|e| !e.file_name().to_string_lossy().starts_with('.') && e.path() != part.out)
        .filter_map(|e| e.metadata().ok().filter(fs::Metadata::is_dir).map(|m| (m, e.path())))
        .filter_map(|(m, path)| m.modified().ok().map(|at| (at, path)))
        .collect();
    outs.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    for (_, path) in outs.iter().skip(KEEP - 1) {
        let _ = fs::remove_dir_all(path);
    }
}
