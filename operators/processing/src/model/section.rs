//! What the section of every engine says.

use millrace_crds::Quantity;

/// A parsed section of the spec.
pub(crate) trait Section {
    /// What the pod's name ends with, after the attempt's name.
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
