//! How long a check against a real server waits for what may never come.

use std::time::Duration;

/// `limit`, which is ample on a quiet machine, as long as this machine needs it: times `MILLRACE_PATIENCE`, which whoever
/// runs the checks measures; once if that is not set.
#[must_use]
pub fn patience(limit: Duration) -> Duration {
    let times = std::env::var("MILLRACE_PATIENCE").ok().and_then(|text| text.parse::<f64>().ok());
    limit.mul_f64(times.unwrap_or(1.0).clamp(1.0, 100.0))
}
