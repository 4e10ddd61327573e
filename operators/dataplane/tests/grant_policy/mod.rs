//! Properties of the session policy: it never grants what was not asked, and never is empty or too long.

use std::collections::BTreeMap;

use millrace_crds::Access;
use millrace_dataplane::grant::policy::{MAX_CHARS, NoPolicy, policy};
use proptest::{collection::btree_map, prelude::*};
use serde_json::Value;

fn asked() -> impl Strategy<Value = BTreeMap<String, BTreeMap<String, Access>>> {
    let prefix = prop_oneof![Just(String::new()), "[a-c]{1,2}/", "[a-c]/[a-c]{1,3}", "day=2013-0[1-9]/"];
    let mode = prop_oneof![Just(Access::Read), Just(Access::Write)];
    btree_map("[a-b]{3}", btree_map(prefix, mode, 1..4), 0..6)
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().flat_map(words).collect(),
        _ => vec![],
    }
}

/// A pattern of ours: only a star at its end.
fn matches(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |start| text.starts_with(start))
}

/// What the policy says to `verb` on `resource`, listing `prefix` if given.
fn allows(policy: &Value, verb: &str, resource: &str, prefix: Option<&str>) -> bool {
    policy["Statement"].as_array().unwrap().iter().any(|s| {
        let condition = match s.pointer("/Condition/StringLike/s3:prefix") {
            None => true,
            Some(patterns) => prefix.is_some_and(|p| words(patterns).iter().any(|w| matches(w, p))),
        };
        condition
            && words(&s["Action"]).iter().any(|a| a == verb)
            && words(&s["Resource"]).iter().any(|r| matches(r, resource))
    })
}

proptest! {
    #[test]
    fn allows_exactly_what_was_asked(asked in asked(), bucket in "[a-b]{3}", key in "([a-c]{1,2}/)?[a-c]{1,3}") {
        let text = match policy(&asked) {
            Ok(text) => text,
            Err(NoPolicy::Empty) => { prop_assert!(asked.is_empty()); return Ok(()) }
            Err(NoPolicy::TooLong(n)) => { prop_assert!(n > MAX_CHARS); return Ok(()) }
        };
        prop_assert!(text.chars().count() <= MAX_CHARS);
        let said: Value = serde_json::from_str(&text).unwrap();
        let none = BTreeMap::new();
        let prefixes = asked.get(&bucket).unwrap_or(&none);
        let may = |least: Access| prefixes.iter().any(|(p, mode)| {
            let directory = !p.is_empty() && p.strip_suffix('/') == Some(key.as_str());
            *mode >= least && (key.starts_with(p.as_str()) || directory)
        });
        let resource = format!("arn:aws:s3:::{bucket}/{key}");
        prop_assert_eq!(allows(&said, "s3:GetObject", &resource, None), may(Access::Read), "read {}", &text);
        prop_assert_eq!(allows(&said, "s3:PutObject", &resource, None), may(Access::Write), "write {}", &text);
        prop_assert_eq!(allows(&said, "s3:DeleteObject", &resource, None), may(Access::Write), "delete {}", &text);
        let arn = format!("arn:aws:s3:::{bucket}");
        let listed = prefixes.keys().any(|p| key.starts_with(p.as_str()));
        prop_assert_eq!(allows(&said, "s3:ListBucket", &arn, Some(&key)), listed, "list {}", &text);
        prop_assert_eq!(allows(&said, "s3:ListBucket", &arn, None), prefixes.contains_key(""), "list all {}", &text);
    }
}

#[test]
fn too_long_says_how_long() {
    let prefixes = (0..40).map(|n| (format!("a-rather-long-prefix-{n}-of-a-bucket/"), Access::Write));
    let asked = [("lab-ml-raw-bsbgdqcg".to_owned(), prefixes.collect())].into();
    let Err(no) = policy(&asked) else { panic!("too long, yet made") };
    let NoPolicy::TooLong(chars) = no.clone() else { panic!("{no}") };
    assert!(chars > MAX_CHARS);
    assert!(no.to_string().contains(&format!("{chars} characters, at most 2048")), "{no}");
}

#[test]
fn only_the_designed_verbs() {
    let asked =
        [("b".to_owned(), [("in/".to_owned(), Access::Read), ("out/".to_owned(), Access::Write)].into())].into();
    let said: Value = serde_json::from_str(&policy(&asked).unwrap()).unwrap();
    let mut verbs: Vec<String> =
        said["Statement"].as_array().unwrap().iter().flat_map(|s| words(&s["Action"])).collect();
    verbs.sort();
    verbs.dedup();
    assert_eq!(
        verbs,
        [
            "s3:AbortMultipartUpload",
            "s3:DeleteObject",
            "s3:GetBucketLocation",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:ListMultipartUploadParts",
            "s3:PutObject",
        ]
    );
}
