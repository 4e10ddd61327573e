//! The house rules that a machine can check: small files, the dependency law, nothing left open, charts within budget.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use millrace_e2e::parts;
use millrace_e2e::ui::Ui;
use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The files git knows or would take, by extension.
fn files(extensions: &[&str]) -> Vec<PathBuf> {
    let out = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(repository())
        .output()
        .unwrap();
    let all = String::from_utf8(out.stdout).unwrap();
    let wanted = |p: &PathBuf| p.extension().is_some_and(|e| extensions.iter().any(|w| e == *w)) && p.exists();
    all.lines().map(|l| repository().join(l)).filter(wanted).collect()
}

#[test]
fn files_are_small() {
    let long: Vec<String> = files(&["rs", "py", "sh"])
        .into_iter()
        .map(|path| (fs::read_to_string(&path).unwrap().lines().count(), path))
        .filter(|(lines, _)| *lines > 400)
        .map(|(lines, path)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "over 400 lines:\n{}", long.join("\n"));
}

#[test]
fn nothing_is_left_open() {
    // Written in two parts, so that this file does not name itself.
    let words =
        [["TO", "DO"], ["FIX", "ME"], ["todo", "!("], ["unimpl", "emented!("], ["#[ig", "nore"]].map(|w| w.concat());
    let mut open = Vec::new();
    for path in files(&["rs", "py", "sh", "yaml", "toml"]) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        for (number, line) in text.lines().enumerate() {
            if words.iter().any(|w| line.contains(w)) {
                open.push(format!("{}:{}: {line}", path.display(), number + 1));
            }
        }
    }
    assert!(open.is_empty(), "left open:\n{}", open.join("\n"));
}

#[test]
fn operators_meet_only_in_the_api() {
    let cargo = std::env::var("CARGO").unwrap();
    let out = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--no-deps"])
        .current_dir(repository())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&out.stdout).unwrap();
    let mut ours = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let deps = package["dependencies"].as_array().unwrap();
        let deps = deps.iter().filter_map(|d| d["name"].as_str()?.strip_prefix("millrace-").map(str::to_owned));
        let name = package["name"].as_str().unwrap().strip_prefix("millrace-").unwrap().to_owned();
        ours.insert(name.clone(), deps.filter(|d| *d != name).collect::<BTreeSet<_>>());
    }
    let law = |name: &str| -> BTreeSet<String> {
        let allowed: &[&str] = match name {
            "crds" => &[],
            "kit" => &["crds"],
            "e2e" => &["crds"],
            _ => &["crds", "kit"],
        };
        allowed.iter().map(|s| (*s).to_owned()).collect()
    };
    for (name, deps) in &ours {
        assert!(deps.is_subset(&law(name)), "millrace-{name} may depend on {:?}, not on {deps:?}", law(name));
    }
    assert_eq!(ours.len(), 7, "crates: {:?}", ours.keys());
}

/// Parameters that are tuples: the old ones go when their function is touched, new ones get a struct with a name.
const TUPLES: usize = 97;

#[test]
fn no_tuple_is_used_to_pass_more_arguments() {
    let mut count = 0;
    for path in files(&["rs"]) {
        let text = fs::read_to_string(&path).unwrap();
        count += text.split("fn ").skip(1).map(tuples).sum::<usize>();
    }
    assert!(count <= TUPLES, "{count} parameters are tuples, at most {TUPLES}: give the new ones a struct with a name");
    assert!(count == TUPLES, "only {count} parameters are tuples now: write that number into TUPLES");
}

