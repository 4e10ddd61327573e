//! What happened in a run, a line each, if anybody wants to read it.

use super::world::World;

impl World {
    /// From now on everything that happens is written down.
    pub(super) fn record(&self) {
        self.lock().timeline = Some(Vec::new());
    }

    /// What has happened since [`Self::record`], in order.
    pub(super) fn timeline(&self) -> Vec<String> {
        self.lock().timeline.clone().unwrap_or_default()
    }

    /// Writes down what happens, if anybody wants to read it.
    pub(super) fn note(&self, line: impl FnOnce() -> String) {
        let mut inner = self.lock();
        if let Some(timeline) = &mut inner.timeline {
            timeline.push(line());
        }
    }
}
