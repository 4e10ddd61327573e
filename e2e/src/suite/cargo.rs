//! The first rung: format, lints, and the crates' own tests, no cluster.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;

use super::check::{Check, Counts, Run};
use crate::budget::Needs;
use crate::checkout;
use crate::parts;
use crate::ui::{Failure, Outcome};

/// Lines of a failed command's output that are shown.
const TAIL: usize = 60;

/// The crates under test, always selected together: one set of features, so nothing is ever built twice. They are built
/// as they ship: the simulated world runs through some ten thousand schedules.
const CRATES: [&str; 5] = ["--workspace", "--exclude", "millrace-e2e", "--profile", "image"];

/// The rules of the house that need no server.
const HOUSE: [&str; 11] =
    ["--lib", "--test", "house", "--test", "imports", "--test", "docs", "--test", "reasons", "--test", "kinds"];

/// What random tests are drawn from, so that a landing is refused for what it changed and not by chance. `--long` draws
/// anew each time, and so does a `cargo test` by hand.
const SEED: (&str, &str) = ("PROPTEST_RNG_SEED", "20261126");

pub(super) fn first_rung(long: bool) -> Vec<Check> {
    let check = |name: &str, run: Run| Check::new(1, name, Needs::default(), run);
    let seed: Vec<(&str, String)> = if long { vec![] } else { vec![(SEED.0, SEED.1.to_owned())] };
    vec![
        check("spelling", Box::new(super::tools::spelling)),
        check("dependencies", Box::new(super::tools::dependencies)),
        check("format", Box::new(|_| call(&["fmt", "--all", "--check"], &[]).map(|_| Counts::ONE))),
        check("lints", Box::new(|_| lints())),
        check("golden files, properties, the simulated world", Box::new(move |_| crates(&[], &seed))),
        check("house rules", Box::new(|_| own(&HOUSE))),
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
        counts.seeded_bugs += line.split_once("seeded bugs caught: ").map_or(0, |(_, n)| n.trim().parse().unwrap_or(0));
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
    let mut cargo = checkout::cargo();
    cargo.args(args).envs(env.iter().map(|(k, v)| (*k, v))).current_dir(parts::repo_root()?);
    cargo.env("CARGO_TERM_COLOR", "never").env("RUST_BACKTRACE", "0");
    let status = cargo.stdin(Stdio::null()).stdout(out).stderr(err).status();
    let said = fs::read_to_string(&log).map_err(Failure::at("reading", &log))?;
    match status {
        Ok(status) if status.success() => Ok(said),
        Ok(status) => {
            let why = telling_lines(&said);
            Err(Failure::new(format!("{what}: {status}"), why, format!("the whole output is in {}", log.display())))
        }
        Err(cause) => Err(Failure::because(what, cause)),
    }
}

/// What the tests that failed said; where none ran, the end of the output.
fn telling_lines(said: &str) -> String {
    let (mut failed, mut inside) = (Vec::new(), false);
    for line in said.lines() {
        inside = line == "failures:" || inside && !line.starts_with("test result:");
        if inside {
            failed.push(line);
        }
    }
    if failed.is_empty() {
        let lines: Vec<&str> = said.lines().collect();
        return lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n");
    }
    failed.truncate(2 * TAIL);
    failed.join("\n")
}

fn log(name: &str) -> Outcome<PathBuf> {
    let dir = parts::state_root()?.join("tests");
    fs::create_dir_all(&dir).map_err(Failure::at("creating", &dir))?;
    Ok(dir.join(format!("{name}.log")))
}

#[cfg(test)]
mod tests {
    use super::telling_lines;

    #[test]
    fn a_failed_test_is_shown_and_not_what_came_after_it() {
        let said = "running 2 tests\n\nsuccesses:\n\n---- good stdout ----\nfine\n\nfailures:\n\n---- bad stdout ----\nno\n\n\
                    failures:\n    bad\n\ntest result: FAILED. 1 passed\n\nrunning 0 tests\n";
        assert_eq!(telling_lines(said), "failures:\n\n---- bad stdout ----\nno\n\nfailures:\n    bad\n");
        let broken = "error[E0432]: unresolved import\nerror: could not compile";
        assert_eq!(telling_lines(broken), broken);
    }
}
