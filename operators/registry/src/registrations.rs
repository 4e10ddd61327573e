//! Registrations without an answer: until when each may still take effect. Of one that is forgotten, as in a restart, only
//! the stored intent is known, and the full time is waited again.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use millrace_kit::later;

/// How long a registration without an answer may still take effect: longer than MLflow works on a request.
const ON_ITS_WAY: Duration = Duration::from_secs(30);

/// By uid of a ModelVersion: until when its registration may take effect; `None` if it was answered.
#[derive(Debug, Default)]
pub(crate) struct Registrations {
    until: Mutex<HashMap<String, Option<Timestamp>>>,
}

impl Registrations {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Option<Timestamp>>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when a registration may be on its way. One that an earlier process began, as the stored intent says, may have
    /// been sent just before its end.
    pub(crate) fn on_its_way(&self, uid: &str, intent: bool, now: Timestamp) -> Option<Timestamp> {
        *self.all().entry(uid.to_owned()).or_insert_with(|| intent.then(|| later(now, ON_ITS_WAY)))
    }

    /// A registration is sent.
    pub(crate) fn sent(&self, uid: &str, at: Timestamp) {
        self.all().insert(uid.to_owned(), Some(later(at, ON_ITS_WAY)));
    }

    /// The server has answered.
    pub(crate) fn answered(&self, uid: &str) {
        self.all().insert(uid.to_owned(), None);
    }

    /// The version is registered.
    pub(crate) fn done(&self, uid: &str) {
        self.all().remove(uid);
    }
}
