//! What both controllers of the process share: the key, the settings, the views of the servers, who is woken.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use millrace_kit::{Class, Failure, later, run::Waker};

use crate::{
    login::{Key, Login, USERNAME},
    mlflow::{Mlflow, Server, view::Views},
};

/// Settings of the process, from its environment.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Image of registries that name none.
    pub image: String,
    /// URL of every server, instead of that of its Service; for tests outside a cluster.
    pub server_url: Option<String>,
}

impl Settings {
    /// `MILLRACE_MLFLOW_IMAGE` and `MILLRACE_MLFLOW_BASE_URL`.
    #[must_use]
    pub fn from_env() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        Self {
            image: text("MILLRACE_MLFLOW_IMAGE").unwrap_or_else(|| "docker.io/millrace/mlflow:dev".to_owned()),
            server_url: text("MILLRACE_MLFLOW_BASE_URL").map(|url| url.trim_end_matches('/').to_owned()),
        }
    }
}

/// See the module.
pub struct Office {
    /// MLflow.
    pub mlflow: Arc<dyn Mlflow>,
    /// What was last seen of each server.
    pub views: Views,
    /// Settings of the process.
    pub settings: Settings,
    /// Wakes the other controller.
    pub waker: Waker,
    key: Result<Key, String>,
    /// Fingerprint of the login this process wrote, and when, by uid of the registry: Secrets cannot be read back.
    written: Mutex<HashMap<String, (String, Timestamp)>>,
    /// Uid and URL of each registry a ModelVersion has seen, for its effects.
    met: Mutex<HashMap<millrace_kit::Key, (String, String)>>,
    /// By uid of a ModelVersion: until when a registration without an answer may still take effect.
    registering: Mutex<HashMap<String, Option<Timestamp>>>,
}

/// Longest time until the files of a pod follow a changed Secret.
const MOUNTED: Duration = Duration::from_secs(120);
/// How long a registration without an answer may still take effect: longer than MLflow works on a request.
const ON_ITS_WAY: Duration = Duration::from_secs(30);

impl Office {
    /// An office; a missing key is told in the status of each registry.
    #[must_use]
    pub fn new(mlflow: Arc<dyn Mlflow>, key: Result<Key, String>, outside: (Settings, Waker)) -> Self {
        let (settings, waker) = outside;
        let views = Views::new(Arc::clone(&mlflow));
        Self {
            mlflow,
            views,
            settings,
            waker,
            key,
            written: Mutex::default(),
            met: Mutex::default(),
            registering: Mutex::default(),
        }
    }

    /// The login of the registry with this uid.
    ///
    /// # Errors
    /// The operator has no key.
    pub fn login(&self, uid: &str) -> Result<Login, Failure> {
        let key = self.key.as_ref().map_err(|why| Failure::new(Class::Denied, "NoOperatorKey", why))?;
        Ok(key.login(uid))
    }

    /// Whether this process has written this login.
    #[must_use]
    pub fn has_written(&self, uid: &str, fingerprint: &str) -> bool {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.get(uid).is_some_and(|(f, _)| f == fingerprint)
    }

    /// Remembers that this login was written.
    pub fn wrote(&self, uid: &str, fingerprint: &str, at: Timestamp) {
        let wrote = (fingerprint.to_owned(), at);
        self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(uid.to_owned(), wrote);
    }

    /// Forgets that a login was written: a pod did not find it.
    pub fn lost(&self, uid: &str) {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    /// The same, if it was written long enough ago for the kubelet to have brought it to the pods.
    pub fn altered(&self, uid: &str, now: Timestamp) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.get(uid).is_some_and(|(_, at)| now >= later(*at, MOUNTED)) {
            written.remove(uid);
        }
    }

    /// Remembers where the server of a registry is: its uid and URL.
    pub fn meet(&self, registry: millrace_kit::Key, address: (String, String)) {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).insert(registry, address);
    }

    /// Uid and URL of a registry that an observation has met.
    #[must_use]
    pub fn address(&self, registry: &millrace_kit::Key) -> Option<(String, String)> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).get(registry).cloned()
    }

    /// Until when a registration may be on its way. One that an earlier process began, as the stored intent says, may have
    /// been sent just before its end.
    #[must_use]
    pub fn on_its_way(&self, uid: &str, intent: bool, now: Timestamp) -> Option<Timestamp> {
        let mut all = self.registering.lock().unwrap_or_else(PoisonError::into_inner);
        *all.entry(uid.to_owned()).or_insert_with(|| intent.then(|| later(now, ON_ITS_WAY)))
    }

    /// A registration is sent, or (`None`) was answered.
    pub fn registering(&self, uid: &str, sent: Option<Timestamp>) {
        let until = sent.map(|at| later(at, ON_ITS_WAY));
        self.registering.lock().unwrap_or_else(PoisonError::into_inner).insert(uid.to_owned(), until);
    }

    /// The version is registered.
    pub fn registered(&self, uid: &str) {
        self.registering.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    /// How to reach the server behind `url`, which belongs to the registry with this uid.
    ///
    /// # Errors
    /// The operator has no key.
    pub fn server(&self, uid: &str, url: &str) -> Result<Server, Failure> {
        let login = self.login(uid)?;
        let (url, given) = match &self.settings.server_url {
            Some(outside) => (outside.clone(), None),
            None => (url.to_owned(), crate::registry::given_url(url)),
        };
        Ok(Server { url, given, username: USERNAME.to_owned(), password: login.password })
    }
}
