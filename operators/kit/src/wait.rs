//! Waiting: the one type in which an operator waits for something.
//!
//! A wait has a reason, a message and a deadline, and it wakes its object when that has passed. Before the deadline the
//! object is `Reconciling`; after it, a person must act and it is `Stalled`, or its owner ends it. Nothing waits without.

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::{HasConditions, ReasonText};

use crate::{Standing, conditions, decision::later};

/// Something that has not happened yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Stable PascalCase word.
    pub reason: ReasonText,
    /// What is waited for, where, and what to do if it does not come.
    pub message: String,
    /// When the wait began.
    pub since: Timestamp,
    /// How long it may last.
    pub limit: Duration,
}

impl Wait {
    /// A wait that began at `since` and may last `limit`.
    #[must_use]
    pub fn new(reason: impl Into<ReasonText>, message: impl Into<String>, since: Timestamp, limit: Duration) -> Self {
        Self { reason: reason.into(), message: message.into(), since, limit }
    }

    /// The deadline.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        later(self.since, self.limit)
    }

    /// Whether the deadline has passed.
    #[must_use]
    pub fn over(&self, now: Timestamp) -> bool {
        now >= self.until()
    }

    /// When to look again if nothing changes before: at the deadline, and never after it.
    #[must_use]
    pub fn wake(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.until()).filter(|at| *at > now)
    }

    /// The message after the deadline: the same, with how long it has been so.
    #[must_use]
    pub fn overdue(&self) -> String {
        format!("{} (for more than {})", self.message, spoken(self.limit))
    }

    /// How an object stands that waits for this.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        if self.over(now) {
            Standing::stalled(&self.reason, self.overdue())
        } else {
            Standing::progressing(&self.reason, &self.message)
        }
    }
}

/// When the condition of this type took its present value; `now` if it is not there yet or has another value.
#[must_use]
pub fn since<S: HasConditions>(status: &S, kind: &str, value: &str, now: Timestamp) -> Timestamp {
    conditions::get(status, kind).filter(|c| c.status == value).map_or(now, |c| c.last_transition_time.0)
}

/// A duration for people: `90s`, `10m`, `2h`.
#[must_use]
pub fn spoken(time: Duration) -> String {
    match time.as_secs() {
        s if s >= 3_600 && s % 3_600 == 0 => format!("{}h", s / 3_600),
        s if s >= 120 && s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use millrace_crds::Reason;

    use super::{Wait, spoken};
    use crate::Standing;

    #[test]
    fn a_wait_ends_as_stalled_and_wakes_for_it() {
        let start = Timestamp::from_second(1_000).unwrap();
        let wait = Wait::new(Reason::BucketMissing, "there is no DataBucket raw", start, Duration::from_secs(600));
        let before = Timestamp::from_second(1_599).unwrap();
        let after = Timestamp::from_second(1_600).unwrap();
        assert_eq!(wait.standing(before), Standing::progressing(Reason::BucketMissing, "there is no DataBucket raw"));
        assert_eq!(wait.wake(before), Some(after));
        let told = "there is no DataBucket raw (for more than 10m)";
        assert_eq!(wait.standing(after), Standing::stalled(Reason::BucketMissing, told));
        assert_eq!(wait.wake(after), None);
    }

    #[test]
    fn durations_are_short() {
        let said: Vec<String> = [45, 60, 90, 600, 7_200, 7_260].map(|s| spoken(Duration::from_secs(s))).into();
        assert_eq!(said, ["45s", "60s", "90s", "10m", "2h", "121m"]);
    }
}
