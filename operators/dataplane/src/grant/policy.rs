//! The session policy of a grant: what its credentials may do, and nothing else.
//!
//! Object, multipart, prefix-conditioned list and location verbs only. It can never be empty (an empty session policy
//! means every right of the caller) and never longer than STS takes.

use std::collections::{BTreeMap, BTreeSet};

use millrace_crds::Access;
use serde_json::{Value, json};

/// Longest session policy STS takes, in characters.
pub const MAX_CHARS: usize = 2_048;

const READ: &[&str] = &["s3:GetObject"];
const WRITE: &[&str] =
    &["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];

/// Why there is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPolicy {
    /// No bucket was asked for.
    #[error("no bucket is named")]
    Empty,
    /// STS would refuse it.
    #[error(
        "the session policy has {0} characters, at most {MAX_CHARS} are allowed; name fewer buckets or prefixes, or shorter ones"
    )]
    TooLong(usize),
}

/// The policy for prefixes by bucket name on the store.
///
/// # Errors
/// See [`NoPolicy`].
pub fn policy(buckets: &BTreeMap<String, BTreeMap<String, Access>>) -> Result<String, NoPolicy> {
    let mut by_mode: BTreeMap<Access, BTreeSet<String>> = BTreeMap::new();
    let mut whole = BTreeSet::new();
    let mut lists = Vec::new();
    for (bucket, prefixes) in buckets {
        for (prefix, mode) in minimal(prefixes) {
            let resources = by_mode.entry(*mode).or_default();
            resources.insert(format!("arn:aws:s3:::{bucket}/{prefix}*"));
            // File systems over S3 ask for the directory's own key before they write below it.
            if let Some(directory) = prefix.strip_suffix('/').filter(|d| !d.is_empty()) {
                resources.insert(format!("arn:aws:s3:::{bucket}/{directory}"));
            }
        }
        if prefixes.contains_key("") {
            whole.insert(arn(bucket));
        } else if !prefixes.is_empty() {
            let listed: BTreeSet<String> = prefixes.keys().map(|prefix| format!("{prefix}*")).collect();
            lists.push(json!({
                "Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn(bucket),
                "Condition": {"StringLike": {"s3:prefix": one_or_many(listed)}},
            }));
        }
    }
    if by_mode.is_empty() {
        return Err(NoPolicy::Empty);
    }
    let mut statements: Vec<Value> = Vec::new();
    for (mode, resources) in by_mode {
        let verbs = if mode == Access::Write { WRITE } else { READ };
        statements.push(json!({"Effect": "Allow", "Action": verbs, "Resource": one_or_many(resources)}));
    }
    if !whole.is_empty() {
        statements.push(json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": one_or_many(whole)}));
    }
    statements.extend(lists);
    let all: BTreeSet<String> = buckets.keys().map(|b| arn(b)).collect();
    statements.push(json!({"Effect": "Allow", "Action": "s3:GetBucketLocation", "Resource": one_or_many(all)}));
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let chars = text.chars().count();
    if chars > MAX_CHARS { Err(NoPolicy::TooLong(chars)) } else { Ok(text) }
}

/// Prefixes without those that a shorter one with the same or more rights covers.
fn minimal(prefixes: &BTreeMap<String, Access>) -> impl Iterator<Item = (&String, &Access)> {
    prefixes.iter().filter(move |(prefix, mode)| {
        !prefixes.iter().any(|(other, more)| other.len() < prefix.len() && prefix.starts_with(other) && more >= mode)
    })
}

fn arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

fn one_or_many(words: BTreeSet<String>) -> Value {
    let mut words: Vec<String> = words.into_iter().collect();
    match (words.pop(), words.is_empty()) {
        (Some(only), true) => json!(only),
        (last, _) => {
            words.extend(last);
            json!(words)
        }
    }
}
