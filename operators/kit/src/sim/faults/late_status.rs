//! The status is written after the actions that it explains.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use super::port::FaultyPort;
use crate::{
    cache::Cache,
    decision::later,
    failure::Failure,
    kernel::{Controller, Next},
    kind::{Key, Kind},
    port::{Port, text},
    watch::Watch,
};

/// Wait after a status was refused; its object has changed, or will be asked for again.
const REFUSED: Duration = Duration::from_millis(500);
/// Wait for an own write to arrive, if no event does.
const BACKSTOP: Duration = Duration::from_secs(30);

/// A controller whose port holds the status back until the pass is over.
pub(super) struct LateStatus<C> {
    controller: C,
    port: Arc<FaultyPort>,
    cache: Arc<Cache>,
    /// The resourceVersions of statuses sent late, which the kernel has not heard of.
    written: Mutex<HashMap<Key, u64>>,
}

impl<C: Controller> LateStatus<C> {
    pub(super) fn new(controller: C, port: Arc<FaultyPort>, cache: Arc<Cache>) -> Self {
        Self { controller, port, cache, written: Mutex::default() }
    }

    /// Whether the cache is older than the last status sent: that is a bug of its own.
    fn behind(&self, key: &Key) -> bool {
        let cached = self.cache.version(&self.controller.primary(), key);
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        cached > 0 && written.get(key).is_some_and(|written| cached < *written)
    }
}

#[async_trait]
impl<C: Controller> Controller for LateStatus<C> {
    fn name(&self) -> &'static str {
        self.controller.name()
    }

    fn primary(&self) -> Kind {
        self.controller.primary()
    }

    fn watches(&self) -> Vec<Watch> {
        self.controller.watches()
    }

    async fn catch_up(&self) -> Result<(), Failure> {
        self.controller.catch_up().await
    }

    async fn pass(&self, key: &Key) -> Next {
        if self.behind(key) {
            return Next::At(later(self.port.now(), BACKSTOP));
        }
        let next = self.controller.pass(key).await;
        match self.port.send_held().await {
            Ok(None) => next,
            Ok(Some(stored)) => {
                let version = text(&stored, "/metadata/resourceVersion").parse().unwrap_or(0);
                self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), version);
                next
            }
            Err(gone) if gone.is_not_found() => next,
            Err(_) => Next::At(later(self.port.now(), REFUSED)),
        }
    }
}
