//! References in a job's strings: each names a bucket or a topic that the job reads or writes.

use std::collections::BTreeSet;

use millrace_crds::data_grant::AccessRequest;
use millrace_kit::refs::{self, Head};

use super::findings::Findings;

/// Notes every reference in a text that has none.
pub(crate) fn readable(field: &str, text: &str, findings: &mut Findings) {
    match refs::find(text) {
        Ok(found) => {
            for reference in found {
                findings.note(field, unresolved(&reference));
            }
        }
        Err(bad) => findings.note(field, bad.to_string()),
    }
}

/// The buckets and topics that may be named in strings.
pub(crate) struct Names {
    buckets: BTreeSet<String>,
    topics: BTreeSet<String>,
}

impl Names {
    pub(crate) fn of(access: &[AccessRequest]) -> Self {
        Self {
            buckets: access.iter().filter_map(|a| a.bucket.clone()).collect(),
            topics: access.iter().filter_map(|a| a.topic.clone()).collect(),
        }
    }

    /// Every reference in `text` must name something the job reads or writes.
    pub(crate) fn check(&self, field: &str, text: &str, findings: &mut Findings) {
        let found = match refs::find(text) {
            Ok(found) => found,
            Err(bad) => return findings.note(field, bad.to_string()),
        };
        for reference in found {
            let (known, what) = match reference.head {
                Head::Bucket => (&self.buckets, "bucket"),
                Head::Topic => (&self.topics, "topic"),
                _ => {
                    findings.note(field, unresolved(&reference));
                    continue;
                }
            };
            match reference.path.as_slice() {
                [name] if known.contains(name) => {}
                [name] => findings.note(field, format!("{reference}: add {what}/{name} to reads or writes")),
                _ => findings.note(field, format!("{reference}: write $({what}.NAME)")),
            }
        }
    }
}

fn unresolved(reference: &refs::Reference) -> String {
    let head = reference.head;
    match head {
        Head::Bucket | Head::Topic => format!("{reference} has no value here; write the name itself"),
        _ => format!(
            "{reference} has a value only in a step of an MLPipeline; write the value, or $$({head}… for the text"
        ),
    }
}

/// Whether a Secret's name has the form of those a DataGrant fills: `NAME-xxxxxxxx-data` with eight letters of the
/// alphabet derived names are spelled in.
pub(crate) fn looks_like_grant(name: &str) -> bool {
    let hash = name.strip_suffix("-data").and_then(|base| base.rsplit_once('-')).map(|(_, hash)| hash);
    hash.is_some_and(|h| h.len() == 8 && h.chars().all(|c| "bcdfghjkmnpqrstv".contains(c)))
}
