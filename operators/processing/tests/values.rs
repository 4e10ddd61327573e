//! What a pipeline's run puts into a job arrives byte for byte where the job says: in arguments and variables that a
//! kubelet reads, in files, Spark properties and Flink settings that none reads, in the prefixes of a grant.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use millrace_crds::ProcessingJob;
use millrace_kit::{
    Action, Operator, Seen,
    refs::{self, Reader},
};
use millrace_processing::{GrantView, Observed, Processing};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What is put in for the value.
const PARAM: &str = "$(params.x)";

/// As the pipeline operator does it, for every text of a job.
fn run(value: &mut Value, path: &mut Vec<String>, param: &str) {
    match value {
        Value::String(text) => {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let put = |r: &refs::Reference| (r.path == ["x"]).then(|| param.to_owned());
            *text = refs::substitute(text, Reader::of(&path), put).unwrap();
        }
        Value::Array(list) => list.iter_mut().for_each(|item| run(item, path, param)),
        Value::Object(map) => {
            for (key, item) in map {
                path.push(key.clone());
                run(item, path, param);
                path.pop();
            }
        }
        _ => {}
    }
}

/// The objects that the first attempt of this job makes, its grant included.
fn made(mut spec: Value, param: &str) -> Vec<Value> {
    run(&mut spec, &mut Vec::new(), param);
    let mut job: ProcessingJob = serde_json::from_value(json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob",
        "metadata": {"name": "train", "namespace": "ml", "uid": "u1", "generation": 1}, "spec": spec,
    }))
    .unwrap();
    let now = Timestamp::from_second(1_767_225_600).unwrap();
    let mut all = Vec::new();
    let mut seen = Observed { account: true, binding: true, budget: true, ..Observed::default() };
    for _ in 0..2 {
        let decision = Processing::decide(&job, &Seen { data: seen.clone(), ..Seen::default() }, now);
        all.extend(decision.actions.iter().filter_map(|action| match action {
            Action::Create(child) => Some(child.body.clone()),
            _ => None,
        }));
        job.status = Some(decision.status);
        let bucket = json!({"name": "raw", "bucketName": "ml-raw"});
        let grant = json!({"uid": "g1", "ready": true, "pathStyle": true, "buckets": [bucket]});
        seen.grant = Some(serde_json::from_value::<GrantView>(grant).unwrap());
    }
    assert!(job.status.unwrap().attempt.is_some(), "the spec is refused");
    all
}

fn of<'a>(all: &'a [Value], kind: &str) -> &'a Value {
    all.iter().find(|o| o["kind"] == kind).unwrap()
}

/// What the program in the first container of a pod sees.
fn arguments(pod: &Value, list: &str) -> Vec<String> {
    let known = variables(pod);
    let all = pod["spec"]["containers"][0][list].as_array().cloned().unwrap_or_default();
    all.iter().map(|text| refs::expand_kubelet(text.as_str().unwrap(), &known)).collect()
}

fn variables(pod: &Value) -> Vec<(String, String)> {
    let mut known = Vec::new();
    for var in pod["spec"]["containers"][0]["env"].as_array().unwrap() {
        if let Some(value) = var["value"].as_str() {
            let value = refs::expand_kubelet(value, &known);
            known.push((var["name"].as_str().unwrap().to_owned(), value));
        }
    }
    known
}

fn variable(pod: &Value, name: &str) -> String {
    variables(pod).into_iter().find(|(one, _)| one == name).unwrap().1
}

/// Java's own reading of a file of properties.
fn properties(text: &str) -> BTreeMap<String, String> {
    let unescape = |text: &str| {
        let (mut out, mut chars) = (String::new(), text.chars());
        while let Some(c) = chars.next() {
            out.push(match c {
                '\\' => match chars.next().unwrap() {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'f' => '\u{c}',
                    other => other,
                },
                other => other,
            });
        }
        out
    };
    let lines = text.split('\n').filter(|line| !line.is_empty());
    lines.map(|line| line.split_once('=').unwrap()).map(|(key, value)| (key.to_owned(), unescape(value))).collect()
}

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => Just("$".to_owned()),
        2 => Just("(".to_owned()),
        2 => Just(")".to_owned()),
        2 => "\\PC{1,3}",
        1 => "[a-z\\\\\n\t\r\u{c}\"' {}%=:#!\u{7f}\u{85}\u{2028}]{1,3}",
        1 => Just("$(MILLRACE_RUN)".to_owned()),
        1 => Just("$$(MILLRACE_RUN)".to_owned()),
        1 => Just("$(params.x)".to_owned()),
        1 => Just("$$(bucket.raw)".to_owned()),
        1 => Just("$(bucket.raw)".to_owned()),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|all| all.concat())
}

