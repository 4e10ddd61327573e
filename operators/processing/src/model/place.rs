//! Places in buckets.

use millrace_kit::refs::{self, DataRef};

/// A part of a bucket that an engine keeps something of its own in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    /// Name of the bucket, as the user knows it.
    pub bucket: String,
    /// Empty, or ends with a slash.
    pub prefix: String,
}

impl Prefix {
    /// A place for this job alone, where a whole bucket was named: two jobs in one would read each other's progress.
    pub(crate) fn or_of(mut self, job: &str) -> Self {
        if self.prefix.is_empty() {
            self.prefix = format!("spark/{job}/");
        }
        self
    }

    /// Reads `bucket/NAME[/prefix]`; the slash at the end need not be written.
    pub(crate) fn of(text: &str) -> Option<Self> {
        match DataRef::parse(refs::plain(text).trim_end_matches('/')) {
            Ok(DataRef::Bucket { name, prefix }) if prefix.is_empty() => Some(Self { bucket: name, prefix }),
            Ok(DataRef::Bucket { name, prefix }) => Some(Self { bucket: name, prefix: format!("{prefix}/") }),
            _ => None,
        }
    }
}
