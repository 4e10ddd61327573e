//! A graceful stop for Python programs of Structured Streaming: Spark has none, so a small runner of ours goes around them.
//!
//! The kubelet's hook asks the runner for the end before any signal, and waits while it stops each query between two
//! batches. What the stop does not wait for, a long batch for one, is repeated from the checkpoint by the next attempt.

use k8s_openapi::api::core::v1::{ExecAction, Lifecycle, LifecycleHandler};

use super::{layout::MOUNT, spec::Spark};
use crate::build::BuildContext;

/// The runner.
pub(crate) const RUNNER: &str = include_str!("graceful_stop.py");
/// Its key in the ConfigMap.
pub(crate) const KEY: &str = "stream.py";
/// What of the grace period is left to the signal, in seconds.
const RESERVE: u64 = 5;

/// The program as spark-submit is to be told it: the runner, and then the user's program as the runner finds it.
pub(crate) fn program(own: &Spark) -> Option<Vec<String>> {
    let uri = own.runs_in_batches()?;
    let program = match uri.strip_prefix("local://") {
        Some(path) => path,
        None => uri.rsplit('/').next().unwrap_or_default(),
    };
    Some(vec![format!("local://{}/{KEY}", MOUNT), program.to_owned()])
}

/// The user's program, where Spark has to fetch it beside the runner.
pub(crate) fn fetched(own: &Spark) -> Option<&str> {
    own.runs_in_batches().filter(|uri| !uri.starts_with("local://"))
}

/// The hook that runs before the signal. It ends with the program; where no runner listens, at once.
pub(crate) fn hook(context: &BuildContext<'_>, own: &Spark) -> Option<Lifecycle> {
    own.runs_in_batches()?;
    let wait = context.work.grace.as_secs().saturating_sub(RESERVE).max(1);
    let script = format!("[ -e /tmp/.millrace/watching ] || exit 0; : >/tmp/.millrace/stop; sleep {wait}");
    let exec = ExecAction { command: Some(["sh", "-c", &script].map(str::to_owned).to_vec()) };
    let handler = LifecycleHandler { exec: Some(exec), ..LifecycleHandler::default() };
    Some(Lifecycle { pre_stop: Some(handler), ..Lifecycle::default() })
}
