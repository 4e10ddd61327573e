//! Who waits for an answer about which topic, and which topics the next question is about.
//!
//! A question takes whatever has come in by then: the slower the broker, the more travel together. What was asked for by
//! an object goes before what is only read again at leisure. A topic whose answer did not settle is asked about again after
//! a pause of its own, and holds up no other.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use millrace_kit::{Failure, Key};
use tokio::{sync::oneshot, time::Instant};

use super::{Change, Sight};

/// What a view is asked for.
pub(super) enum Ask {
    Look(String, Waiter),
    Perform(Asked),
}

/// A change somebody waits for.
pub(super) struct Asked {
    pub(super) change: Change,
    pub(super) answer: oneshot::Sender<Result<(), Failure>>,
    pub(super) tries: u32,
}

/// Most topics in one question.
pub(super) const CHUNK: usize = 500;
/// First pause before a topic is asked about again that does not show a confirmed change; doubled each time.
const PAUSE: Duration = Duration::from_millis(20);
/// Longest pause.
const LONGEST: Duration = Duration::from_millis(250);
/// A busy broker shows a change seconds after it has confirmed it; after this time its word counts as it is.
const SETTLE: Duration = Duration::from_secs(15);

/// An object that waits.
pub(super) type Waiter = (Key, oneshot::Sender<Sight>);
/// What a question is about, and who waits for it.
pub(super) type Question = BTreeMap<String, Vec<Waiter>>;

struct Pause {
    first: Instant,
    next: Instant,
    wait: Duration,
}

/// Everything that is to be asked.
#[derive(Default)]
pub(super) struct Looks {
    waiting: Question,
    pauses: BTreeMap<String, Pause>,
    leisure: BTreeSet<String>,
}

impl Looks {
    /// An object asks.
    pub(super) fn ask(&mut self, name: String, waiter: Waiter) {
        self.waiting.entry(name).or_default().push(waiter);
    }

    /// These are to be read again.
    pub(super) fn again_all(&mut self, names: BTreeSet<String>) {
        self.leisure.extend(names);
    }

    /// The next question; empty if there is nothing to ask at this moment.
    pub(super) fn next(&mut self, now: Instant) -> Question {
        let ripe = |name: &&String| self.pauses.get(*name).is_none_or(|pause| pause.next <= now);
        let names: Vec<String> = self.waiting.keys().filter(ripe).take(CHUNK).cloned().collect();
        let mut question = Question::new();
        for name in names {
            self.leisure.remove(&name);
            let waiters = self.waiting.remove(&name).unwrap_or_default();
            question.insert(name, waiters);
        }
        while question.len() < CHUNK {
            let Some(name) = self.leisure.pop_first() else { break };
            question.entry(name).or_default();
        }
        question
    }

    /// Whether the topic has had its time to settle.
    pub(super) fn patience_is_over(&self, name: &str, now: Instant) -> bool {
        self.pauses.get(name).is_some_and(|pause| now >= pause.first + SETTLE)
    }

    /// The answer did not settle: asked again after a pause, if anybody waits for it.
    pub(super) fn unsettled(&mut self, name: String, waiters: Vec<Waiter>, now: Instant) {
        if waiters.is_empty() {
            return;
        }
        let pause = self.pauses.entry(name.clone()).or_insert(Pause { first: now, next: now, wait: PAUSE });
        pause.next = now + pause.wait;
        pause.wait = (pause.wait * 2).min(LONGEST);
        self.waiting.entry(name).or_default().extend(waiters);
    }

    /// The topic is settled.
    pub(super) fn settled(&mut self, name: &str) {
        self.pauses.remove(name);
    }

    /// A question that got no answer at all goes back.
    pub(super) fn put_back(&mut self, question: Question) {
        for (name, waiters) in question {
            self.waiting.entry(name).or_default().extend(waiters);
        }
    }

    /// When the next pause ends, of a topic somebody waits for.
    pub(super) fn wakes_at(&self) -> Option<Instant> {
        self.pauses.iter().filter(|(name, _)| self.waiting.contains_key(*name)).map(|(_, pause)| pause.next).min()
    }

    /// Everybody who waits.
    pub(super) fn take_all(&mut self) -> Question {
        self.pauses.clear();
        std::mem::take(&mut self.waiting)
    }
}
