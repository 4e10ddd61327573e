//! Names, labels and addresses of a registry's children.

use std::collections::BTreeMap;

use kube::ResourceExt;
use millrace_crds::{
    ModelRegistry,
    well_known::{LABEL_OWNER_KIND, LABEL_OWNER_NAME, LABEL_OWNER_UID, LABEL_ROLE},
};
use millrace_kit::names;

/// Port of the server and of its Service.
pub(crate) const PORT: i32 = 5_000;

/// Port on which a server's pods say what they were given.
pub(crate) const GIVEN_PORT: i32 = 5_001;

/// Names of a registry's children that people type: derived from its own, so that a URL can be written down.
pub(crate) struct Names {
    /// Service and Deployment.
    pub(crate) server: String,
    /// Secret of the login.
    pub(crate) login: String,
    /// Secret and name of the grant.
    pub(crate) grant: String,
}

impl Names {
    pub(crate) fn of(registry: &ModelRegistry) -> Self {
        let name = registry.name_any();
        Self {
            server: format!("{name}-mlflow"),
            login: format!("{name}-mlflow-login"),
            grant: names::child(&name, &registry.uid().unwrap_or_default(), &["artifacts"]),
        }
    }
}

/// The name of the Job of a migration.
pub(crate) fn migration_job(registry: &ModelRegistry, number: i64) -> String {
    let uid = registry.uid().unwrap_or_default();
    names::child(&registry.name_any(), &uid, &["migration", &number.to_string()])
}

/// Where the pods of the server behind `url` say what they were given.
pub(crate) fn given_url(url: &str) -> Option<String> {
    let host = url.strip_suffix(&format!(":{}", PORT))?;
    Some(format!("{host}:{}/", GIVEN_PORT))
}

/// Labels of every child, with the role of its pods.
pub(crate) fn labels(registry: &ModelRegistry, role: &str) -> BTreeMap<String, String> {
    let pairs = [
        (LABEL_OWNER_KIND, "ModelRegistry".to_owned()),
        (LABEL_OWNER_NAME, registry.name_any()),
        (LABEL_OWNER_UID, registry.uid().unwrap_or_default()),
        (LABEL_ROLE, role.to_owned()),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The server's address inside the cluster.
pub(crate) fn url(registry: &ModelRegistry) -> String {
    let names = Names::of(registry);
    format!("http://{}.{}.svc:{}", names.server, registry.namespace().unwrap_or_default(), PORT)
}
