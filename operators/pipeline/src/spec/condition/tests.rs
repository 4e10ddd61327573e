use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Condition, Scope, types};

fn scope(x: &Value) -> Scope {
    let results: BTreeMap<String, Value> = [("x".to_owned(), x.clone())].into();
    Scope {
        results: [("a".to_owned(), results)].into(),
        params: [("day".into(), "7".into())].into(),
        ..Scope::default()
    }
}

fn problem(text: &str) -> String {
    Condition::compile(text).err().unwrap_or_default().join("; ")
}

#[test]
fn what_no_result_could_mend_is_refused() {
    let hint = "parameters are text and results numbers, text, true or false; convert with int(), double() or string()";
    for (text, want) in [
        ("1 + 'a' == 2", format!("+ does not take a whole number and text; {hint}")),
        ("size(3) > 1", format!("size() does not take a whole number; {hint}")),
        ("'a' == 1", format!("text and a whole number are never equal; {hint}")),
        ("params.day == 7", format!("text and a whole number are never equal; {hint}")),
        ("params.day + 1 > 2", format!("+ does not take text and a whole number; {hint}")),
        ("params.day > 6", format!("> does not take text and a whole number; {hint}")),
        ("steps.a.results.x % 2 == 0", format!("% does not take a result and a whole number; {hint}")),
        ("!params.day", "! takes true or false, not text".to_owned()),
        ("steps.a.results.x > 1 && 'yes'", "&& takes true or false, not true or false and text".to_owned()),
        ("1 ? true : false", "before ? stands what is never true or false".to_owned()),
        ("params.day", "it is text, not true or false".to_owned()),
        ("1 / 0 == 1", "a part of it never has a value: Division by zero of Int(1)".to_owned()),
        ("steps.a.results.x > int('many')", "a part of it never has a value: ".to_owned()),
        ("params.day.matches('(')", "the pattern of matches() is not one".to_owned()),
        ("1 in 'abc'", format!("in does not take a whole number and text; {hint}")),
    ] {
        let have = problem(text);
        assert!(have.starts_with(&want), "{text}: {have:?}, expected {want:?}");
    }
}

#[test]
fn what_could_work_is_not_refused() {
    for text in [
        "steps.a.results.x > 1",
        "steps.a.results.x == 'a'",
        "steps.a.results.x + 'a' == 'ba'",
        "steps.a.results.x",
        "!steps.a.results.x",
        "(1 + 2) * steps.a.results.x > 2",
        "int(steps.a.results.x) % 2 == 0",
        "size(steps.a.results.x) > 1",
        "size(steps.a.results) > 1",
        "steps.a.results.x in ['a', 'b']",
        "'x' in steps.a.results",
        "has(steps.a.results.x) ? steps.a.results.x : 0 > 1",
        "type(steps.a.results.x) == string",
        "steps.a.results.x == null",
        "double(params.day) * 2.0 > 1.0",
        "params.day.startsWith('2') || params.day == '7'",
        "[1, 2][0] == 1",
        "{'a': 1}['a'] == 1",
        "1 == 1.0 && 2u == 2",
        "false ? 1 == 2 : true",
        "string(1) == '1'",
        "b'a' == b'a'",
    ] {
        assert_eq!(problem(text), "", "{text}");
    }
}

/// Expressions in which every part counts: no `&&`, no `||`, no `?`, and no `==`, which is false rather than wrong.
fn texts() -> impl Strategy<Value = String> {
    let atoms = [
        "1",
        "0",
        "2u",
        "1.5",
        "'a'",
        "'1'",
        "true",
        "null",
        "b'1'",
        "[1]",
        "['a']",
        "{'a': 1}",
        "params.day",
        "steps.a.results.x",
        "steps.a.results",
    ];
    let atom = prop::sample::select(atoms.to_vec()).prop_map(str::to_owned);
    atom.prop_recursive(4, 24, 3, |inner| {
        let two = ["+", "-", "*", "/", "%", "<", "<=", ">", ">=", "in"];
        let one = ["size", "int", "uint", "double", "string", "bool"];
        let of = ["contains", "startsWith", "endsWith", "matches"];
        prop_oneof![
            (inner.clone(), prop::sample::select(two.to_vec()), inner.clone())
                .prop_map(|(a, o, b)| format!("({a} {o} {b})")),
            (prop::sample::select(one.to_vec()), inner.clone()).prop_map(|(f, a)| format!("{f}({a})")),
            (inner.clone(), prop::sample::select(of.to_vec()), inner.clone())
                .prop_map(|(a, f, b)| format!("{a}.{f}({b})")),
            inner.clone().prop_map(|a| format!("(!{a})")),
            inner.prop_map(|a| format!("[{a}]")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    /// Nothing is refused that some result could have answered.
    #[test]
    fn what_is_refused_never_works(text in texts()) {
        let Ok(condition) = Condition::parse(&text) else { return Ok(()) };
        let problems = types::check(&condition.expr);
        if problems.is_empty() {
            return Ok(());
        }
        for x in [json!(1), json!(0), json!(0.5), json!("a"), json!("1"), json!("true"), json!(true), json!(null)] {
            let answer = condition.holds(&scope(&x));
            prop_assert!(answer.is_err(), "{text} with {x} is {answer:?}, refused for {problems:?}");
        }
    }
}
