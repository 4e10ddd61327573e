//! What `docs/processing.md` says of tests, phases and classes is so, and what `docs/reports.md` says of tests; links of all
//! pages lead somewhere.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod walk;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use walk::{repository, texts};

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// All Rust text below some directories.
fn sources(dirs: &[&str]) -> String {
    texts(dirs, |path| path.ends_with(".rs")).into_values().collect()
}

/// The cells of the table below a heading, row by row, without its head.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let part = page.split(heading).nth(1).unwrap_or_else(|| panic!("no `{heading}`"));
    let rows = part.lines().skip_while(|l| !l.starts_with('|')).take_while(|l| l.starts_with('|')).skip(2);
    rows.map(|l| l.trim_matches('|').split('|').map(|c| c.trim().to_owned()).collect()).collect()
}

/// A test that is named in the page: its kind and its name.
fn exists(kind: &str, name: &str, all: &str) -> bool {
    let golden = repository().join("operators/processing/tests/golden/processingjob").join(name);
    let quoted = format!("\"{name}\"");
    match kind {
        "test" => all.contains(&format!("fn {name}(")),
        "scenario" => sources(&["operators/processing/tests/support"]).contains(&quoted),
        "seeded bug" => sources(&["operators/processing/tests"]).contains(&format!("NAME: &'static str = {quoted};")),
        "golden" => golden.join("decision.yaml").is_file(),
        "story" => read("e2e/src/stories.rs").contains(&quoted),
        "bad" => repository().join("crds/tests/bad/processingjob").join(format!("{name}.yaml")).is_file(),
        other => panic!("`{other}` is no kind of test"),
    }
}

/// Scheduled runs, which there are none of.
const APART: [u32; 1] = [16];

#[test]
fn every_complaint_is_answered_by_tests_that_are_there() {
    let page = read("docs/processing.md");
    let rows = table(&page, "## What users of other operators suffer from");
    let all = sources(&["operators", "crds/tests", "e2e/tests"]);
    let mut wrong = Vec::new();
    let mut answered = BTreeSet::new();
    for row in &rows {
        answered.insert(row[0].parse::<u32>().unwrap());
        let named: Vec<&str> = row[3].split("; ").filter(|t| !t.is_empty()).collect();
        if named.is_empty() {
            wrong.push(format!("{}: no test", row[0]));
        }
        for test in named {
            let (kind, name) = test.split_once(": ").unwrap_or_else(|| panic!("{test}: write `kind: name`"));
            if !exists(kind, name, &all) {
                wrong.push(format!("{}: there is no {kind} `{name}`", row[0]));
            }
        }
    }
    let missing: Vec<u32> = (1..=24).filter(|n| !answered.contains(n) && !APART.contains(n)).collect();
    assert!(wrong.is_empty() && missing.is_empty(), "{}\nwithout a row: {missing:?}", wrong.join("\n"));
}

/// The folders of golden cases, of every crate and kind.
fn golden() -> BTreeSet<String> {
    let cases = texts(&["operators"], |path| path.ends_with("/decision.yaml")).into_keys();
    cases.filter_map(|path| path.rsplit('/').nth(1).map(str::to_owned)).collect()
}

#[test]
fn every_kind_of_report_is_held_by_tests_that_are_there() {
    let page = read("docs/reports.md");
    let numbers = |heading: &str| -> Vec<u32> { table(&page, heading).iter().map(|r| r[0].parse().unwrap()).collect() };
    assert_eq!(numbers("## The kinds"), (1..=14).collect::<Vec<_>>());
    let held: BTreeSet<u32> = numbers("## What keeps each away").into_iter().collect();
    let bare: Vec<u32> = (1..=14).filter(|n| !held.contains(n)).collect();
    assert!(bare.is_empty(), "kinds without a test: {bare:?}");
    let (all, cases) = (sources(&["operators", "crds/tests", "e2e"]), golden());
    let stories = read("e2e/src/stories.rs");
    let exists = |kind: &str, name: &str| match kind {
        "test" => all.contains(&format!("fn {name}(")),
        "scenario" => all.contains(&format!("\"{name}\"")),
        "seeded bug" => all.contains(&format!("NAME: &'static str = \"{name}\";")),
        "golden" => cases.contains(name),
        "story" => stories.contains(&format!("\"{name}\"")),
        other => panic!("`{other}` is no kind of test"),
    };
    let mut wrong = Vec::new();
    for row in table(&page, "## What keeps each away") {
        for test in row[1].split("; ") {
            let (kind, name) = test.split_once(": ").unwrap_or_else(|| panic!("{test}: write `kind: name`"));
            if !exists(kind, name) {
                wrong.push(format!("{}: there is no {kind} `{name}`", row[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Words of an enum, in the order of its source, but for the one of a newer version.
fn words(of: &str) -> Vec<String> {
    let text = read("crds/src/processing_job.rs");
    let body = text.split(&format!("pub enum {of} {{")).nth(1).unwrap().split("\n}").next().unwrap().to_owned();
    let lines = body.lines().map(str::trim).filter(|l| l.ends_with(',') && !l.starts_with(['/', '#']));
    lines.map(|l| format!("`{}`", l.trim_end_matches(','))).collect()
}

#[test]
fn every_phase_and_class_has_its_row() {
    let page = read("docs/processing.md");
    let first =
        |heading: &str| -> BTreeSet<String> { table(&page, heading).into_iter().map(|r| r[0].clone()).collect() };
    let mut phases: BTreeSet<String> = words("JobPhase").into_iter().collect();
    phases.remove("`Unknown`");
    assert_eq!(first("## The life of an attempt"), phases);
    assert_eq!(first("## Why an attempt failed"), words("FailureClass").into_iter().collect());
}

#[test]
fn what_is_supported_is_what_is_tested() {
    let rows = table(&read("docs/support.md"), "# What is supported");
    assert!(rows.len() >= 8, "{} rows", rows.len());
    let tested = |row: &Vec<String>| read(&row[3]).contains(row[2].trim_matches('`'));
    let wrong: Vec<&String> = rows.iter().filter(|row| !tested(row)).map(|row| &row[0]).collect();
    assert!(wrong.is_empty(), "these versions do not stand where docs/support.md says: {wrong:?}");
}

/// The anchor that a heading gets.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    words.replace(' ', "-").chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

/// Whether a link that is written in this file leads to a file, and to a heading of it if it names one.
fn leads_somewhere(from: &Path, link: &str) -> bool {
    let (file, wanted) = link.split_once('#').unwrap_or((link, ""));
    let there = if file.is_empty() { from.to_path_buf() } else { from.parent().unwrap().join(file) };
    if wanted.is_empty() {
        return there.exists();
    }
    let text = fs::read_to_string(there).unwrap_or_default();
    text.lines().any(|line| line.starts_with('#') && anchor(line) == wanted)
}

#[test]
fn links_of_the_docs_lead_somewhere() {
    let mut dead = Vec::new();
    for (path, text) in texts(&["docs", "README.md", "CONTRIBUTING.md", "examples"], |path| path.ends_with(".md")) {
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let wrong = links.filter(|link| !link.contains("://") && !leads_somewhere(Path::new(&path), link));
        dead.extend(wrong.map(|link| format!("{path}: {link}")));
    }
    assert!(dead.is_empty(), "links to nowhere:\n{}", dead.join("\n"));
}
