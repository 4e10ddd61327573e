//! What differs between engines: the objects of an attempt, and what its pod proves.
//!
//! An engine is a parsed section of the spec. What its spec says is in [`crate::model`].

mod container;
mod flink;
mod spark;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use millrace_kit::Child;

use crate::{
    build::BuildContext,
    evidence,
    job::outcome::Outcome,
    model::{self, Work},
    seen::{Observed, PodView},
};

/// One engine with its parsed section.
pub(crate) trait Engine {
    /// One of the pods that the application asks for itself, as it would ask for it, without a name.
    fn worker(&self, _: &BuildContext<'_>) -> Option<Pod> {
        None
    }

    /// The objects of an attempt that are not there yet, in order of creation, the pod last.
    fn children(&self, context: &BuildContext<'_>) -> Vec<Child>;

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

/// The engine of a job.
pub(crate) fn of(work: &Work) -> &dyn Engine {
    match &work.engine {
        model::Engine::Spark(own) => &**own,
        model::Engine::Flink(own) => &**own,
        model::Engine::Container(own) => &**own,
    }
}
