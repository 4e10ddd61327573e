//! What the controller of DataGrants works with: what it has issued, and when it looked.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use millrace_kit::{Reader, later};

use super::issued::Issued;
use crate::connect::Connections;

/// How often a Secret is looked at: one that was changed or deleted is written again within a minute, and no faster, however
/// often somebody changes it.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(25);
/// Entries above which those of grants that have left are dropped.
const FORGET: usize = 1_024;

/// Keeps DataGrants.
pub struct Grants {
    pub(super) connections: Arc<Connections>,
    pub(super) reader: Reader,
    /// What this process has issued, by the grant's uid: expiry and intent, never a credential.
    issued: Mutex<HashMap<String, Issued>>,
    /// When each Secret was last looked at, by the grant's uid.
    looked: Mutex<HashMap<String, Timestamp>>,
}

impl Grants {
    /// A keeper that has issued nothing yet.
    #[must_use]
    pub fn new(connections: Arc<Connections>, reader: Reader) -> Self {
        Self { connections, reader, issued: Mutex::default(), looked: Mutex::default() }
    }

    /// What this process has issued for a grant.
    pub(super) fn issued(&self, uid: &str) -> Option<Issued> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner).get(uid).cloned()
    }

    /// Whether the Secret of this grant may be looked at now: at most once in [`LOOK_EVERY`].
    pub(super) fn may_look(&self, uid: &str, now: Timestamp) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.get(uid).is_some_and(|last| now < later(*last, LOOK_EVERY)) {
            return false;
        }
        if looked.len() > FORGET {
            // Grants leave without a word.
            looked.retain(|_, last| now < later(*last, LOOK_EVERY));
        }
        looked.insert(uid.to_owned(), now);
        true
    }

    /// Remembers what was issued.
    pub(super) fn remember(&self, uid: &str, issued: Issued, now: Timestamp) {
        let mut all = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        // Grants leave without a word: what has expired belongs to none.
        all.retain(|_, old| now < old.expires_at);
        all.insert(uid.to_owned(), issued);
        // What was just written need not be looked at.
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).insert(uid.to_owned(), now);
    }
}
