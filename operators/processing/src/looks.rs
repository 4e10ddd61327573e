//! When something that does not come is looked at again, and what was seen last: in memory, so that neither a status nor a
//! watch is needed for it. A process that knows nothing yet looks once more.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use millrace_kit::later;

/// What has not been looked at for so long is not waited for any more.
const FORGOTTEN: Duration = Duration::from_secs(3_600);

/// A silence longer than any job is given is not remembered.
const LONG_AGO: Duration = Duration::from_secs(86_400);

/// The instants of looks after something began: a few early ones, then a steady pace.
pub(crate) struct Pace {
    early: &'static [u64],
    then: u64,
}

/// A start: the first look where it becomes slow, the second within a minute of it, then one a minute.
pub(crate) const START: Pace = Pace { early: &[30, 60], then: 60 };
/// Workers of which some do not come.
pub(crate) const MISSING: Pace = Pace { early: &[30, 60, 120, 180], then: 60 };
/// Workers that are all there, or of which nothing says that they do not come.
pub(crate) const CALM: Pace = Pace { early: &[30, 60, 120, 180], then: 300 };

/// Workers come a while after who asks for them, and an autoscaler takes longer.
pub(crate) const TELL: Duration = Duration::from_secs(60);

impl Pace {
    /// The newest instant up to `now`, if there was one, and the next.
    fn around(&self, since: Timestamp, now: Timestamp) -> (Option<Timestamp>, Timestamp) {
        let at = |seconds: u64| later(since, Duration::from_secs(seconds));
        let mut last = None;
        for early in self.early {
            if at(*early) > now {
                return (last, at(*early));
            }
            last = Some(at(*early));
        }
        let end = self.early.last().copied().unwrap_or(0);
        let passed = u64::try_from(now.as_second() - at(end).as_second()).unwrap_or(0) / self.then;
        let newest = end + passed * self.then;
        (Some(at(newest)).filter(|_| newest > 0), at(newest + self.then))
    }

    /// Whether a look is due; `last` is the last one.
    pub(crate) fn due(&self, since: Timestamp, now: Timestamp, last: Option<Timestamp>) -> bool {
        self.around(since, now).0.is_some_and(|slot| last.is_none_or(|last| last < slot))
    }

    /// The next look after `now`.
    pub(crate) fn next(&self, since: Timestamp, now: Timestamp) -> Timestamp {
        self.around(since, now).1
    }
}

/// The last look at each thing that is waited for.
#[derive(Clone)]
pub(crate) struct Looks<T>(Arc<Mutex<HashMap<String, (Timestamp, T)>>>);

impl<T> Default for Looks<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone> Looks<T> {
    /// When it was, and what it showed.
    pub(crate) fn last(&self, of: &str) -> Option<(Timestamp, T)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(of).cloned()
    }

    /// Remembers a look.
    pub(crate) fn note(&self, of: &str, now: Timestamp, seen: T) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (at, _)| later(*at, FORGOTTEN) > now);
        all.insert(of.to_owned(), (now, seen));
    }

    /// Forgets what is waited for no more.
    pub(crate) fn forget(&self, of: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(of);
    }
}

/// When something was seen first: kept by this process alone, for what is not worth a write.
#[derive(Debug, Default)]
pub(crate) struct Times(Mutex<HashMap<String, Timestamp>>);

impl Times {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When it was seen first, which may be now.
    pub(crate) fn first(&self, what: &str, now: Timestamp) -> Timestamp {
        let mut all = self.all();
        // What is gone is not heard of again.
        all.retain(|_, since| later(*since, LONG_AGO) > now);
        *all.entry(what.to_owned()).or_insert(now)
    }

    pub(crate) fn has(&self, what: &str) -> bool {
        self.all().contains_key(what)
    }

    pub(crate) fn forget(&self, what: &str) {
        self.all().remove(what);
    }
}

#[cfg(test)]
mod tests;
