//! What both controllers of the process share: MLflow, the operator's key, the settings, and caches whose loss costs time.

use std::{collections::BTreeSet, sync::Arc};

use millrace_crds::{ModelVersion, Reason};
use millrace_kit::{Class, Failure, Key as ObjectKey, Reader, run::Waker};

use crate::{
    index,
    login::{Key, Login, USERNAME},
    logins::LoginCache,
    mlflow::{
        Mlflow, Server,
        view::{Changed, Views},
    },
    registrations::Registrations,
    registry::names::given_url,
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
pub struct Context {
    /// MLflow.
    pub mlflow: Arc<dyn Mlflow>,
    /// What was last seen of each server.
    pub views: Views,
    /// Settings of the process.
    pub settings: Settings,
    pub(crate) logins: LoginCache,
    pub(crate) registrations: Registrations,
    waker: Waker,
    key: Result<Key, String>,
}

impl Context {
    /// A context with empty caches; a missing key is reported in the status of each registry.
    #[must_use]
    pub fn new(mlflow: Arc<dyn Mlflow>, key: Result<Key, String>, settings: Settings, waker: Waker) -> Self {
        Self {
            views: Views::new(Arc::clone(&mlflow)),
            mlflow,
            settings,
            logins: LoginCache::default(),
            registrations: Registrations::default(),
            waker,
            key,
        }
    }

    /// The login of the registry with this uid.
    ///
    /// # Errors
    /// The operator has no key.
    pub fn login(&self, uid: &str) -> Result<Login, Failure> {
        let key = self.key.as_ref().map_err(|why| Failure::new(Class::Forbidden, Reason::NoOperatorKey, why))?;
        Ok(key.login(uid))
    }

    /// How to reach the server behind `url`, which belongs to the registry with this uid.
    ///
    /// # Errors
    /// The operator has no key.
    pub fn server(&self, uid: &str, url: &str) -> Result<Server, Failure> {
        let login = self.login(uid)?;
        let (url, given) = match &self.settings.server_url {
            Some(outside) => (outside.clone(), None),
            None => (url.to_owned(), given_url(url)),
        };
        Ok(Server { url, given, username: USERNAME.to_owned(), password: login.password })
    }

    /// Wakes the ModelVersions that a change on the server of this registry concerns.
    pub(crate) fn wake_changed(&self, reader: &Reader, registry: &ObjectKey, changed: &BTreeSet<Changed>) {
        for change in changed {
            let key = match change {
                Changed::Version(uid) => index::version_with_uid(uid),
                Changed::Aliases(model) => index::versions_of_model(&registry.namespace, &registry.name, model),
            };
            for version in reader.cache.indexed::<ModelVersion>(&key) {
                self.waker.wake("version", ObjectKey::of(&*version));
            }
        }
    }
}
