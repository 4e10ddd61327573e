//! What the section of every engine says.

use std::any::Any;

use millrace_crds::{JobSpec, Quantity};
use serde_json::Value;

use super::{findings::Findings, place::Place, references::Names};

/// A parsed section of the spec.
pub(crate) trait Section: Any + Send + Sync {
    /// Name of the engine, as [`SectionParser::name`].
    fn engine(&self) -> &'static str;

    /// What the workload's name ends with, after the attempt's name.
    fn suffix(&self) -> &'static str;

    /// Scheme of bucket URIs.
    fn scheme(&self) -> &'static str;

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

    /// How long a new spec may take to become healthy before the last healthy one takes its place again.
    fn rollback_after(&self) -> Option<RollbackAfter> {
        None
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

/// A time limit and the field that sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RollbackAfter {
    /// The field, for messages.
    pub field: &'static str,
    /// Counted from the start of the run.
    pub limit: std::time::Duration,
}

/// Memory that an attempt asks for in the place of what its spec says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory<'a> {
    /// Of the pod whose end is the attempt's.
    pub own: Option<&'a Quantity>,
    /// Of each of the pods that the application asks for itself.
    pub workers: Option<&'a Quantity>,
}

/// How an engine's section is read out of a spec.
pub(crate) trait SectionParser {
    /// The field of the spec, which is the engine's name in `status.attempt.engine` and in metrics.
    fn name(&self) -> &'static str;

    /// Whether the spec has the section.
    fn given(&self, spec: &JobSpec) -> bool;

    /// The section of the job of this name; `None` where so much is wrong that there is none.
    fn parse(&self, spec: &JobSpec, job: &str, names: &Names, findings: &mut Findings) -> Option<Box<dyn Section>>;

    /// The section without the fields a change of which makes no other application of it; null if it is not given.
    fn application(&self, spec: &JobSpec) -> Value;

    /// The spec as if the user had asked for this much memory.
    fn set_memory(&self, spec: &mut JobSpec, memory: Memory<'_>);

    /// Whether the application has no end of its own.
    fn streams(&self, _: &JobSpec) -> bool {
        false
    }

    /// Where the engine keeps something of its own.
    fn places(&self, _: &JobSpec, _job: &str, _: &mut Findings) -> Vec<Place> {
        Vec::new()
    }

    /// Why the user may not set this variable; `None` if they may.
    fn reserves(&self, _: &JobSpec, _variable: &str) -> Option<String> {
        None
    }

    /// How many pods beside a driver or manager an attempt asks for; the least where that may change.
    fn pods(&self, _: &JobSpec) -> Option<i32> {
        None
    }

    /// Whether its attempts leave state that the next one goes on from.
    fn keeps_state(&self, _: &JobSpec) -> bool {
        false
    }
}