/// How many parameters of a function are tuples; `text` begins with its name.
fn tuples(text: &str) -> usize {
    let named = text.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let begin = if named.starts_with('<') { behind(named) } else { Some(named) };
    let Some(begin) = begin.filter(|begin| begin.len() < text.len() && begin.starts_with('(')) else { return 0 };
    let end = behind(begin).map_or(begin.len(), |rest| begin.len() - rest.len() - 1);
    let (mut depth, mut colon, mut count) = (0_usize, None, 0);
    let mut before = ' ';
    for (at, c) in begin[1..end].char_indices() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '>' if before != '-' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => colon = None,
            ':' if depth == 0 && colon.is_none() => {
                colon = Some(at);
                let of = begin[1 + at + 1..end].trim_start().trim_start_matches('&').trim_start_matches("mut ");
                count += usize::from(of.starts_with('(') && !of.starts_with("()"));
            }
            _ => {}
        }
        before = c;
    }
    count
}

/// What follows the bracket that `text` begins with and its counterpart.
fn behind(text: &str) -> Option<&str> {
    let (mut depth, mut before) = (0_usize, ' ');
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            '>' if before == '-' => {}
            ')' | ']' | '}' | '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = c;
        if depth == 0 {
            return text.get(at + c.len_utf8()..);
        }
    }
    None
}

#[test]
fn tuples_among_parameters_are_found() {
    assert_eq!(tuples("one(a: u8, (b, c): (&str, u8)) -> (u8, u8) { x }"), 1);
    assert_eq!(tuples("two<T: Fn(u8) -> u8>(&self, given: &(u8, u8), work: impl Fn(&str) -> (u8, u8)) {"), 1);
    assert_eq!(tuples("three(a: &[(u8, u8)], b: Vec<(u8, u8)>, c: ()) {"), 0);
    assert_eq!(tuples("(u8) -> u8"), 0);
}

/// What Helm makes of a chart with the local cluster's values.
fn rendered(chart: &str, namespace: &str) -> String {
    rendered_with(chart, namespace, None)
}

/// The same with more values.
fn rendered_with(chart: &str, namespace: &str, more: Option<&Path>) -> String {
    let built = parts::ensure(&["helm"], &Ui::plain()).unwrap();
    let charts = repository().join("charts").join(chart);
    let out = Command::new(built["helm"].join("helm"))
        .args(["template", chart, "--namespace", namespace, "--kube-version", "1.34.4", "--include-crds", "--values"])
        .arg(charts.join("values-local.yaml"))
        .args(more.into_iter().flat_map(|more| [Path::new("--values"), more]))
        .arg(&charts)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// What an installation makes; hooks are not among it.
fn render(chart: &str, namespace: &str) -> Vec<Value> {
    let text = rendered(chart, namespace);
    let all = text.split("\n---").filter_map(|doc| serde_saphyr::from_str::<Value>(doc).ok());
    all.filter(|o| o.is_object() && o.pointer("/metadata/annotations/helm.sh~1hook").is_none()).collect()
}

/// Generated passwords and keys, new at each render without a cluster, with a word in their place.
fn without_secrets(text: &str) -> String {
    let mut out = String::new();
    let mut secret = false;
    let mut data = false;
    for line in text.lines() {
        if line == "---" || line.starts_with("kind:") {
            secret = line == "kind: Secret";
            data = false;
        }
        data = if line.starts_with(' ') { data } else { secret && matches!(line, "data:" | "stringData:") };
        let random = data && line.starts_with(' ');
        let key = line.split_once(": ").map_or(line, |(key, _)| key);
        out.push_str(&if random { format!("{key}: <random>") } else { line.to_owned() });
        out.push('\n');
    }
    out
}

#[test]
fn charts_render_as_recorded() {
    let mut wrong = Vec::new();
    let golden = repository().join("e2e/tests/golden");
    let everything = golden.join("everything.values.yaml");
    for (name, have) in [
        ("millrace", rendered("millrace", "millrace-system")),
        ("everything", rendered_with("millrace", "millrace-system", Some(&everything))),
        ("sandbox", rendered("sandbox", "millrace-sandbox")),
    ] {
        let path = golden.join(format!("{name}.yaml"));
        let have = without_secrets(&have);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &have).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != have {
            wrong.push(path.display().to_string());
        }
    }
    assert!(wrong.is_empty(), "differ from the charts; UPDATE=1 writes them anew:\n{}", wrong.join("\n"));
}

