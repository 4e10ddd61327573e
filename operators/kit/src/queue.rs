//! The work queue: one slot per object, no two passes of one object at once, timers that only move earlier.
//!
//! Pure data over a clock the caller owns, so that the runtime and the simulated world share it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{kernel::Next, kind::Key};

/// A slot: the index of a controller and the key of its object.
pub type Slot = (usize, Key);

/// Who is due when.
#[derive(Debug, Default)]
pub struct Queue {
    due: BTreeMap<Slot, Timestamp>,
    by_time: BTreeSet<(Timestamp, Slot)>,
    running: BTreeSet<Slot>,
}

impl Queue {
    /// Asks for a pass at `at`, or earlier if already asked for earlier.
    pub fn push(&mut self, slot: Slot, at: Timestamp) {
        match self.due.get(&slot) {
            Some(old) if *old <= at => return,
            Some(old) => {
                self.by_time.remove(&(*old, slot.clone()));
            }
            None => {}
        }
        self.by_time.insert((at, slot.clone()));
        self.due.insert(slot, at);
    }

    /// The slots that are due and not running, earliest first.
    pub fn ready(&self, now: Timestamp) -> impl Iterator<Item = &Slot> {
        self.by_time.iter().take_while(move |(at, _)| *at <= now).map(|(_, s)| s).filter(|s| !self.running.contains(*s))
    }

    /// Takes the first ready slot and marks it running.
    pub fn pop(&mut self, now: Timestamp) -> Option<Slot> {
        let slot = self.ready(now).next()?.clone();
        self.start(&slot);
        Some(slot)
    }

    /// Marks a slot running and takes it out of the line.
    pub fn start(&mut self, slot: &Slot) {
        if let Some(at) = self.due.remove(slot) {
            self.by_time.remove(&(at, slot.clone()));
        }
        self.running.insert(slot.clone());
    }

    /// Ends a pass and books the next one.
    pub fn finish(&mut self, slot: Slot, next: Next, now: Timestamp) {
        self.running.remove(&slot);
        match next {
            Next::Idle => {}
            Next::Now => self.push(slot, now),
            Next::At(at) => self.push(slot, at),
        }
    }

    /// When the next slot that is not running becomes due.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        self.by_time.iter().find(|(_, slot)| !self.running.contains(slot)).map(|(at, _)| *at)
    }

    /// How many slots wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }
}
