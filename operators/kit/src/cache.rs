//! What the operator knows of the cluster: typed objects by name, by owner and by the indexes a watch declares.
//!
//! Fed by one stream per kind, read by every observe. There is no way to scan a kind: cost per object must not grow
//! with the number of objects. A miss here is never proof of absence; see [`crate::Reader::live`].

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use serde_json::Value;

use crate::{
    kind::{Key, Kind, Object},
    port::text,
};

/// A typed object behind a type-erased pointer.
pub(crate) type Erased = Arc<dyn Any + Send + Sync>;

/// An object as a stream brought it, ready to be stored.
#[derive(Clone)]
pub(crate) struct Delivered {
    pub(crate) key: Key,
    /// Its resourceVersion.
    pub(crate) version: u64,
    /// The uid of its controller, or empty.
    pub(crate) owner: String,
    /// What differs if more than the status does; `None` for kinds without generations.
    pub(crate) spec: Option<u64>,
    /// The object to be kept with the words it is found by, or why it does not decode.
    pub(crate) object: Result<(Erased, Vec<String>), String>,
}

#[derive(Clone)]
struct Entry {
    object: Option<Erased>,
    version: u64,
    spec: Option<u64>,
    owner: String,
    index: Vec<String>,
}

#[derive(Default)]
struct Slot {
    entries: HashMap<Key, Entry>,
    by_owner: HashMap<String, BTreeSet<Key>>,
    by_index: HashMap<String, BTreeSet<Key>>,
    listed: bool,
    relist: Option<BTreeSet<Key>>,
}

impl Slot {
    fn insert(&mut self, key: Key, entry: Entry) {
        self.remove(&key);
        if !entry.owner.is_empty() {
            self.by_owner.entry(entry.owner.clone()).or_default().insert(key.clone());
        }
        for word in &entry.index {
            self.by_index.entry(word.clone()).or_default().insert(key.clone());
        }
        self.entries.insert(key, entry);
    }

    fn remove(&mut self, key: &Key) {
        let Some(old) = self.entries.remove(key) else { return };
        unlink(&mut self.by_owner, &old.owner, key);
        for word in &old.index {
            unlink(&mut self.by_index, word, key);
        }
    }
}

fn unlink(index: &mut HashMap<String, BTreeSet<Key>>, word: &str, key: &Key) {
    if let Some(keys) = index.get_mut(word) {
        keys.remove(key);
        if keys.is_empty() {
            index.remove(word);
        }
    }
}

/// One step of a watch stream.
#[derive(Clone, Debug)]
pub(crate) enum Event<T> {
    /// A list begins; what it does not name is gone.
    Restart,
    /// An object of the list.
    Listed(T),
    /// The list is complete.
    Complete,
    /// An object was added or changed.
    Applied(T),
    /// An object was deleted.
    Deleted(T),
}

impl<T> Event<T> {
    /// The same step with another form of its object.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Event<U> {
        match self {
            Self::Restart => Event::Restart,
            Self::Listed(object) => Event::Listed(change(object)),
            Self::Complete => Event::Complete,
            Self::Applied(object) => Event::Applied(change(object)),
            Self::Deleted(object) => Event::Deleted(change(object)),
        }
    }
}

/// The cache of one process, shared by all its controllers.
#[derive(Default)]
pub struct Cache {
    slots: RwLock<BTreeMap<Kind, Slot>>,
}

