//! The operator's view of each server: one snapshot per registry, shared by both controllers.
//!
//! A look costs three requests for all versions of a registry, at most one every 30 s (5 s while the server is away);
//! a change of ours invalidates the snapshot. Never kept across registries: the key is the registry's uid.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use millrace_kit::later;

use super::{Answer, Catalogue, Mlflow, MlflowError, Server};

/// How old a snapshot may be.
pub const FRESH: Duration = Duration::from_secs(30);
/// How old the news of an outage may be.
pub const RETRY: Duration = Duration::from_secs(5);

/// What a look brought back, and when.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When the look began.
    pub as_of: Timestamp,
    /// The catalogue, or why there is none.
    pub answer: Result<Arc<Catalogue>, MlflowError>,
}

/// Something that differs from the look before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Changed {
    /// The version of the ModelVersion with this uid changed or went.
    Version(String),
    /// An alias of this model moved.
    Aliases(String),
}

#[derive(Default)]
struct Slot {
    last: Option<Snapshot>,
    /// The last catalogue, kept through outages, to tell what changed.
    known: Option<Arc<Catalogue>>,
}

/// The snapshots of all registries.
pub struct Views {
    mlflow: Arc<dyn Mlflow>,
    slots: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Slot>>>>,
}

impl Views {
    /// No snapshots yet.
    #[must_use]
    pub fn new(mlflow: Arc<dyn Mlflow>) -> Self {
        Self { mlflow, slots: Mutex::default() }
    }

    fn slot(&self, uid: &str) -> Arc<tokio::sync::Mutex<Slot>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(uid.to_owned()).or_default())
    }

    /// The snapshot of a registry, looked up anew if it is too old. The second value says what changed since the last catalogue.
    pub async fn of(&self, uid: &str, server: &Server, now: Timestamp) -> (Snapshot, BTreeSet<Changed>) {
        let slot = self.slot(uid);
        // Whoever comes while a look is under way waits for it and shares it.
        let mut slot = slot.lock().await;
        if let Some(last) = slot.last.as_ref().filter(|last| now < later(last.as_of, patience(&last.answer))) {
            return (last.clone(), BTreeSet::new());
        }
        let answer: Answer<Catalogue> = self.mlflow.look(server).await;
        let answer = answer.map(Arc::new);
        let mut changed = BTreeSet::new();
        if let Ok(fresh) = &answer {
            if let Some(old) = &slot.known {
                changed = differing(old, fresh);
            }
            slot.known = Some(Arc::clone(fresh));
        }
        let snapshot = Snapshot { as_of: now, answer };
        slot.last = Some(snapshot.clone());
        (snapshot, changed)
    }

    /// Forgets the snapshot: something was changed.
    pub async fn invalidate(&self, uid: &str) {
        self.slot(uid).lock().await.last = None;
    }

    /// Forgets a registry that is gone.
    pub fn drop(&self, uid: &str) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}

const fn patience(answer: &Result<Arc<Catalogue>, MlflowError>) -> Duration {
    if answer.is_ok() { FRESH } else { RETRY }
}

fn differing(old: &Catalogue, new: &Catalogue) -> BTreeSet<Changed> {
    let mut changed = BTreeSet::new();
    // What is new was made by an object that looks at it anyway.
    let versions = old.versions.iter().filter(|(uid, known)| new.versions.get(*uid) != Some(known));
    changed.extend(versions.map(|(uid, _)| Changed::Version(uid.clone())));
    for (one, other) in [(old, new), (new, old)] {
        let moved = one.aliases.iter().filter(|(model, held)| other.aliases.get(*model) != Some(held));
        changed.extend(moved.map(|(model, _)| Changed::Aliases(model.clone())));
    }
    changed
}
