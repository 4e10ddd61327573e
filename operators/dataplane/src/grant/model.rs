//! A DataGrant's request, parsed: which buckets and topics by name, and what may be done under which prefix.
//!
//! All findings at once, each with its field path. Resolution against the cluster is observe's work.

use std::collections::{BTreeMap, BTreeSet};

use millrace_crds::{Access, DataGrant};

/// A request that can be resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// Prefixes with what may be done under each, by DataBucket name; the empty prefix is the whole bucket.
    pub buckets: BTreeMap<String, BTreeMap<String, Access>>,
    /// DataTopic names with what may be done.
    pub topics: BTreeMap<String, Access>,
    /// Prefixes that are state and must not expire, by DataBucket name.
    pub kept: BTreeMap<String, BTreeSet<String>>,
    /// Keys that must be there, with the DataBucket's name.
    pub needs: BTreeSet<(String, String)>,
}

/// Characters that would widen a policy (`*`, `?`, variables) or break out of it.
fn plain(c: char) -> bool {
    !c.is_control() && !matches!(c, '*' | '?' | '$' | '\\' | '"')
}

impl Model {
    /// Parses the request.
    ///
    /// # Errors
    /// Every finding, each naming its field and the remedy.
    pub fn parse(object: &DataGrant) -> Result<Self, Vec<String>> {
        let mut this = Self::default();
        let mut findings = Vec::new();
        for (at, asked) in object.spec.access.iter().enumerate() {
            let prefix = asked.prefix.clone().unwrap_or_default();
            match (&asked.bucket, &asked.topic) {
                (Some(bucket), None) => {
                    if let Some(bad) = prefix.chars().find(|c| !plain(*c)) {
                        findings.push(format!(
                            "spec.access[{at}].prefix has {bad:?}, which a policy would read as a pattern; leave it out"
                        ));
                    }
                    if prefix.starts_with('/') {
                        findings.push(format!("spec.access[{at}].prefix begins with a slash; write it without"));
                    }
                    if asked.protect {
                        this.kept.entry(bucket.clone()).or_default().insert(prefix.clone());
                    }
                    if asked.requires.as_ref().is_some_and(|key| !key.starts_with(&prefix)) {
                        findings.push(format!(
                            "spec.access[{at}].requires lies outside its prefix; write it from the root of the bucket"
                        ));
                    }
                    this.needs.extend(asked.requires.iter().map(|key| (bucket.clone(), key.clone())));
                    let mode = this.buckets.entry(bucket.clone()).or_default().entry(prefix).or_default();
                    *mode = (*mode).max(asked.mode);
                }
                (None, Some(_)) if asked.protect => {
                    findings.push(format!("spec.access[{at}].protect belongs to a bucket; leave it out"));
                }
                (None, Some(_)) if asked.requires.is_some() => {
                    findings.push(format!("spec.access[{at}].requires belongs to a bucket; leave it out"));
                }
                (None, Some(topic)) if prefix.is_empty() => {
                    let mode = this.topics.entry(topic.clone()).or_default();
                    *mode = (*mode).max(asked.mode);
                }
                (None, Some(_)) => findings.push(format!("spec.access[{at}].prefix belongs to a bucket; leave it out")),
                _ => findings.push(format!("spec.access[{at}] must give exactly one of bucket, topic")),
            }
        }
        if findings.is_empty() { Ok(this) } else { Err(findings) }
    }

    /// The most that is asked of a bucket or topic, for the check against its share.
    #[must_use]
    pub fn most(&self, what: What, name: &str) -> Access {
        match what {
            What::Bucket => self.buckets.get(name).into_iter().flat_map(|p| p.values()).max().copied(),
            What::Topic => self.topics.get(name).copied(),
        }
        .unwrap_or_default()
    }

    /// Everything named, buckets first.
    #[must_use]
    pub fn names(&self) -> BTreeSet<(What, String)> {
        let buckets = self.buckets.keys().map(|name| (What::Bucket, name.clone()));
        buckets.chain(self.topics.keys().map(|name| (What::Topic, name.clone()))).collect()
    }
}

/// The kind of thing a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum What {
    /// A DataBucket.
    Bucket,
    /// A DataTopic.
    Topic,
}

impl What {
    /// The kind, for people.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Bucket => "DataBucket",
            Self::Topic => "DataTopic",
        }
    }
}
