//! What this process remembers between two passes. A process that knows nothing yet looks once more, so losing it costs
//! time only.

use std::sync::Arc;

use jiff::Timestamp;
use millrace_kit::Warning;

use crate::{
    diagnosis,
    engines::Engines,
    looks::{Looks, Times},
    seen::{WorkersView, WorkloadView},
};

/// See the module.
#[derive(Clone, Default)]
pub(crate) struct Recent {
    /// The engines, with what is known of them.
    pub engines: Engines,
    /// Since when a pod's containers have ended and its phase does not say so, by uid.
    unconfirmed: Arc<Times>,
    /// The last look at each attempt that does not start, by its name: which pod was asked about, and its warnings.
    pub starts: Looks<(String, Vec<Warning>)>,
    /// The last look at the workers of each attempt, by its name.
    pub workers: Looks<WorkersView>,
}

impl Recent {
    /// One that knows nothing yet.
    pub(crate) fn with(engines: Engines) -> Self {
        Self { engines, ..Self::default() }
    }

    /// Since when a pod is without its node's last word.
    pub(crate) fn unconfirmed(&self, pod: &WorkloadView, now: Timestamp) -> Option<Timestamp> {
        if diagnosis::awaits_phase(pod) {
            return Some(self.unconfirmed.first(&pod.uid, now));
        }
        self.unconfirmed.forget(&pod.uid);
        None
    }
}
