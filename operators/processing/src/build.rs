//! What the builders of an attempt's objects get.

use millrace_crds::{ProcessingJob, processing_job::Attempt};
use millrace_kit::{
    refs,
    refs::{Head, Reader},
};

use crate::{
    model::{Prefix, Section, Work},
    seen::{GrantView, Observed},
};

/// Everything the builders of an attempt's objects need.
pub(crate) struct BuildContext<'a> {
    pub job: &'a ProcessingJob,
    pub work: &'a Work,
    pub seen: &'a Observed,
    /// The attempt as it is stored.
    pub attempt: &'a Attempt,
    /// Number of the run.
    pub run: i64,
}

impl BuildContext<'_> {
    /// The attempt's access to data, if it needs any.
    pub(crate) fn grant(&self) -> Option<&GrantView> {
        self.seen.grant.as_ref()
    }

    /// The section of the spec, if it is of this engine.
    pub(crate) fn section<S: Section>(&self) -> Option<&S> {
        self.work.section_of()
    }

    /// The URI of a place in a bucket, without a slash at its end.
    pub(crate) fn uri(&self, place: &Prefix) -> Option<String> {
        let bucket = self.grant()?.buckets.iter().find(|b| b.name == place.bucket)?;
        let uri = format!("{}://{}/{}", self.work.section.scheme(), bucket.bucket_name, place.prefix);
        Some(uri.trim_end_matches('/').to_owned())
    }

    /// A user's string with its references replaced, for a place that a kubelet reads.
    pub(crate) fn fill(&self, text: &str) -> String {
        self.filled(text, Reader::Kubelet)
    }

    /// The same for a place that no kubelet reads: a file, or the name of an image.
    pub(crate) fn fill_file(&self, text: &str) -> String {
        refs::plain(&self.filled(text, Reader::File))
    }

    /// As [`Self::fill_file`], with the variables that the text may refer to.
    pub(crate) fn fill_known(&self, text: &str, known: &[(String, String)]) -> String {
        refs::expand_file(&self.filled(text, Reader::File), known)
    }

    fn filled(&self, text: &str, reader: Reader) -> String {
        let scheme = self.work.section.scheme();
        let value = |reference: &refs::Reference| {
            let (grant, name) = (self.grant()?, reference.path.first()?);
            match reference.head {
                Head::Bucket => {
                    let bucket = grant.buckets.iter().find(|b| b.name == *name)?;
                    Some(format!("{scheme}://{}", bucket.bucket_name))
                }
                Head::Topic => grant.topics.iter().find(|t| t.name == *name).map(|t| t.topic_name.clone()),
                _ => None,
            }
        };
        // The model has refused what cannot be read.
        refs::substitute(text, reader, value).unwrap_or_else(|_| text.to_owned())
    }
}
