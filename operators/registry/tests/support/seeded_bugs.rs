//! The operator with one rule of its own broken.

mod mlflow;
mod registries;
mod versions;

use std::sync::Arc;

use millrace_kit::{
    Kernel,
    sim::{Seeded, SeededBug, with_bug},
};
use millrace_registry::{Registries, Versions};

use super::{context, sound, versions_only};

/// All of them.
pub fn all() -> Vec<Seeded> {
    [registries::all(), versions::all(), mlflow::all()].concat()
}

/// A bug of the controller of ModelRegistries.
fn of_registries<B: SeededBug<Of = Registries>>() -> Seeded {
    Seeded::of::<B>(sound, |env, world| {
        let context = Arc::new(context(env, world));
        let versions = Box::new(Kernel::new(Versions::new(Arc::clone(&context)), env.reader.clone()));
        vec![with_bug::<B>(Registries::new(context), env, world), versions]
    })
}

/// A bug of the controller of ModelVersions, which runs alone.
fn of_versions<B: SeededBug<Of = Versions>>() -> Seeded {
    Seeded::of::<B>(versions_only, |env, world| {
        vec![with_bug::<B>(Versions::new(Arc::new(context(env, world))), env, world)]
    })
}
