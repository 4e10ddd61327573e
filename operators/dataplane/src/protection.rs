//! State that must not expire: what DataGrants keep, against the expiry rules of DataBuckets.
//!
//! Whoever was first wins. A rule that is there keeps a new grant from serving; a grant that serves keeps a new rule
//! from being applied. So neither a running job nor its state is harmed by an edit of the other object.

use millrace_crds::{DataBucket, DataGrant, DataGrantStatus};
use serde::{Deserialize, Serialize};

/// Whether some key can begin with both prefixes. Order does not matter.
#[must_use]
pub fn overlap(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// An expiry rule of a DataBucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Prefix of the keys it deletes.
    pub prefix: String,
    /// Its place in `spec.expire` and its days; `None` if it has left the spec and may still be on the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<(usize, i32)>,
}

impl Rule {
    /// Every rule a bucket may have on the store by our hand.
    pub(crate) fn of(bucket: &DataBucket) -> Vec<Self> {
        let spec = &bucket.spec.bucket.expire;
        let listed = spec.iter().enumerate();
        let listed = listed.map(|(at, rule)| Self { prefix: rule.prefix.clone(), listed: Some((at, rule.days)) });
        let managed = bucket.status.iter().flat_map(|status| &status.managed_expire_prefixes);
        let left = managed.filter(|prefix| spec.iter().all(|rule| rule.prefix != **prefix));
        listed.chain(left.map(|prefix| Self { prefix: prefix.clone(), listed: None })).collect()
    }

    /// The rule, for people.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { prefix, listed } = self;
        match listed {
            Some((at, days)) => format!("spec.expire[{at}] (prefix {prefix:?}, {days} days)"),
            None => format!("the rule (prefix {prefix:?}) that has left spec.expire"),
        }
    }
}

/// A part of a bucket that a grant keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// `KIND NAMESPACE/NAME` of the grant's holder.
    pub holder: String,
    /// Prefix of the keys; empty means the whole bucket.
    pub prefix: String,
}

/// What a grant keeps, as `(name on the store, prefix)`. Nothing before it has served: its names mean nothing yet.
pub(crate) fn kept(grant: &DataGrant) -> impl Iterator<Item = (&str, &str)> {
    let granted = grant.status.as_ref().map(|s: &DataGrantStatus| s.buckets.as_slice()).unwrap_or_default();
    granted.iter().flat_map(|bucket| {
        let asked = grant.spec.access.iter().filter(|a| a.protect && a.bucket.as_ref() == Some(&bucket.name));
        asked.map(|a| (bucket.bucket_name.as_str(), a.prefix.as_deref().unwrap_or_default()))
    })
}

/// Index word: grants that keep something in this bucket of this DataPlane.
pub(crate) fn keeps_in(plane: &str, bucket: &str) -> String {
    format!("keeps/{plane}/{bucket}")
}

/// Index word: the DataBucket that has this name on the store of this DataPlane.
pub(crate) fn on_store(plane: &str, bucket: &str) -> String {
    format!("store/{plane}/{bucket}")
}

#[cfg(test)]
#[path = "tests/keep.rs"]
mod tests;
