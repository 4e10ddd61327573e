//! The way to Flink, and what this process knows of its silence.

use std::sync::Arc;

use jiff::Timestamp;
use millrace_kit::Failure;

use crate::{
    engines::flink::rest::{Away, Flink, FlinkCall, FlinkView, Question, http::Rest},
    looks::Times,
};

/// Asks JobManagers and calls them.
#[derive(Clone)]
pub(crate) struct FlinkClient {
    port: Arc<dyn Flink>,
    /// Since when a job's JobManager does not answer, by Flink's id of the job.
    silent: Arc<Times>,
    /// Savepoints that Flink has taken to delete, and when.
    disposed: Arc<Times>,
}

impl Default for FlinkClient {
    fn default() -> Self {
        Self::new(Arc::new(Rest::default()))
    }
}

impl FlinkClient {
    /// One that reaches Flink in this way.
    pub(crate) fn new(port: Arc<dyn Flink>) -> Self {
        Self { port, silent: Arc::default(), disposed: Arc::default() }
    }

    /// One look at a JobManager; its silence is data, with the time since when it lasts as far as this process knows.
    pub(crate) async fn look(&self, question: &Question, now: Timestamp) -> FlinkView {
        match self.port.look(question).await {
            Ok(view) => {
                self.silent.forget(&question.job);
                view
            }
            Err(why) => {
                let since = Some(self.silent.first(&question.job, now));
                FlinkView { away: Some(Away { why, since }), ..FlinkView::default() }
            }
        }
    }

    /// Asks for a change.
    ///
    /// # Errors
    /// Flink's refusal, or no answer.
    pub(crate) async fn call(&self, call: &FlinkCall, now: Timestamp) -> Result<(), Failure> {
        self.port.call(call).await?;
        if let FlinkCall::Dispose { path, .. } = call {
            self.disposed.first(path, now);
        }
        Ok(())
    }

    /// Whether Flink has taken this savepoint to delete it; a process that does not know asks once more.
    pub(crate) fn has_disposed(&self, path: &str) -> bool {
        self.disposed.has(path)
    }
}
