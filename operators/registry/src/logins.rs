//! The logins this process has written: Secrets cannot be read back. Whatever is forgotten is written once more.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use millrace_kit::later;

/// Longest time until the files of a pod follow a changed Secret.
const MOUNTED: Duration = Duration::from_secs(120);

/// A login that was written.
#[derive(Debug)]
struct Written {
    fingerprint: String,
    at: Timestamp,
}

/// The last login written for each registry, by its uid.
#[derive(Debug, Default)]
pub(crate) struct LoginCache {
    written: Mutex<HashMap<String, Written>>,
}

impl LoginCache {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Written>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this process has written this login.
    pub(crate) fn has_written(&self, uid: &str, fingerprint: &str) -> bool {
        self.all().get(uid).is_some_and(|written| written.fingerprint == fingerprint)
    }

    /// Remembers that this login was written.
    pub(crate) fn wrote(&self, uid: &str, fingerprint: &str, at: Timestamp) {
        self.all().insert(uid.to_owned(), Written { fingerprint: fingerprint.to_owned(), at });
    }

    /// Forgets that a login was written: a pod did not find it.
    pub(crate) fn forget(&self, uid: &str) {
        self.all().remove(uid);
    }

    /// The same for a pod that found another one, if ours was written long enough ago for the kubelet to have brought it.
    pub(crate) fn altered(&self, uid: &str, now: Timestamp) {
        let mut all = self.all();
        if all.get(uid).is_some_and(|written| now >= later(written.at, MOUNTED)) {
            all.remove(uid);
        }
    }
}