/// CPU of a quantity in thousandths.
fn milli(quantity: &Value) -> u64 {
    let text = quantity.as_str().map_or_else(|| quantity.to_string(), str::to_owned);
    match text.strip_suffix('m') {
        Some(number) => number.parse().unwrap(),
        None => (text.parse::<f64>().unwrap() * 1_000.0) as u64,
    }
}

fn requested(objects: &[Value]) -> u64 {
    let pods = objects.iter().filter_map(|o| Some((o, o.pointer("/spec/template/spec/containers")?.as_array()?)));
    pods.map(|(object, containers)| {
        let replicas = object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
        let cpu = |c: &Value| {
            let request = c.pointer("/resources/requests/cpu");
            milli(
                request.unwrap_or_else(|| panic!("{} {} requests no CPU", object["kind"], object["metadata"]["name"])),
            )
        };
        replicas * containers.iter().map(cpu).sum::<u64>()
    })
    .sum()
}

/// The most CPU the example's steps ask for at one time: they run one after the other.
fn example_peak() -> u64 {
    let read = |name: &str| -> Value {
        serde_saphyr::from_str(&fs::read_to_string(repository().join("examples/flights").join(name)).unwrap()).unwrap()
    };
    let engine = |job: &Value| {
        let spark = job.get("spark").map_or(0, |s| {
            let count = s.pointer("/executors/count").and_then(Value::as_u64).unwrap_or(1);
            milli(&s["driver"]["cpu"]) + count * milli(&s["executors"]["cpu"])
        });
        spark + job.get("container").map_or(0, |c| milli(&c["cpu"]))
    };
    let steps = read("pipeline.yaml")["spec"]["steps"].as_array().unwrap().iter().map(engine).max().unwrap();
    steps.max(engine(&read("load.yaml")["spec"]))
}

#[test]
fn everything_together_fits_two_cores() {
    let sandbox = requested(&render("sandbox", "millrace-sandbox"));
    let operators = requested(&render("millrace", "millrace-system"));
    // The MLflow server of the example's registry, whose size is the operator's default.
    let server = 100;
    let all = sandbox + operators + server + example_peak();
    println!("sandbox {sandbox}m, operators {operators}m, MLflow {server}m, example {}m", example_peak());
    assert!(all <= 1_600, "together {all}m of CPU, at most 1600m");
}

#[test]
fn operators_run_restricted_and_with_roles_of_their_own() {
    let objects = render("millrace", "millrace-system");
    let of = |kind: &str| objects.iter().filter(|o| o["kind"] == kind).collect::<Vec<_>>();
    assert_eq!(of("Deployment").len(), 4);
    assert_eq!(of("ServiceAccount").len(), 4);
    for deployment in of("Deployment") {
        let pod = &deployment["spec"]["template"]["spec"];
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        let container = &pod["containers"][0];
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
        assert_eq!(container["securityContext"]["capabilities"]["drop"][0], "ALL");
        assert!(container["livenessProbe"].is_object() && container["readinessProbe"].is_object());
        assert_eq!(pod["serviceAccountName"], deployment["metadata"]["name"]);
    }
    for role in of("ClusterRole").into_iter().chain(of("Role")) {
        let rules = role["rules"].as_array().unwrap();
        assert!(!rules.is_empty(), "{} has no rules", role["metadata"]["name"]);
        for rule in rules {
            let words = ["apiGroups", "resources", "verbs"].iter().flat_map(|k| rule[*k].as_array().unwrap());
            assert!(words.clone().all(|w| w != "*" && w != "escalate"), "{}: {rule}", role["metadata"]["name"]);
            assert!(rule.get("resourceNames").is_none_or(|n| !n.as_array().unwrap().is_empty()), "{rule}");
        }
    }
    let people = of("ClusterRole").into_iter().filter(|r| r["metadata"]["name"].as_str().unwrap().ends_with("-edit"));
    for role in people {
        assert!(!role.to_string().contains("/status"), "people do not write statuses");
    }
}