impl Cache {
    /// Announces a stream: the cache is not ready before every announced kind has listed once.
    pub fn expect(&self, kind: Kind) {
        self.change().entry(kind).or_default();
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Kind, Slot>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, BTreeMap<Kind, Slot>> {
        self.slots.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether every kind has been listed once.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.read().values().all(|slot| slot.listed)
    }

    /// All objects of a kind. It costs what their number is: for once in a process's life.
    pub(crate) fn keys(&self, kind: &Kind) -> Vec<Key> {
        self.read().get(kind).map(|slot| slot.entries.keys().cloned().collect()).unwrap_or_default()
    }

    /// The kinds that have not been listed yet, for people.
    #[must_use]
    pub fn unlisted(&self) -> Vec<String> {
        self.read().iter().filter(|(_, slot)| !slot.listed).map(|(kind, _)| kind.kind.to_string()).collect()
    }

    /// Stores one step of a stream, then returns the objects it changed: callers trigger from that, so that a trigger
    /// never runs ahead of the store.
    pub(crate) fn feed(&self, kind: &Kind, event: Event<Delivered>) -> Vec<Changed> {
        let mut slots = self.change();
        let slot = slots.entry(kind.clone()).or_default();
        match event {
            Event::Restart => {
                slot.relist = Some(BTreeSet::new());
                Vec::new()
            }
            Event::Complete => {
                let kept = slot.relist.take().unwrap_or_default();
                let gone: Vec<Key> = slot.entries.keys().filter(|key| !kept.contains(key)).cloned().collect();
                slot.listed = true;
                gone.into_iter().filter_map(|key| forget(slot, key)).collect()
            }
            Event::Listed(object) => {
                if let Some(kept) = &mut slot.relist {
                    kept.insert(object.key.clone());
                }
                vec![insert(slot, object)]
            }
            Event::Applied(object) => vec![insert(slot, object)],
            Event::Deleted(object) => {
                // The last state names the owner even where the store never saw the object.
                let last = insert(slot, object);
                slot.remove(&last.key);
                vec![Changed { spec: true, ..last }]
            }
        }
    }

    /// The object of this key, if the cache has it and it decoded.
    #[must_use]
    pub fn get<K: Object>(&self, key: &Key) -> Option<Arc<K>> {
        let slots = self.read();
        typed(slots.get(&Kind::of::<K>())?.entries.get(key)?)
    }

    /// The objects whose controller owner has this uid, by name.
    #[must_use]
    pub fn owned<K: Object>(&self, owner_uid: &str) -> Vec<Arc<K>> {
        self.pick(|slot| slot.by_owner.get(owner_uid))
    }

    /// The objects a watch indexed under this word, by name.
    #[must_use]
    pub fn indexed<K: Object>(&self, word: &str) -> Vec<Arc<K>> {
        self.pick(|slot| slot.by_index.get(word))
    }

    fn pick<K: Object>(&self, choose: impl Fn(&Slot) -> Option<&BTreeSet<Key>>) -> Vec<Arc<K>> {
        let slots = self.read();
        let Some(slot) = slots.get(&Kind::of::<K>()) else { return Vec::new() };
        let Some(keys) = choose(slot) else { return Vec::new() };
        keys.iter().filter_map(|key| typed(slot.entries.get(key)?)).collect()
    }

    /// The resourceVersion the cache holds for a key; 0 if none.
    #[must_use]
    pub(crate) fn version(&self, kind: &Kind, key: &Key) -> u64 {
        self.read().get(kind).and_then(|slot| slot.entries.get(key)).map_or(0, |entry| entry.version)
    }
}

/// An object that a stream changed: enough to find out whom to wake.
#[derive(Clone)]
pub struct Changed {
    /// Its key.
    pub key: Key,
    /// The object itself (its last state if deleted); `None` if it did not decode.
    pub(crate) object: Option<Erased>,
    /// Whether more than its status may have changed.
    pub(crate) spec: bool,
    /// Why it did not decode.
    pub broken: Option<String>,
}

fn typed<K: Object>(entry: &Entry) -> Option<Arc<K>> {
    entry.object.clone()?.downcast::<K>().ok()
}

fn forget(slot: &mut Slot, key: Key) -> Option<Changed> {
    let object = slot.entries.get(&key)?.object.clone();
    slot.remove(&key);
    Some(Changed { key, object, spec: true, broken: None })
}

fn insert(slot: &mut Slot, delivered: Delivered) -> Changed {
    let Delivered { key, version, owner, spec, object } = delivered;
    let same = slot.entries.get(&key).is_some_and(|old| old.spec == spec && spec.is_some());
    let (object, index, broken) = match object {
        Ok((object, index)) => (Some(object), index, None),
        Err(error) => (None, Vec::new(), Some(error)),
    };
    slot.insert(key.clone(), Entry { object: object.clone(), version, spec, owner, index });
    Changed { key, object, spec: !same, broken }
}

/// The uid of the owner reference with `controller: true`, or empty.
#[must_use]
pub fn controller_uid(value: &Value) -> &str {
    value
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array)
        .and_then(|list| list.iter().find(|o| o.get("controller").and_then(Value::as_bool) == Some(true)))
        .map_or("", |o| text(o, "/uid"))
}
