//! When something outside that does not answer counts as away.
//!
//! One lost answer is no outage: several questions in a row must fail, each longer in wait than the one before, and only
//! those count during which this process itself was punctual. A machine without processor time to spare makes every answer
//! late; then the message says so.

use std::time::Duration;

use jiff::Timestamp;
use millrace_kit::later;

/// Unanswered questions in a row that make an outage.
const PROOFS: u32 = 2;
/// A timer this late means that this process was starved.
pub(crate) const STARVED: Duration = Duration::from_millis(250);
/// After this time without an answer it is away, however starved we are.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);
/// How often [`timed`] looks at the clock.
const TICK: Duration = Duration::from_millis(100);

/// Unanswered questions since the last answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doubt {
    proofs: u32,
    since: Option<Timestamp>,
    lag: Duration,
}

impl Doubt {
    /// Whether the last question is unanswered.
    pub(crate) const fn stands(&self) -> bool {
        self.since.is_some()
    }

    /// An answer came.
    pub(crate) fn answered(&mut self) {
        *self = Self::default();
    }

    /// None came, while timers fired `lag` late. Returns whether that makes an outage.
    pub(crate) fn unanswered(&mut self, now: Timestamp, lag: Duration) -> bool {
        let since = *self.since.get_or_insert(now);
        self.lag = self.lag.max(lag);
        if lag < STARVED {
            self.proofs = self.proofs.saturating_add(1);
        }
        self.proofs >= PROOFS || now >= later(since, GIVE_UP_AFTER)
    }

    /// The message of an outage: with the lateness of this process, if that may be its cause.
    pub(crate) fn words(&self, message: &str) -> String {
        if self.lag < STARVED {
            return message.to_owned();
        }
        format!(
            "{message} (this process was short of processor time itself: its timers fired up to {:.1} s late)",
            self.lag.as_secs_f64()
        )
    }
}

/// The call's result, and how late timers of this process fired beside it.
pub(crate) async fn timed<T>(call: impl Future<Output = T>) -> (T, Duration) {
    let mut call = std::pin::pin!(call);
    let mut worst = Duration::ZERO;
    loop {
        let due = tokio::time::Instant::now() + TICK;
        tokio::select! {
            done = &mut call => return (done, worst.max(due.elapsed())),
            () = tokio::time::sleep_until(due) => worst = worst.max(due.elapsed()),
        }
    }
}

#[cfg(test)]
#[path = "tests/doubt.rs"]
mod tests;
