//! What differs between engines: the objects of an attempt, and what its pod proves.
//!
//! An engine is a parsed section of the spec. decide knows engines through this trait only, so that a new one is one
//! file here and one in `model`.

mod container;
mod spark;

use jiff::Timestamp;
use millrace_crds::ProcessingJob;
use millrace_kit::{Child, refs, refs::Head};

use crate::{
    evidence::{self, Outcome},
    model::{self, Work},
    observe::{GrantView, Observed, PodView},
};

/// Names of the containers whose state is an attempt's state.
pub(crate) const CONTAINERS: [&str; 2] = [spark::CONTAINER, container::CONTAINER];

/// One engine with its parsed section.
pub(crate) trait Engine {
    /// What the pod's name ends with, after the attempt's name.
    fn suffix(&self) -> &'static str;

    /// Scheme of bucket URIs.
    fn scheme(&self) -> &'static str;

    /// The objects of an attempt that are not there yet, in order of creation, the pod last.
    fn children(&self, plan: &Plan<'_>) -> Vec<Child>;

    /// The engine's own page, once the pod has an address.
    fn url(&self, pod: &PodView) -> Option<String>;

    /// When the application started, if it did.
    fn started(&self, pod: &PodView) -> Option<Option<Timestamp>> {
        evidence::started(pod)
    }

    /// How the application ended, if it did.
    fn outcome(&self, pod: &PodView) -> Option<Outcome> {
        evidence::outcome(pod)
    }
}

/// The engine of a job.
pub(crate) fn of(work: &Work) -> &dyn Engine {
    match &work.engine {
        model::Engine::Spark(own) => &**own,
        model::Engine::Container(own) => &**own,
    }
}

/// Name of an attempt's DataGrant and of its Secret.
pub(crate) fn grant_name(base: &str) -> String {
    format!("{base}-data")
}

/// Name of an attempt's ConfigMap.
pub(crate) fn conf_name(base: &str) -> String {
    format!("{base}-conf")
}

/// The attempt's name out of the name of one of its objects.
pub(crate) fn base_of(name: &str) -> &str {
    name.rsplit_once('-').map_or(name, |(base, _)| base)
}

/// Everything the builders of an attempt's objects need.
pub(crate) struct Plan<'a> {
    pub job: &'a ProcessingJob,
    pub work: &'a Work,
    pub seen: &'a Observed,
    /// The attempt's name.
    pub base: &'a str,
    /// Number of the run, number of the attempt.
    pub numbers: (i64, i64),
}

impl Plan<'_> {
    /// The attempt's access to data, if it needs any.
    pub(crate) fn grant(&self) -> Option<&GrantView> {
        self.seen.grant.as_ref()
    }

    /// A user's string with its references replaced, for a place where the kubelet expands `$(VAR)` afterwards.
    pub(crate) fn fill(&self, text: &str) -> String {
        let scheme = of(self.work).scheme();
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
        refs::substitute(text, value).unwrap_or_else(|_| text.to_owned())
    }

    /// As [`Self::fill`], for a file, where nobody undoes the escape.
    pub(crate) fn fill_file(&self, text: &str) -> String {
        self.fill(text).replace("$$(", "$(")
    }
}
