//! A ModelRegistry's spec parsed into what cannot be wrong; all findings at once, each with its field.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::ResourceExt;
use millrace_crds::{
    ModelRegistry, Quantity as Given,
    well_known::{DATABASE_KEY_URI, DEFAULT_DATA_PLANE},
};

/// Longest name of a registry: its Service is `<name>-mlflow`.
const MAX_NAME: usize = 50;

/// What is wanted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) image: String,
    pub(crate) pull_policy: &'static str,
    /// Secret and key of the database's URI.
    pub(crate) database: (String, String),
    pub(crate) bucket: String,
    /// The DataPlane of a bucket to be made; `None` if it must be there.
    pub(crate) make_bucket: Option<String>,
    pub(crate) extra_admin: Option<String>,
    pub(crate) replicas: i32,
    pub(crate) cpu: Quantity,
    pub(crate) memory: Quantity,
    /// Most that uploads under way may take.
    pub(crate) scratch: Quantity,
}

impl Plan {
    /// Secret and key of the database's URI in one word, as statuses have it.
    pub(crate) fn secret(&self) -> String {
        let (name, key) = &self.database;
        format!("{name}/{key}")
    }

    /// The same plan on another image and database: those that were migrated, or are about to be.
    pub(crate) fn on(&self, image: &str, secret: &str) -> Self {
        let (name, key) = secret.split_once('/').unwrap_or((secret, DATABASE_KEY_URI));
        Self { image: image.to_owned(), database: (name.to_owned(), key.to_owned()), ..self.clone() }
    }

    /// The Secrets that people make, and the fields that name them.
    pub(crate) fn secrets(&self) -> Vec<(&'static str, &str, String)> {
        let (database, key) = &self.database;
        let mut all =
            vec![("spec.database.secretRef", database.as_str(), format!("the SQLAlchemy URI under the key {key}"))];
        let admin = self.extra_admin.as_deref();
        all.extend(admin.map(|name| ("spec.auth.adminSecretRef", name, "the keys username and password".to_owned())));
        all
    }
}

/// Parses the spec.
pub(crate) fn parse(registry: &ModelRegistry, default_image: &str) -> Result<Plan, Vec<String>> {
    let spec = &registry.spec;
    let mut findings = Vec::new();
    let name = registry.name_any();
    if name.len() > MAX_NAME || name.contains('.') || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        findings.push(format!(
            "metadata.name: the server's Service is called {name}-mlflow; use a name of at most {MAX_NAME} characters that \
             begins with a letter and has no dots"
        ));
    }
    if !spec.share.is_empty() {
        findings.push("spec.share: registries are not shared yet; make one in each namespace".to_owned());
    }
    // In another spelling the stored object would differ from ours for ever, and be applied again for ever.
    let mut size = |field: &str, given: Option<&Given>, default: &str| {
        let wanted = given.cloned().unwrap_or_else(|| default.into());
        wanted.canonical().map(|canonical| Quantity(canonical.0)).unwrap_or_else(|| {
            findings.push(format!("spec.{field}: {} is not a valid quantity; use a value such as {default}", wanted.0));
            Quantity::default()
        })
    };
    let resources = spec.resources.as_ref();
    let cpu = size("resources.cpu", resources.and_then(|r| r.cpu.as_ref()), "100m");
    let memory = size("resources.memory", resources.and_then(|r| r.memory.as_ref()), "768Mi");
    let scratch = size("scratch", spec.scratch.as_ref(), "10Gi");
    if !findings.is_empty() {
        return Err(findings);
    }
    let secret = &spec.database.secret_ref;
    let artifacts = &spec.artifacts;
    let plane = artifacts.data_plane.clone().unwrap_or_else(|| DEFAULT_DATA_PLANE.to_owned());
    Ok(Plan {
        image: spec.image.clone().unwrap_or_else(|| default_image.to_owned()),
        pull_policy: match spec.image_pull_policy.unwrap_or_default() {
            millrace_crds::engines::PullPolicy::IfNotPresent => "IfNotPresent",
            millrace_crds::engines::PullPolicy::Always => "Always",
            millrace_crds::engines::PullPolicy::Never => "Never",
        },
        database: (secret.name.clone(), secret.key.clone().unwrap_or_else(|| DATABASE_KEY_URI.to_owned())),
        bucket: artifacts.bucket.clone(),
        make_bucket: artifacts.create.unwrap_or(true).then_some(plane),
        extra_admin: spec.auth.as_ref().and_then(|a| a.admin_secret_ref.as_ref()).map(|s| s.name.clone()),
        replicas: spec.replicas.unwrap_or(1),
        cpu,
        memory,
        scratch,
    })
}
