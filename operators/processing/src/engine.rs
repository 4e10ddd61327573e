//! What differs between engines: the objects of an attempt, and what its pod proves.
//!
//! An engine is a parsed section of the spec. decide knows engines through this trait only, so that a new one is one
//! file here and one in `model`.

mod container;
pub(crate) mod flink;
mod spark;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, ResourceRequirements};
use kube::ResourceExt;
use millrace_crds::{
    ProcessingJob, Quantity,
    processing_job::{Attempt, FlinkAttempt},
    well_known::LABEL_ROLE,
};
use millrace_kit::{
    Child, refs,
    refs::{Head, Reader},
};

use crate::{
    children::account::{self, Account},
    evidence::{self, Outcome},
    model::{self, Prefix, Work},
    observe::{GrantView, Observed, PodView},
};

/// Names of the containers whose state is an attempt's state.
pub(crate) const CONTAINERS: [&str; 3] = [spark::CONTAINER, container::CONTAINER, flink::CONTAINER];

/// Name of the container in which a pod of ours runs the user's program. What others put beside it has other names, and
/// may stand before it in every list.
pub(crate) fn container_of(pod: &Pod) -> &'static str {
    match pod.labels().get(LABEL_ROLE).map(String::as_str) {
        Some("driver") => spark::CONTAINER,
        Some("jobmanager") => flink::CONTAINER,
        _ => container::CONTAINER,
    }
}

/// One engine with its parsed section.
pub(crate) trait Engine {
    /// What the pod's name ends with, after the attempt's name.
    fn suffix(&self) -> &'static str;

    /// How many pods an attempt has.
    fn replicas(&self) -> i32 {
        1
    }

    /// The field that says how much memory the pod has whose end is the attempt's, and how much that is.
    fn memory(&self) -> (&'static str, &Quantity);

    /// As [`Self::memory`], of each of the pods that the application asks for itself.
    fn worker_memory(&self) -> Option<(&'static str, &Quantity)> {
        None
    }

    /// The pods that the application asks for itself, if it does.
    fn workers(&self) -> Option<Workers> {
        None
    }

    /// One of those as the application would ask for it, without a name.
    fn worker(&self, _: &Plan<'_>) -> Option<Pod> {
        None
    }

    /// Scheme of bucket URIs.
    fn scheme(&self) -> &'static str;

    /// The objects of an attempt that are not there yet, in order of creation, the pod last.
    fn children(&self, plan: &Plan<'_>) -> Vec<Child>;

    /// The engine's own page, once the pod has an address.
    fn url(&self, pod: &PodView) -> Option<String>;

    /// When the application started, if it did.
    fn started(&self, pod: &PodView, _: &Observed) -> Option<Option<Timestamp>> {
        evidence::started(pod)
    }

    /// How the application ended, if it did.
    fn outcome(&self, pod: &PodView, _: &Observed) -> Option<Outcome> {
        evidence::outcome(pod)
    }
}

/// The pods that an application asks for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Workers {
    /// What its users call them.
    pub name: &'static str,
    /// The label under which they name their attempt.
    pub label: &'static str,
    /// How many it cannot do without.
    pub wanted: usize,
}

/// The engine of a job.
pub(crate) fn of(work: &Work) -> &dyn Engine {
    match &work.engine {
        model::Engine::Spark(own) => &**own,
        model::Engine::Flink(own) => &**own,
        model::Engine::Container(own) => &**own,
    }
}

/// A template with its image and its size, as an engine fills it in.
fn sized(mut pod: Pod, image: String, resources: ResourceRequirements) -> Pod {
    if let Some(container) = pod.spec.as_mut().and_then(|spec| spec.containers.first_mut()) {
        container.image = Some(image);
        container.resources = Some(resources);
    }
    pod
}

/// Name of an attempt's DataGrant and of its Secret.
pub(crate) fn grant_name(base: &str) -> String {
    format!("{base}-data")
}

/// Name of the ConfigMap of a Spark attempt.
pub(crate) fn conf_name(base: &str) -> String {
    format!("{base}-conf")
}

/// Name of an attempt's ConfigMap.
pub(crate) fn conf_of(attempt: &Attempt) -> String {
    if attempt.flink.is_some() { flink::conf_name(&attempt.name) } else { conf_name(&attempt.name) }
}

/// The account an attempt's pod may run under.
pub(crate) const fn account_of(attempt: &Attempt) -> &'static Account {
    if attempt.flink.is_some() { &account::FLINK } else { &account::SPARK }
}

/// How many pods an attempt has.
pub(crate) fn size(attempt: &Attempt) -> usize {
    attempt.replicas.and_then(|n| usize::try_from(n).ok()).unwrap_or(1)
}

/// Name of an attempt's pod of this rank, from 1; rank 0 is its main pod.
pub(crate) fn rank_name(base: &str, rank: usize) -> String {
    format!("{base}-rank{rank}")
}

/// Name of the Service by which an attempt's pods find each other.
pub(crate) fn service_name(base: &str) -> String {
    format!("{base}-net")
}

/// The attempt's name out of kind and name of one of its objects.
pub(crate) fn base_of<'a>(kind: &str, name: &'a str) -> &'a str {
    match (kind, name.strip_prefix(flink::CONF_PREFIX)) {
        ("ConfigMap", Some(base)) => base,
        // Flink looks for a Deployment with its cluster's id for a name.
        ("Deployment", _) => name,
        _ => name.rsplit_once('-').map_or(name, |(base, _)| base),
    }
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
    /// What is stored of a Flink attempt.
    pub flink: Option<&'a FlinkAttempt>,
}

impl Plan<'_> {
    /// The attempt's access to data, if it needs any.
    pub(crate) fn grant(&self) -> Option<&GrantView> {
        self.seen.grant.as_ref()
    }

    /// This account and its binding, as far as the namespace has none.
    pub(crate) fn account(&self, account: &Account) -> Vec<Child> {
        let namespace = self.job.metadata.namespace.clone().unwrap_or_default();
        let one = (!self.seen.account).then(|| Child::free(&account::service_account(account, &namespace)));
        let two = (!self.seen.binding).then(|| Child::free(&account::role_binding(account, &namespace)));
        one.into_iter().chain(two).collect()
    }

    /// The URI of a place in a bucket, without a slash at its end.
    pub(crate) fn uri(&self, place: &Prefix) -> Option<String> {
        let bucket = self.grant()?.buckets.iter().find(|b| b.name == place.bucket)?;
        let uri = format!("{}://{}/{}", of(self.work).scheme(), bucket.bucket_name, place.prefix);
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
        refs::substitute(text, reader, value).unwrap_or_else(|_| text.to_owned())
    }
}
