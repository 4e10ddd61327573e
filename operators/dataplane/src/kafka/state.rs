//! What a view knows: the broker's health, each watched topic, whom it concerns and what they were told.
//!
//! Pure data without a clock or a task, so that its rules can be tested by themselves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use millrace_kit::Key;

use super::{Change, Freshness, Health, Sight};

#[derive(Default)]
struct Entry {
    sight: Option<Sight>,
    stale: bool,
    told: Option<Sight>,
    who: BTreeSet<Key>,
    /// Changes of ours so far: an answer to a question that was asked before the last of them does not count.
    changes: u64,
    /// The last confirmed change, until an answer shows it.
    expected: Option<Change>,
}

/// An answer about one topic.
pub(super) struct Answer<'a> {
    /// The topic.
    pub(super) name: &'a str,
    /// What the broker says.
    pub(super) sight: Sight,
    /// [`State::changes`] when the question was asked.
    pub(super) changes: u64,
    /// Whether it counts even if it does not show the confirmed change: the broker has had its time.
    pub(super) last: bool,
}

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

    /// Why nothing can be asked, if the brokers are away.
    pub(super) fn away(&self) -> Option<String> {
        match &self.health {
            Health::Down { message, .. } => Some(message.clone()),
            Health::Connecting | Health::Up { .. } => None,
        }
    }

    fn entry(&mut self, name: &str) -> &mut Entry {
        self.entries.entry(name.to_owned()).or_default()
    }

    /// From now on the topic is watched for `who`.
    pub(super) fn watch(&mut self, name: &str, who: &Key) {
        self.entry(name).who.insert(who.clone());
    }

    /// What can be told without asking the broker; it counts as told.
    pub(super) fn tell(&mut self, name: &str, freshness: Freshness) -> Option<Sight> {
        let away = match &self.health {
            Health::Down { since, message } => Some(Sight::Unreachable { since: *since, message: message.clone() }),
            Health::Connecting | Health::Up { .. } => None,
        };
        let entry = self.entry(name);
        let sight = match (away, freshness) {
            (Some(away), _) => away,
            (None, Freshness::Live) => return None,
            (None, Freshness::Snapshot) if entry.stale => return None,
            (None, Freshness::Snapshot) => entry.sight.clone()?,
        };
        entry.told = Some(sight.clone());
        Some(sight)
    }

    /// A change of this topic is on its way: what is known of it does not count any more, and whoever asked for the change
    /// will look by itself.
    pub(super) fn invalidate(&mut self, name: &str) {
        let entry = self.entry(name);
        entry.stale = true;
        entry.told = None;
        entry.changes += 1;
    }

    /// The broker has confirmed the change.
    pub(super) fn confirmed(&mut self, change: Change) {
        let entry = self.entry(change.name());
        entry.stale = true;
        entry.changes += 1;
        entry.expected = Some(change);
    }

    /// How many changes this topic has seen.
    pub(super) fn changes(&self, name: &str) -> u64 {
        self.entries.get(name).map_or(0, |entry| entry.changes)
    }

    /// Takes in an answer. Returns whom it is news to, without those who are `asking` and will be told anyway; `None` if
    /// it does not count, because it is older than a change of ours or does not show it yet.
    pub(super) fn saw(&mut self, answer: Answer<'_>, asking: &BTreeSet<Key>) -> Option<BTreeSet<Key>> {
        let Answer { name, sight, changes, last } = answer;
        let Some(entry) = self.entries.get_mut(name) else { return Some(BTreeSet::new()) };
        let early = entry.changes != changes;
        let unseen = entry.expected.as_ref().is_some_and(|change| !shows(change, &sight));
        if early || (unseen && !last) {
            return None;
        }
        let mut news = BTreeSet::new();
        if entry.told.as_ref().is_some_and(|told| *told != sight) {
            news.extend(entry.who.difference(asking).cloned());
            // Told by waking; nobody is woken twice for one change.
            entry.told = Some(sight.clone());
        }
        entry.sight = Some(sight);
        entry.stale = false;
        entry.expected = None;
        Some(news)
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

    /// The broker is away. Returns whether that is news.
    pub(super) fn down(&mut self, now: Timestamp, message: &str) -> bool {
        if matches!(self.health, Health::Down { .. }) {
            return false;
        }
        self.health = Health::Down { since: now, message: message.to_owned() };
        true
    }

    /// All watched names.
    pub(super) fn names(&self) -> BTreeSet<String> {
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

/// Whether the topic looks as this change leaves it.
fn shows(change: &Change, sight: &Sight) -> bool {
    match (change, sight) {
        (_, Sight::Refused(_) | Sight::Unreachable { .. }) | (Change::Delete { .. }, Sight::Absent) => true,
        (Change::Delete { id, .. }, Sight::Present(topic)) => topic.id != *id,
        (Change::Create { .. }, Sight::Present(_)) => true,
        (Change::Grow { partitions, .. }, Sight::Present(topic)) => topic.partitions >= *partitions,
        (Change::Configure { set, reset, .. }, Sight::Present(topic)) => {
            set.keys().all(|k| topic.config.contains_key(k)) && !reset.iter().any(|k| topic.config.contains_key(k))
        }
        (_, Sight::Absent) => false,
    }
}

#[cfg(test)]
#[path = "tests/state.rs"]
mod tests;
