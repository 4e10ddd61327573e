//! What the operator knows of the cluster: typed objects by name, by owner and by the indexes a watch declares.
//!
//! Fed by one stream per kind, read by every observe. There is no way to scan a kind: cost per object must not grow
//! with the number of objects. A miss here is never proof of absence; see [`crate::Reader::live`].

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use serde_json::Value;

use crate::{
    kind::{Key, Kind, Object},
    port::{key_of, text},
};

/// A typed object behind a type-erased pointer.
pub(crate) type Erased = Arc<dyn Any + Send + Sync>;

/// Makes the object to be kept of what a stream brings, with the words it is found by; or says why it cannot.
pub(crate) type Decode = dyn Fn(Value) -> Result<(Erased, Vec<String>), String> + Send + Sync;

#[derive(Clone)]
struct Entry {
    object: Option<Erased>,
    version: u64,
    spec: Option<u64>,
    owner: String,
    index: Vec<String>,
}

/// What differs between two states of an object if more than its status does: uid, generation, deletion, labels. `None` for
/// kinds without generations.
fn spec(value: &Value) -> Option<u64> {
    let meta = |name: &str| value.pointer(&format!("/metadata/{name}"));
    let generation = meta("generation").and_then(Value::as_i64)?;
    let labels = meta("labels").map(Value::to_string);
    let mut hasher = DefaultHasher::new();
    (text(value, "/metadata/uid"), generation, meta("deletionTimestamp").is_some(), labels).hash(&mut hasher);
    Some(hasher.finish())
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
pub enum Event {
    /// A list begins; what it does not name is gone.
    Restart,
    /// An object of the list.
    Listed(Value),
    /// The list is complete.
    Complete,
    /// An object was added or changed.
    Applied(Value),
    /// An object was deleted.
    Deleted(Value),
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
    pub(crate) fn feed(&self, kind: &Kind, decode: &Decode, event: Event) -> Vec<Changed> {
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
            Event::Listed(value) => {
                let key = key_of(&value);
                if let Some(kept) = &mut slot.relist {
                    kept.insert(key.clone());
                }
                vec![insert(slot, decode, key, value)]
            }
            Event::Applied(value) => vec![insert(slot, decode, key_of(&value), value)],
            Event::Deleted(value) => {
                let key = key_of(&value);
                // The last state names the owner even where the store never saw the object.
                let last = insert(slot, decode, key.clone(), value);
                slot.remove(&key);
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

fn insert(slot: &mut Slot, decode: &Decode, key: Key, mut value: Value) -> Changed {
    let version = text(&value, "/metadata/resourceVersion").parse().unwrap_or(0);
    let owner = controller_uid(&value).to_owned();
    let spec = spec(&value);
    let same = slot.entries.get(&key).is_some_and(|old| old.spec == spec && spec.is_some());
    if let Some(meta) = value.pointer_mut("/metadata").and_then(Value::as_object_mut) {
        meta.remove("managedFields");
    }
    let (object, index, broken) = match decode(value) {
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
