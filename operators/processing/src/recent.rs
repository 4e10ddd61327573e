//! What this process remembers between two passes. A process that knows nothing yet looks once more, so losing it costs
//! time only.

use std::sync::Arc;

use jiff::Timestamp;
use millrace_kit::Warning;

use crate::{
    engines::flink::client::FlinkClient,
    evidence,
    looks::{Looks, Times},
    seen::{PodView, WorkersView},
};

/// See the module.
#[derive(Clone, Default)]
pub(crate) struct Recent {
    /// The way to Flink, with what is known of its silence.
    pub flink: FlinkClient,
    /// Since when a pod's containers have ended and its phase does not say so, by uid.
    unconfirmed: Arc<Times>,
    /// The last look at each attempt that does not start, by its name: which pod was asked about, and its warnings.
    pub starts: Looks<(String, Vec<Warning>)>,
    /// The last look at the workers of each attempt, by its name.
    pub workers: Looks<WorkersView>,
}

impl Recent {
    /// One that knows nothing yet.
    pub(crate) fn with(flink: FlinkClient) -> Self {
        Self { flink, ..Self::default() }
    }

    /// Since when a pod is without its node's last word.
    pub(crate) fn unconfirmed(&self, pod: &PodView, now: Timestamp) -> Option<Timestamp> {
        if evidence::awaits_phase(pod) {
            return Some(self.unconfirmed.first(&pod.uid, now));
        }
        self.unconfirmed.forget(&pod.uid);
        None
    }
}
