//! The first rung: format, lints, and the crates' own tests, no cluster.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{Check, Counts};
use crate::parts;
use crate::ui::{Failure, Outcome};

/// Lines of a failed command's output that are shown.
const TAIL: usize = 60;

pub(super) fn first_rung() -> Vec<Check> {
    let mut all: Vec<Check> = vec![
        (1, "format".into(), Box::new(|_| call(&["fmt", "--all", "--check"], &[]).map(|_| Counts::ONE))),
        (1, "lints".into(), Box::new(|_| call(&["clippy", "--workspace", "--lib", "--bins", "--", "-D", "warnings"], &[]).map(|_| Counts::ONE))),
    ];
    for name in ["crds", "kit", "dataplane", "processing", "pipeline", "registry"] {
        all.push((1, name.into(), Box::new(move |_| tests(&["--package", &format!("millrace-{name}")], &[]))));
    }
    all.push((1, "house rules".into(), Box::new(|_| tests(&["--package", "millrace-e2e", "--lib", "--test", "house"], &[]))));
    all
}

/// `cargo test` with these arguments; counts what its runners say.
pub(super) fn tests(args: &[&str], env: &[(&str, String)]) -> Outcome<Counts> {
    let mut all = vec!["test", "--no-fail-fast"];
    all.extend_from_slice(args);
    let said = call(&all, env)?;
    let mut counts = Counts::default();
    for line in said.lines().filter(|l| l.starts_with("test result:")) {
        let number = |word: &str| {
            let before = line.split(word).next().unwrap_or_default();
            before.split_whitespace().last().and_then(|n| n.parse::<usize>().ok()).unwrap_or(0)
        };
        counts.passed += number("passed");
        counts.failed += number("failed");
        if number("ignored") > 0 {
            return Err(Failure::because("a test is ignored", line));
        }
    }
    if counts.passed == 0 {
        return Err(Failure::because(format!("cargo {} ran no test", all.join(" ")), said));
    }
    Ok(counts)
}

/// Runs cargo from the top of the checkout; its output goes to a log and, on failure, to the reader.
fn call(args: &[&str], env: &[(&str, String)]) -> Outcome<String> {
    let log = log(&args.join("-").replace(['/', ' '], "_"))?;
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
    Ok(dir.join(format!("{}.log", name.chars().take(80).collect::<String>())))
}
