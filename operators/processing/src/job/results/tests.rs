//! Numbers keep their digits; what is wrong names its key.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn text(results: &Results, key: &str) -> String {
    results.texts.get(key).cloned().unwrap_or_else(|| results.values[key].to_string())
}

#[test]
fn plain_results_need_no_text() {
    let read =
        read(r#"{"auc": 0.71, "rows": 12, "ok": true, "model": "s3://m/1", "below": -0.5, "NaN": "NaN"}"#).unwrap();
    assert_eq!(read.texts, BTreeMap::new());
    assert_eq!(read.values["auc"], json!(0.71));
    assert_eq!(read.values["NaN"], json!("NaN"));
}

#[test]
fn digits_are_kept() {
    for word in [
        "12345678901234567890",
        "0.1000000000000000055511151231257827",
        "1.0",
        "-0.0",
        "-0",
        "1e-7",
        "1E5",
        "9007199254740993.0",
        "1e-400",
        "9223372036854775807",
        "9223372036854775808",
        "0.30000000000000004",
    ] {
        let read = read(&format!("{{\"n\": {word}}}")).unwrap();
        assert_eq!(text(&read, "n"), word);
        assert_eq!(read.values["n"].as_f64(), word.parse().ok(), "{word}");
    }
}

#[test]
fn what_is_wrong_names_its_key() {
    let told = |log: &str| read(log).unwrap_err();
    assert_eq!(told(r#"{"a": 1, "auc": NaN}"#), "`auc` is NaN; write a finite number");
    assert_eq!(told(r#"{"loss": -Infinity}"#), "`loss` is -Infinity; write a finite number");
    assert!(told(r#"{"n": 1e400}"#).starts_with("`n` is 1e400, more than a number of 64 bits holds"));
    assert!(told(r#"{"ok": True}"#).starts_with("`ok` is True, which JSON does not know"));
    assert!(told(r#"{"n": .5}"#).starts_with("`n` is .5, which JSON does not know"));
    assert!(told(r#"{"best": null}"#).starts_with("`best` is null"));
    assert!(told(r#"{"a": {"b": [1, NaN]}}"#).starts_with("`a` is NaN"));
    assert!(told(r#"{"a": [1]}"#).starts_with("`a` is a list"));
    assert!(told("auc=0.7").starts_with("expected value"));
    assert!(told(r#"{"a": "open"#).contains("write one flat JSON object"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// As the API server and the next reader have it.
    #[test]
    fn every_number_reads_back(word in "-?(0|[1-9][0-9]{0,25})([.][0-9]{1,25})?([eE][+-]?[0-9]{1,2})?") {
        let read = read(&format!("{{\"other\": \"x\", \"n\": {word} }}")).unwrap();
        let stored = read.values["n"].to_string();
        let again: Value = serde_json::from_str(&stored).unwrap();
        let told = read.texts.get("n").cloned().unwrap_or_else(|| again.to_string());
        prop_assert_eq!(told, word);
    }

    #[test]
    fn no_text_is_too_odd(log in "[{}\\[\\]:,\"\\\\a1.eN \n-]{0,30}") {
        let _ = read(&log);
    }
}
