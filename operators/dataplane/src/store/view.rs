//! What was last seen of each bucket, kept for half a minute.
//!
//! Passes that a status write or another object's change sets off cost no call; an effect forgets its bucket, so that
//! its outcome is seen live. While the store is away, one call in a few seconds finds out for all. Absence is never
//! answered from here.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use millrace_kit::later;

use super::{Bucket, Store, StoreError, Trouble};

/// How long a bucket once seen is taken as it was.
pub const FRESH: Duration = Duration::from_secs(30);
/// How long an outage once seen is taken for granted.
const AWAY: Duration = Duration::from_secs(3);
/// Looks at one time, over all stores.
const LOOKS: usize = 16;

/// The memory of all stores of the process, by (DataPlane, bucket).
pub struct View {
    seen: Mutex<HashMap<(String, String), (Timestamp, Bucket)>>,
    away: Mutex<HashMap<String, (Timestamp, StoreError)>>,
    looks: tokio::sync::Semaphore,
}

impl Default for View {
    fn default() -> Self {
        Self { seen: Mutex::default(), away: Mutex::default(), looks: tokio::sync::Semaphore::new(LOOKS) }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl View {
    /// The bucket `at` = (DataPlane, bucket), at most [`FRESH`] old.
    ///
    /// # Errors
    /// Those of [`Store::look`].
    pub async fn look(
        &self,
        store: &dyn Store,
        at: (&str, &str),
        now: Timestamp,
    ) -> Result<Option<Bucket>, StoreError> {
        let (plane, bucket) = at;
        if let Some(known) = self.known(at, now) {
            return known.map(Some);
        }
        // Only a closed semaphore refuses, and nobody closes it.
        let _turn = self.looks.acquire().await.ok();
        if let Some(known) = self.known(at, now) {
            return known.map(Some);
        }
        let looked = store.look(bucket).await;
        let key = (plane.to_owned(), bucket.to_owned());
        match &looked {
            Ok(Some(found)) => {
                locked(&self.seen).insert(key, (now, found.clone()));
                locked(&self.away).remove(plane);
            }
            Ok(None) => {
                locked(&self.seen).remove(&key);
                locked(&self.away).remove(plane);
            }
            Err(error) if error.trouble == Trouble::StoreUnreachable => {
                locked(&self.away).insert(plane.to_owned(), (now, error.clone()));
            }
            Err(_) => {}
        }
        looked
    }

    fn known(&self, at: (&str, &str), now: Timestamp) -> Option<Result<Bucket, StoreError>> {
        let (plane, bucket) = at;
        if let Some((when, bucket)) = locked(&self.seen).get(&(plane.to_owned(), bucket.to_owned()))
            && now < later(*when, FRESH)
        {
            return Some(Ok(bucket.clone()));
        }
        let away = locked(&self.away);
        let (when, error) = away.get(plane)?;
        (now < later(*when, AWAY)).then(|| Err(error.clone()))
    }

    /// Forgets a bucket: something was changed, or is about to be.
    pub fn forget(&self, plane: &str, bucket: &str) {
        locked(&self.seen).remove(&(plane.to_owned(), bucket.to_owned()));
    }
}
