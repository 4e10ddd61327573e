//! What a view knows: the broker's health, each watched topic, whom it concerns and what they were told.
//!
//! Pure data without a clock or a task, so that its rules can be tested by themselves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use millrace_kit::Key;

use super::{Freshness, Health, Sight};

#[derive(Default)]
struct Entry {
    sight: Option<Sight>,
    stale: bool,
    told: Option<Sight>,
    who: BTreeSet<Key>,
}

/// Who is waiting for an answer about which name.
pub(super) type Asking = BTreeMap<String, BTreeSet<Key>>;

/// The knowledge of one view.
pub(super) struct State {
    health: Health,
    entries: BTreeMap<String, Entry>,
}

impl Default for State {
    fn default() -> Self {
        Self { health: Health::Connecting, entries: BTreeMap::new() }
    }
}

impl State {
    pub(super) fn health(&self) -> Health {
        self.health.clone()
    }

    /// From now on the topic is watched for `who`.
    pub(super) fn watch(&mut self, name: &str, who: &Key) {
        self.entries.entry(name.to_owned()).or_default().who.insert(who.clone());
    }

    /// What can be told without asking the broker; it counts as told.
    pub(super) fn tell(&mut self, name: &str, freshness: Freshness) -> Option<Sight> {
        let entry = self.entries.entry(name.to_owned()).or_default();
        let sight = match (&self.health, freshness) {
            (Health::Down { since, message }, _) => Sight::Unreachable { since: *since, message: message.clone() },
            (_, Freshness::Live) => return None,
            (_, Freshness::Snapshot) if entry.stale => return None,
            (_, Freshness::Snapshot) => entry.sight.clone()?,
        };
        entry.told = Some(sight.clone());
        Some(sight)
    }

    /// A change of these topics is on its way: what is known of them does not count any more.
    pub(super) fn spoil<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        for name in names {
            self.entries.entry(name.to_owned()).or_default().stale = true;
        }
    }

    /// Takes in answers; returns whom they are news to, without those who are `asking` and will be told anyway.
    pub(super) fn saw(&mut self, sights: BTreeMap<String, Sight>, asking: &Asking) -> BTreeSet<Key> {
        let mut news = BTreeSet::new();
        for (name, sight) in sights {
            let Some(entry) = self.entries.get_mut(&name) else { continue };
            if entry.told.as_ref().is_some_and(|told| *told != sight) {
                let others = |key: &&Key| !asking.get(&name).is_some_and(|who| who.contains(*key));
                news.extend(entry.who.iter().filter(others).cloned());
                // Told by waking; nobody is woken twice for one change.
                entry.told = Some(sight.clone());
            }
            entry.sight = Some(sight);
            entry.stale = false;
        }
        news
    }

    /// The broker answered. Returns whether that changes the DataPlane's picture.
    pub(super) fn up(&mut self, cluster_id: String, brokers: i32) -> bool {
        let health = Health::Up { cluster_id, brokers };
        let news = self.health != health;
        if !matches!(self.health, Health::Up { .. }) {
            // Anything may have happened meanwhile.
            self.entries.values_mut().for_each(|e| e.stale = true);
        }
        self.health = health;
        news
    }

    /// The broker did not answer. Returns whether that is news.
    pub(super) fn down(&mut self, now: Timestamp, message: &str) -> bool {
        if matches!(self.health, Health::Down { .. }) {
            return false;
        }
        self.health = Health::Down { since: now, message: message.to_owned() };
        true
    }

    /// All watched names.
    pub(super) fn names(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    /// Forgets whom nobody keeps any more, and topics that concern nobody.
    pub(super) fn prune(&mut self, alive: impl Fn(&Key) -> bool) {
        self.entries.retain(|_, entry| {
            entry.who.retain(&alive);
            !entry.who.is_empty()
        });
    }
}

#[cfg(test)]
#[path = "tests/state.rs"]
mod tests;
