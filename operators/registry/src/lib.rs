//! ModelRegistry and ModelVersion: MLflow servers, and the model versions in them.
//!
//! Alone talks to MLflow. Never reads a Secret: a server's database comes to its pod by reference, and its login is
//! derived from the operator's key. Never deletes a registered version, except one whose object was given up before it
//! was known to be registered.

mod children;
mod context;
mod index;
mod login;
mod logins;
pub mod mlflow;
mod pods;
mod registrations;
mod registry;
mod version;

use std::sync::Arc;

use millrace_kit::{
    Controller, Env, Kernel,
    access::Access,
    run::{Built, RunError},
};

pub use context::{Context, Settings};
pub use login::{Key, Login, USERNAME};
pub use pods::{Exit, PodView, Trouble};
pub use registry::{
    effect::RegistryEffect,
    operator::Registries,
    seen::{BucketView, GrantView, LoginView, Observed as RegistryObserved, ServerView},
};
pub use version::{
    effect::VersionEffect,
    operator::Versions,
    seen::{Holder, Observed as VersionObserved, RegistryView, ServerRef, SourceView},
};

/// Builds the operator's controllers on the real MLflow adapter.
///
/// # Errors
/// The HTTP client cannot be made.
pub fn controllers(env: &Env) -> Built {
    let rest = mlflow::rest::Rest::new().map_err(|error| RunError::Build(format!("no HTTP client: {error}")))?;
    let key = Key::load();
    if let Err(why) = &key {
        tracing::error!(why, "registries will be stalled");
    }
    let context = Context::new(Arc::new(rest), key, Settings::from_env(), env.waker.clone());
    Ok(controllers_with(env, context))
}

/// Builds the operator's controllers on any context; the tests bring a simulated server.
#[must_use]
pub fn controllers_with(env: &Env, context: Context) -> Vec<Box<dyn Controller>> {
    let context = Arc::new(context);
    vec![
        Box::new(Kernel::new(Registries::new(Arc::clone(&context)), env.reader.clone())),
        Box::new(Kernel::new(Versions::new(context), env.reader.clone())),
    ]
}

/// Every right the operator uses, beside the kernel's own.
pub const ACCESS: &[Access] = &[
    Access::cluster("millrace.dev", "modelregistries", &["get", "list", "watch"], "the objects it keeps"),
    Access::cluster("millrace.dev", "modelregistries/status", &["update"], "where a registry stands"),
    Access::cluster(
        "millrace.dev",
        "modelversions",
        &["get", "list", "watch", "patch"],
        "the objects it keeps; patch puts the finalizer up while a registration may be on its way",
    ),
    Access::cluster("millrace.dev", "modelversions/status", &["update"], "numbers, aliases and intents"),
    Access::cluster(
        "millrace.dev",
        "databuckets",
        &["get", "list", "watch", "create"],
        "the bucket of artifacts, made if there is none; sources are verified against buckets",
    ),
    Access::cluster(
        "millrace.dev",
        "datagrants",
        &["get", "list", "watch", "create", "delete"],
        "the server's access to its bucket; a pod's to the source it measures, which goes when that is done",
    ),
    Access::cluster(
        "apps",
        "deployments",
        &["get", "list", "watch", "create", "patch"],
        "servers; watch is limited to our labels",
    ),
    Access::cluster("", "services", &["get", "list", "watch", "create", "patch"], "their addresses"),
    Access::cluster(
        "batch",
        "jobs",
        &["get", "list", "watch", "create", "delete"],
        "migrations and measurements of sources; a Job goes when its result or the next attempt is stored",
    ),
    Access::cluster(
        "",
        "pods",
        &["list", "watch"],
        "why a server, a migration or a measurement does not start; limited to our labels",
    ),
    Access::cluster(
        "",
        "secrets",
        &["create", "update"],
        "the login it derives, written blindly; a policy allows the type millrace.dev/registry only. A dry run of a create \
         says whether a Secret that a spec names exists: none is read",
    ),
    millrace_kit::access::WARNINGS,
];
