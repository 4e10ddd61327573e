//! A DataBucket's spec, parsed: the name on the store, the tags that prove whose it is, what it should be.
//!
//! All findings at once, each with its field path and what to write instead. Never looks at the store.

use std::collections::BTreeMap;

use millrace_crds::{DataBucket, data_bucket::BucketDeletion};
use millrace_kit::names;

use crate::store::Facts;

/// Longest bucket name S3 takes.
const MAX_NAME: usize = 63;
/// Longest part of the name taken from the namespace, and from the object's name.
const MAX_PART: usize = 20;
/// Characters of hash that tell `a-b`/`c` from `a`/`b-c`.
const HASH: usize = 8;

/// Tag: the DataPlane's owner.
pub const TAG_OWNER: &str = "millrace.dev/owner";
/// Tag: the namespace of the DataBucket.
pub const TAG_NAMESPACE: &str = "millrace.dev/namespace";
/// Tag: the name of the DataBucket.
pub const TAG_NAME: &str = "millrace.dev/name";
/// Tag: the uid of the DataBucket that holds it now. Names prove adoption; this one proves deletion.
pub const TAG_UID: &str = "millrace.dev/uid";

/// A spec that can be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Name on the store.
    pub bucket: String,
    /// Whether the name is `externalName`.
    pub external: bool,
    /// The four identity tags.
    pub tags: BTreeMap<String, String>,
    /// Versioning asked for, if any.
    pub versioning: Option<bool>,
    /// Days by prefix.
    pub expire: BTreeMap<String, i32>,
    /// What deletion means.
    pub deletion: BucketDeletion,
}

/// Whose a bucket is, by its tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// This object's, this incarnation.
    Ours,
    /// An earlier (or another cluster's) incarnation of this object.
    Earlier,
    /// It carries none of our tags.
    Untagged,
    /// Somebody else's.
    Other,
}

impl Model {
    /// Parses the spec against its DataPlane.
    ///
    /// # Errors
    /// Every finding, each naming its field and the remedy.
    pub fn parse(object: &DataBucket, plane: &Facts) -> Result<Self, Vec<String>> {
        let spec = &object.spec.bucket;
        let mut findings = Vec::new();
        let mut expire = BTreeMap::new();
        for (at, rule) in spec.expire.iter().enumerate() {
            if rule.days < 1 {
                findings.push(format!("spec.expire[{at}].days is {}; write at least 1", rule.days));
            }
            if expire.insert(rule.prefix.clone(), rule.days).is_some() {
                findings.push(format!("spec.expire[{at}].prefix {:?} is listed twice; keep one", rule.prefix));
            }
        }
        if let Some(name) = &spec.external_name {
            let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
            if !(3..=MAX_NAME).contains(&name.len()) || !name.chars().all(label) {
                findings.push(format!(
                    "spec.externalName {name:?} is not a valid bucket name; use 3 to 63 of a-z, 0-9, - and ."
                ));
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(Self {
            bucket: on_store(object, plane),
            external: spec.external_name.is_some(),
            tags: identity(object, plane),
            versioning: spec.versioning,
            expire,
            deletion: spec.deletion_policy.unwrap_or_default(),
        })
    }

    /// Whose a bucket with these tags is.
    #[must_use]
    pub fn whose(&self, tags: &BTreeMap<String, String>) -> Whose {
        whose(&self.tags, tags)
    }
}

/// Whose a bucket with these tags is, for the object with the identity tags `want`.
#[must_use]
pub fn whose(want: &BTreeMap<String, String>, tags: &BTreeMap<String, String>) -> Whose {
    let same = |key: &str| tags.get(key).is_some_and(|have| want.get(key) == Some(have));
    let any = [TAG_OWNER, TAG_NAMESPACE, TAG_NAME, TAG_UID].iter().any(|key| tags.contains_key(*key));
    match (any, same(TAG_OWNER) && same(TAG_NAMESPACE) && same(TAG_NAME), same(TAG_UID)) {
        (false, ..) => Whose::Untagged,
        (_, true, true) => Whose::Ours,
        (_, true, false) => Whose::Earlier,
        (_, false, _) => Whose::Other,
    }
}

fn identity(object: &DataBucket, plane: &Facts) -> BTreeMap<String, String> {
    let meta = &object.metadata;
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    [
        (TAG_OWNER, plane.owner.clone()),
        (TAG_NAMESPACE, text(&meta.namespace)),
        (TAG_NAME, text(&meta.name)),
        (TAG_UID, text(&meta.uid)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// The object's bucket on the store: `externalName`, or the derived name.
#[must_use]
pub fn on_store(object: &DataBucket, plane: &Facts) -> String {
    let meta = &object.metadata;
    let names = (meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default());
    object.spec.bucket.external_name.clone().unwrap_or_else(|| derived(&plane.bucket_prefix, names))
}

/// `<prefix><namespace>-<name>-<hash of both>`, at most 63 characters: namespace and name at most 20 each, the name
/// shorter where a long prefix leaves less room.
#[must_use]
pub fn derived(prefix: &str, names: (&str, &str)) -> String {
    let (namespace, name) = names;
    let part = |text: &str, max: usize| {
        let safe: String = text
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .take(max)
            .collect();
        safe.trim_matches('-').to_owned()
    };
    let namespace_part = part(namespace, MAX_PART);
    let room = MAX_NAME.saturating_sub(prefix.len() + namespace_part.len() + HASH + 2);
    let name_part = part(name, MAX_PART.min(room));
    format!("{prefix}{namespace_part}-{name_part}-{}", names::hash(&[namespace, name], HASH))
}
