//! The credentials by which issuers are tried, one per DataPlane.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use crate::store::Credentials;

/// A credential that is tried.
#[derive(Clone)]
pub(crate) struct Probe {
    pub keys: String,
    pub credentials: Credentials,
    pub issued: Timestamp,
    pub checked: Timestamp,
}

/// What is tried, by DataPlane.
#[derive(Default)]
pub(crate) struct Probes(Mutex<HashMap<String, Probe>>);

impl Probes {
    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<String, Probe>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
