use std::collections::BTreeMap;

use millrace_crds::MLPipelineSpec;
use serde_json::{Value, json};

use super::{condition::Condition, finding::joined, plan::parse, scope::Scope};

fn spec(value: Value) -> MLPipelineSpec {
    serde_json::from_value(value).unwrap()
}

fn findings(value: Value) -> Vec<String> {
    parse(&spec(value)).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

fn step(name: &str, more: Value) -> Value {
    let mut step = json!({"name": name, "container": {"image": "i"}});
    step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    step
}

fn scope(results: Value) -> Scope {
    let results: BTreeMap<String, Value> = serde_json::from_value(results).unwrap();
    Scope {
        results: [("train".to_owned(), results)].into(),
        params: [("day".into(), "7".into())].into(),
        ..Scope::default()
    }
}

#[test]
fn a_sound_pipeline_becomes_a_plan_with_implied_edges() {
    let plan = parse(&spec(json!({
        "params": {"day": "1"},
        "steps": [
            {"name": "register", "when": "steps[\"train-it\"].results.auc > 0.5",
             "register": {"model": "m", "source": "$(steps.train-it.results.model)"}},
            step("train-it", json!({"env": [{"name": "F", "value": "$(steps.features.results.rows)"}]})),
            step("features", json!({"writes": ["bucket/f/day=$(params.day)/"], "container": {"image": "i", "args": ["$(bucket.f)", "$(HOME)"]}})),
        ]
    })))
    .unwrap();
    let order: Vec<&str> = plan.ordered().map(|s| s.name.as_str()).collect();
    assert_eq!(order, ["features", "train-it", "register"]);
}

#[test]
fn every_finding_comes_at_once() {
    let found = findings(json!({
        "params": {"day": "1", "bad": "$(run.name)"},
        "steps": [
            step("a", json!({"needs": ["b", "nope"], "container": {"image": "i", "args": [
                "$(params.dya)", "${params.day}", "$(run.id)", "$(steps.a.auc)", "$(bucket.raw)", "$(model.m)", "$(params"]}})),
            step("b", json!({"when": "steps.a.results.auc >= 0.7 &&"})),
            step("b", json!({})),
            {"name": "two", "container": {"image": "i"}, "register": {"model": "m", "source": "$(bucket.raw)"}},
            step("d", json!({"reads": ["raw"], "when": "foo(steps.e-f.results.x) || [1].all(x, x > 0)"})),
            step("e-f", json!({})),
        ]
    }));
    let text = found.join("\n");
    same(&text, include_str!("tests/findings.txt"));
}

fn same(have: &str, want: &str) {
    assert_eq!(have.trim(), want.trim(), "\n--- now:\n{have}\n");
}

#[test]
fn cycles_are_named_step_by_step() {
    let ring = |names: &[(&str, &str)]| {
        let steps: Vec<Value> = names.iter().map(|(n, needs)| step(n, json!({"needs": [needs]}))).collect();
        findings(json!({"steps": steps}))
    };
    let two = ring(&[("a", "b"), ("b", "c"), ("c", "a"), ("d", "e"), ("e", "d"), ("f", "a")]);
    assert_eq!(
        two,
        [
            "spec.steps: the steps form a cycle: a needs b (spec.steps[a].needs[0]), b needs c (spec.steps[b].needs[0]), c needs a (spec.steps[c].needs[0]); remove one of these dependencies",
            "spec.steps: the steps form a cycle: d needs e (spec.steps[d].needs[0]), e needs d (spec.steps[e].needs[0]); remove one of these dependencies",
        ]
    );
    let own = findings(json!({"steps": [step("a", json!({"when": "steps.a.results.x > 1"}))]}));
    assert_eq!(
        own,
        ["spec.steps: the steps form a cycle: a needs a (spec.steps[a].when); remove one of these dependencies"]
    );
}

#[test]
fn conditions_see_numbers_strings_and_booleans() {
    let results = scope(json!({"auc": 1, "shuffled": 0.5, "name": "x", "ok": true, "rows": 2}));
    for (text, want) in [
        ("steps.train.results.auc >= 0.70", true),
        ("steps.train.results.auc > steps.train.results.shuffled + 0.1", true),
        ("steps.train.results.auc == 1", true),
        ("steps.train.results.rows * 2 - 1 == 3", true),
        ("-steps.train.results.rows + 3 > 0", true),
        ("steps.train.results.name == 'x' && steps.train.results.ok", true),
        ("steps[\"train\"].results[\"name\"].startsWith('y')", false),
        ("has(steps.train.results.nope) && steps.train.results.nope > 1", false),
        ("'auc' in steps.train.results", true),
        ("int(params.day) + 1 == 8", true),
        ("size(params.day) + 1 == 2", true),
        ("params.day == '7' ? true : false", true),
    ] {
        let condition = Condition::compile(text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        assert_eq!(condition.holds(&results), Ok(want), "{text}");
    }
}

#[test]
fn conditions_without_an_answer_say_why() {
    let results = scope(json!({"auc": 0.61}));
    let why = |text: &str| Condition::compile(text).unwrap().holds(&results).unwrap_err();
    assert_eq!(
        why("steps.train.results.roc > 0.7"),
        "steps.train.results.roc > 0.7 (steps.train.results.roc = missing) cannot be evaluated: No such key: roc"
    );
    assert_eq!(
        why("steps.train.results.auc"),
        "steps.train.results.auc (steps.train.results.auc = 0.61) is Float(0.61), not true or false"
    );
    let told = Condition::compile("steps.train.results.auc >= 0.70").unwrap().told(&results);
    assert_eq!(told, "steps.train.results.auc >= 0.70 (steps.train.results.auc = 0.61)");
}

#[test]
fn conditions_are_bounded() {
    let deep = |open: &str, close: &str, n: usize| format!("{}true{}", open.repeat(n), close.repeat(n));
    for text in [
        deep("[", "]", 500),
        format!("1{} == 1", "+1".repeat(500)),
        format!("params.day{} == 1", ".x".repeat(400)),
        "true ? ".repeat(140),
        "x".repeat(1_025),
        "[1,2].map(x, [1,2].map(y, x)) == []".to_owned(),
    ] {
        assert!(Condition::compile(&text).is_err(), "{text}");
    }
    // These cost no depth.
    assert!(Condition::compile(&deep("(", ")", 500)).is_ok());
    assert!(Condition::compile(&deep("!", "", 1_000)).is_ok());
    // Wide is fine.
    let wide = vec!["steps.train.results.auc > 0.1"; 30].join(" && ");
    assert_eq!(Condition::compile(&wide).unwrap().holds(&scope(json!({"auc": 0.5}))), Ok(true));
}

#[test]
fn no_text_takes_the_operator_down() {
    use proptest::prelude::*;
    let pieces = prop::collection::vec(
        prop::sample::select(vec![
            "steps", ".", "train", "results", "auc", "[", "]", "(", ")", "\"a\"", "'", ">", "==", "&&", "||", "!", "?",
            ":", "1", "0.5", "-", "+", "%", "in", "has", "all", "{", "}", ",", "\\", "$", "é", "params", "size", " ",
            "true", "b'", "r\"", "0x", "1u", "@",
        ]),
        0..40,
    );
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    runner
        .run(&pieces, |pieces| {
            if let Ok(condition) = Condition::compile(&pieces.concat()) {
                let _ = condition.holds(&scope(json!({"auc": 0.5})));
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_example_is_sound() {
    let text = include_str!("../../../../examples/flights/pipeline.yaml");
    let pipeline: millrace_crds::MLPipeline = serde_saphyr::from_str(text).unwrap();
    let plan = parse(&pipeline.spec).map_err(|f| joined(&f)).unwrap();
    assert_eq!(plan.order, [0, 1, 2]);
}
