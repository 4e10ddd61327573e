//! The first rung: format, lints, and the crates' own tests, no cluster.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{Check, Counts};
use crate::budget::Needs;
use crate::parts;
use crate::ui::{Failure, Outcome};

/// Lines of a failed command's output that are shown.
const TAIL: usize = 60;

/// The crates under test, always selected together: one set of features, so nothing is ever built twice. They are built
/// as they ship: the simulated world runs through some ten thousand schedules.
const CRATES: [&str; 5] = ["--workspace", "--exclude", "millrace-e2e", "--profile", "image"];

pub(super) fn first_rung() -> Vec<Check> {
    let check = |name: &str, run| Check::new(1, name, Needs::default(), run);
    vec![
        check("format", Box::new(|_| call(&["fmt", "--all", "--check"], &[]).map(|_| Counts::ONE))),
        check("lints", Box::new(|_| lints())),
        check("golden files, properties, the simulated world", Box::new(|_| crates(&[], &[]))),
        check("house rules", Box::new(|_| own(&["--lib", "--test", "house", "--test", "docs"]))),
    ]
}

fn lints() -> Outcome<Counts> {
    call(&["clippy", "--workspace", "--lib", "--bins", "--", "-D", "warnings"], &[]).map(|_| Counts::ONE)
}

/// Tests of the operators' crates, with these further arguments.
pub(super) fn crates(args: &[&str], env: &[(&str, String)]) -> Outcome<Counts> {
    let target = parts::target_dir()?.display().to_string();
    let all = [&["test", "--no-fail-fast"], &CRATES[..], &["--target-dir", &target], args, &["--", "--show-output"]];
    counted(&all.concat(), env)
}

/// Tests of this crate.
pub(super) fn own(args: &[&str]) -> Outcome<Counts> {
    counted(&[&["test", "--no-fail-fast", "--package", "millrace-e2e"], args].concat(), &[])
}

fn counted(args: &[&str], env: &[(&str, String)]) -> Outcome<Counts> {
    let said = call(args, env)?;
    let before = |line: &str, word: &str| -> usize {
        let head = line.split(word).next().unwrap_or_default();
        head.split_whitespace().last().and_then(|n| n.parse().ok()).unwrap_or(0)
    };
    let after =
        |line: &str, word: &str| -> usize { line.strip_prefix(word).and_then(|n| n.trim().parse().ok()).unwrap_or(0) };
    let mut counts = Counts::default();
    for line in said.lines() {
        if line.starts_with("test result:") {
            counts.passed += before(line, "passed");
            counts.failed += before(line, "failed");
            if before(line, "ignored") > 0 {
                return Err(Failure::because("a test is ignored", line));
            }
        }
        counts.schedules += after(line, "schedules: ");
        counts.mutants += line.split_once("mutants caught: ").map_or(0, |(_, n)| n.trim().parse().unwrap_or(0));
    }
    if counts.passed == 0 {
        return Err(Failure::because(format!("cargo {} ran no test", args.join(" ")), said));
    }
    Ok(counts)
}

/// Runs cargo from the top of the checkout; its output goes to a log and, on failure, to the reader.
fn call(args: &[&str], env: &[(&str, String)]) -> Outcome<String> {
    let telling = args.iter().filter(|arg| !CRATES.contains(arg) && !arg.contains('/'));
    let log = log(&telling.copied().collect::<Vec<_>>().join("-"))?;
    let out = File::create(&log).map_err(Failure::at("creating", &log))?;
    let err = out.try_clone().map_err(Failure::at("opening", &log))?;
    let what = format!("cargo {}", args.join(" "));
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(args).envs(env.iter().map(|(k, v)| (*k, v))).current_dir(parts::repo_root()?);
    // Set for xtask by the cargo that runs it; it would point the inner one at this package.
    cargo.env_remove("CARGO_MANIFEST_DIR").env("CARGO_TERM_COLOR", "never").env("RUST_BACKTRACE", "0");
    let status = cargo.stdin(Stdio::null()).stdout(out).stderr(err).status();
    let said = fs::read_to_string(&log).map_err(Failure::at("reading", &log))?;
    match status {
        Ok(status) if status.success() => Ok(said),
        Ok(status) => {
            let lines: Vec<&str> = said.lines().collect();
            let tail = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n");
            Err(Failure::new(format!("{what}: {status}"), tail, format!("the whole output is in {}", log.display())))
        }
        Err(cause) => Err(Failure::because(what, cause)),
    }
}

fn log(name: &str) -> Outcome<PathBuf> {
    let dir = parts::state_root()?.join("tests");
    fs::create_dir_all(&dir).map_err(Failure::at("creating", &dir))?;
    Ok(dir.join(format!("{name}.log")))
}
