//! Bugs of the controller of ModelRegistries.

use std::sync::atomic::{AtomicU32, Ordering};

use millrace_crds::{ModelRegistry, model_registry::Migrated};
use millrace_kit::{
    Action, DecisionOf, Reader, names,
    sim::{Inputs, Seeded, SeededBug},
};
use millrace_registry::{Registries, RegistryObserved};
use serde_json::{Value, json};

use super::of_registries;

pub fn all() -> Vec<Seeded> {
    vec![
        of_registries::<ServesAtOnce>(),
        of_registries::<ImageAlone>(),
        of_registries::<Deaf>(),
        of_registries::<Recreates>(),
        of_registries::<LooksForNoSecret>(),
        of_registries::<Untold>(),
        of_registries::<WaitsForTheJob>(),
        of_registries::<NewNames>(),
    ]
}

/// No server before its schema.
struct ServesAtOnce;

impl SeededBug for ServesAtOnce {
    type Of = Registries;
    const NAME: &'static str = "serves before it migrates";
    const SCENARIO: &'static str = "the database is away for good";

    fn decision(decision: &mut DecisionOf<Registries>, _: &Inputs<'_, Registries>) {
        let image = decision.status.migration.as_ref().map(|m| m.image.clone());
        decision.status.migrated_image.clone_from(&image);
        let secret = "registry-database/uri".to_owned();
        decision.status.migrated = image.map(|image| Migrated { image, secret, ..Migrated::default() });
    }
}

/// A migration is of an image and of a database.
struct ImageAlone;

impl SeededBug for ImageAlone {
    type Of = Registries;
    const NAME: &'static str = "knows a migration by its image alone";
    const SCENARIO: &'static str = "the spec names another database's Secret";

    fn object(registry: &mut ModelRegistry, _: &Inputs<'_, Registries>) {
        let secret = registry.spec.database.secret_ref.name.clone();
        if let Some(migrated) = registry.status.as_mut().and_then(|s| s.migrated.as_mut()) {
            migrated.secret = format!("{secret}/uri");
        }
    }
}

/// What a server was given is what its pods say that they mounted.
struct Deaf;

impl SeededBug for Deaf {
    type Of = Registries;
    const NAME: &'static str = "does not listen to the pods that mount the Secrets";
    const SCENARIO: &'static str = "the database's Secret names another database";

    fn observed(observed: &mut RegistryObserved, _: &ModelRegistry, _: &Reader) {
        if let Some(server) = &mut observed.server {
            server.given = None;
        }
    }
}

/// The old server serves until the new one does.
struct Recreates;

impl SeededBug for Recreates {
    type Of = Registries;
    const NAME: &'static str = "replaces without a try";
    const SCENARIO: &'static str = "a Secret without its key";

    fn decision(decision: &mut DecisionOf<Registries>, _: &Inputs<'_, Registries>) {
        each_child(decision, "Deployment", |body| body["spec"]["strategy"] = json!({"type": "Recreate"}));
    }
}

/// A server is left alone if its spec names a Secret that is not there.
struct LooksForNoSecret;

impl SeededBug for LooksForNoSecret {
    type Of = Registries;
    const NAME: &'static str = "looks for no Secret";
    const SCENARIO: &'static str = "an edit names a Secret that does not exist";

    fn observed(observed: &mut RegistryObserved, _: &ModelRegistry, _: &Reader) {
        observed.missing_secrets.clear();
    }
}

/// A migration is told of the server that runs on its database.
struct Untold;

impl SeededBug for Untold {
    type Of = Registries;
    const NAME: &'static str = "changes the schema under a server";
    const SCENARIO: &'static str = "the schema changes under a server";

    fn decision(decision: &mut DecisionOf<Registries>, _: &Inputs<'_, Registries>) {
        each_child(decision, "Job", |body| {
            let env = body.pointer_mut("/spec/template/spec/containers/0/env").and_then(Value::as_array_mut);
            env.unwrap().retain(|variable| variable["name"] != "MILLRACE_SERVED");
        });
    }
}

/// A migration is over when its program is, whatever runs beside it.
struct WaitsForTheJob;

impl SeededBug for WaitsForTheJob {
    type Of = Registries;
    const NAME: &'static str = "waits for what runs beside a migration";
    const SCENARIO: &'static str = "a container beside the migration never ends";

    fn observed(observed: &mut RegistryObserved, _: &ModelRegistry, _: &Reader) {
        observed.pods.iter_mut().filter_map(|pod| pod.exit.as_mut()).for_each(|exit| exit.at = None);
    }
}

/// The name of a Job follows from what it is for.
struct NewNames;

/// Never the same twice, as a clock or a random number would be.
static DRAWN: AtomicU32 = AtomicU32::new(0);

impl SeededBug for NewNames {
    type Of = Registries;
    const NAME: &'static str = "starts a Job under a new name each time";
    const SCENARIO: &'static str = "from nothing";

    fn decision(decision: &mut DecisionOf<Registries>, inputs: &Inputs<'_, Registries>) {
        for action in &mut decision.actions {
            if let Action::Create(child) = action
                && child.address().kind.kind == "Job"
            {
                let drawn = DRAWN.fetch_add(1, Ordering::Relaxed).to_string();
                child.body["metadata"]["name"] = names::hash(&[&drawn, &inputs.now.to_string()], 8).into();
            }
        }
    }
}

/// Changes what is written of children of a kind.
fn each_child(decision: &mut DecisionOf<Registries>, kind: &str, change: fn(&mut Value)) {
    for action in &mut decision.actions {
        if let Action::Create(child) | Action::Apply(child) = action
            && child.address().kind.kind == kind
        {
            change(&mut child.body);
        }
    }
}
