//! Places in buckets.

use millrace_kit::refs::{self, DataRef};

use super::{findings::Findings, references::readable};

/// A part of a bucket that an engine keeps something of its own in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    /// Name of the bucket, as the user knows it.
    pub bucket: String,
    /// Empty, or ends with a slash.
    pub prefix: String,
}

impl Prefix {
    /// Reads `bucket/NAME[/prefix]`; the slash at the end need not be written.
    pub(crate) fn of(text: &str) -> Option<Self> {
        match DataRef::parse(refs::plain(text).trim_end_matches('/')) {
            Ok(DataRef::Bucket { name, prefix }) if prefix.is_empty() => Some(Self { bucket: name, prefix }),
            Ok(DataRef::Bucket { name, prefix }) => Some(Self { bucket: name, prefix: format!("{prefix}/") }),
            _ => None,
        }
    }

    /// The same out of a field of the user's.
    pub(crate) fn read(field: &str, text: &str, findings: &mut Findings) -> Option<Self> {
        readable(field, text, findings);
        let place = Self::of(text);
        if place.is_none() {
            findings.note(field, format!("{text}: write bucket/NAME or bucket/NAME/prefix"));
        }
        place
    }
}

/// A place that an engine writes to, and what of it must not expire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where.
    pub at: Prefix,
    /// What the keys that a later attempt goes on from begin with; none if nothing is read back.
    pub protected: Option<String>,
}

impl Place {
    /// One of which everything is read back.
    pub(crate) fn protected(at: Prefix) -> Self {
        let protected = Some(at.prefix.clone());
        Self { at, protected }
    }
}