/// The value between a bucket's URI and the user's own words, as it is to arrive.
fn around(scheme: &str, value: &str) -> String {
    format!("{scheme}://ml-raw/{value}(x)$")
}

const TEXT: &str = "$(bucket.raw)/$(params.x)(x)$";

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn in_containers(value in texts()) {
        let all = made(json!({
            "container": {"image": "x", "command": ["sh", TEXT], "args": [PARAM, TEXT]},
            "env": [{"name": "ONE", "value": PARAM}, {"name": "TWO", "value": TEXT}], "reads": ["bucket/raw"],
            "pod": {"annotations": {"note": PARAM}},
        }), &value);
        let pod = of(&all, "Pod");
        let text = around("s3", &value);
        prop_assert_eq!(&arguments(pod, "command")[1], &text);
        prop_assert_eq!(arguments(pod, "args"), [value.clone(), text.clone()]);
        prop_assert_eq!(variable(pod, "ONE"), value.as_str());
        prop_assert_eq!(variable(pod, "TWO"), text);
        prop_assert_eq!(pod["metadata"]["annotations"]["note"].as_str().unwrap(), value);
    }

    #[test]
    fn in_spark(value in texts()) {
        let all = made(json!({
            "spark": {"image": "x", "main": format!("local:///{PARAM}/x.jar"), "class": "A$$B", "args": [PARAM, TEXT],
                "conf": {"spark.one": PARAM, "spark.two": TEXT}, "packages": [PARAM], "executors": {"count": 1}},
            "env": [{"name": "ONE", "value": PARAM}], "reads": ["bucket/raw"],
        }), &value);
        let text = around("s3a", &value);
        let args = arguments(of(&all, "Pod"), "args");
        let main = format!("local:///{value}/x.jar");
        prop_assert_eq!(&args[args.len() - 5..], ["--class", "A$$B", &main, &value, &text]);
        let data = &of(&all, "ConfigMap")["data"];
        let conf = properties(data["spark.properties"].as_str().unwrap());
        prop_assert_eq!(&conf["spark.one"], &value);
        prop_assert_eq!(&conf["spark.two"], &text);
        prop_assert_eq!(&conf["spark.jars.packages"], &value);
        let executor: Value = serde_json::from_str(data["executor.yaml"].as_str().unwrap()).unwrap();
        prop_assert_eq!(variable(&executor, "ONE"), value);
    }

    #[test]
    fn in_flink(value in texts()) {
        let flink = |more: Value| {
            let mut flink = json!({"image": "x", "mode": "Batch", "conf": {"one": PARAM, "two": TEXT}});
            flink.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let all = made(json!({"flink": flink, "env": [{"name": "ONE", "value": PARAM}], "reads": ["bucket/raw"]}), &value);
            let text = of(&all, "ConfigMap")["data"]["config.yaml"].as_str().unwrap().to_owned();
            serde_saphyr::from_str::<BTreeMap<String, Value>>(&text).unwrap()
        };
        let text = around("s3", &value);
        let conf = flink(json!({"main": "local:///x.jar", "args": [PARAM, TEXT, "$(ONE)"]}));
        prop_assert_eq!(conf["one"].as_str().unwrap(), value.as_str());
        prop_assert_eq!(conf["two"].as_str().unwrap(), text.as_str());
        prop_assert_eq!(&conf["$internal.application.program-args"], &json!([value, text, value]));
        let conf = flink(json!({"sql": format!("SELECT '{TEXT}'")}));
        prop_assert_eq!(&conf["$internal.application.program-args"], &json!(["--script", format!("SELECT '{text}'")]));
    }
}

#[test]
fn in_prefixes() {
    let value = "5$$ of $(params.y) $";
    let spec = json!({
        "container": {"image": "x", "checkpoint": format!("bucket/raw/state/{PARAM}")},
        "reads": [format!("bucket/raw/{PARAM}/")],
    });
    let all = made(spec, value);
    let grants = all.iter().filter(|o| o["kind"] == "DataGrant");
    let access = grants.flat_map(|grant| grant["spec"]["access"].as_array().unwrap());
    let prefixes: BTreeSet<&str> = access.filter_map(|a| a["prefix"].as_str()).collect();
    let prefixes: Vec<&str> = prefixes.into_iter().collect();
    assert_eq!(prefixes, [format!("{value}/"), format!("state/{value}/")]);
    let kept = variable(of(&all, "Pod"), "MILLRACE_CHECKPOINT");
    assert!(kept.starts_with(&format!("s3://ml-raw/state/{value}/")), "{kept}");
}
