//! Sources that are measured, and ModelVersions that are given up before anybody knows what became of them.

use std::time::Duration;

use millrace_crds::{DataGrant, ModelVersion};
use millrace_kit::sim::{Actor, World};
use millrace_registry::mlflow::NewVersion;
use serde_json::json;

use crate::support::{Plot, expect, mlflow::Store, once, registry_says, version, version_ready, version_says};
use crate::versions::{alias, around, base, catch_up, full, polled, registered, with};

const SHORT: Duration = Duration::from_secs(90);
const LONG: Duration = Duration::from_secs(900);

fn one(world: &World) {
    base(world);
    world.apply(&version("a", full()));
}

fn count(world: &World) -> usize {
    world.shelf::<Store>().lock().models.values().map(std::collections::BTreeMap::len).sum()
}

fn nothing_left(world: &World) -> Result<(), String> {
    use k8s_openapi::api::batch::v1::Job;
    let left = world.list::<Job>().len() + world.list::<DataGrant>().len();
    expect("Jobs and grants of a measurement", &left.to_string(), "0")
}

fn quiet(world: &World) {
    world.shelf::<Store>().lock().quiet = true;
}

fn intends(world: &World, name: &str) -> bool {
    let status = world.get::<ModelVersion>("ml", name).and_then(|v| v.status);
    status.is_some_and(|s| s.creating.is_some())
}

fn given_up(name: &'static str) -> Actor {
    once(move |world| intends(world, name), move |world| world.delete::<ModelVersion>("ml", name))
}

/// The object is deleted at the very moment of its registration.
fn deleted_meanwhile(world: &World, new: &NewVersion) {
    if let Some(name) = new.source.strip_prefix("s3://store-models/") {
        world.delete::<ModelVersion>("ml", name);
    }
}

fn gone(world: &World, name: &str) -> Result<(), String> {
    expect("the object", &format!("{:?}", world.get::<ModelVersion>("ml", name).map(|v| v.status)), "None")
}

pub fn plots() -> Vec<Plot> {
    vec![
        Plot {
            name: "a source without files",
            setup: |world| {
                world.shelf::<Store>().lock().empty = true;
                one(world);
            },
            actors: around,
            end: |world| {
                version_says(world, "a", "False SourceEmpty")?;
                expect("versions", &count(world).to_string(), "0")?;
                nothing_left(world)
            },
            horizon: SHORT,
        },
        Plot {
            name: "a container beside the measurement never ends",
            setup: |world| {
                world.shelf::<Store>().lock().sidecar = true;
                one(world);
            },
            actors: around,
            end: |world| {
                registered(world)?;
                nothing_left(world)
            },
            horizon: SHORT,
        },
        Plot {
            name: "a measurement is evicted after its last words",
            setup: |world| {
                world.shelf::<Store>().lock().evicts = Some(String::new());
                one(world);
            },
            actors: around,
            end: |world| {
                registered(world)?;
                let status = world.get::<ModelVersion>("ml", "a").and_then(|v| v.status).unwrap_or_default();
                expect("attempts", &format!("{:?}", status.measuring), "Some(2)")
            },
            horizon: SHORT,
        },
        Plot {
            name: "the files come later, and somebody asks",
            setup: |world| {
                world.shelf::<Store>().lock().empty = true;
                one(world);
            },
            actors: || {
                let told = |world: &World| version_says(world, "a", "False SourceEmpty").is_ok();
                let ask = once(told, |world| {
                    world.shelf::<Store>().lock().empty = false;
                    world.change::<ModelVersion>("ml", "a", |v| {
                        let key = "reconcile.fluxcd.io/requestedAt".to_owned();
                        v.metadata.annotations.get_or_insert_default().insert(key, "now".into());
                    });
                });
                with(vec![ask])
            },
            end: |world| {
                registered(world)?;
                nothing_left(world)
            },
            horizon: SHORT,
        },
        Plot {
            name: "the store is away while a source is measured",
            setup: |world| {
                world.shelf::<Store>().lock().store_says = 3;
                one(world);
            },
            actors: || {
                let told = |world: &World| version_says(world, "a", "False SourceNotMeasured").is_ok();
                with(vec![once(told, |world| world.shelf::<Store>().lock().store_says = 0)])
            },
            end: |world| {
                registered(world)?;
                nothing_left(world)
            },
            horizon: SHORT,
        },
        Plot {
            name: "given up before it is known to be registered",
            setup: |world| {
                quiet(world);
                world.shelf::<Store>().lock().meanwhile = Some(deleted_meanwhile);
                one(world);
            },
            actors: around,
            end: |world| {
                gone(world, "a")?;
                expect("versions", &count(world).to_string(), "0")
            },
            horizon: SHORT,
        },
        Plot {
            name: "given up while it is on its way",
            setup: |world| {
                quiet(world);
                world.shelf::<Store>().lock().slow = true;
                one(world);
            },
            actors: || with(vec![given_up("a"), Box::new(catch_up)]),
            end: |world| {
                gone(world, "a")?;
                expect("versions", &count(world).to_string(), "0")
            },
            horizon: SHORT,
        },
        Plot {
            name: "given up after it took an alias",
            setup: |world| {
                quiet(world);
                one(world);
            },
            actors: || {
                let second = once(
                    |world| version_ready(world, "a"),
                    |world| {
                        world.shelf::<Store>().lock().meanwhile = Some(deleted_meanwhile);
                        world.apply(&version("b", json!({"aliases": ["champion"]})));
                    },
                );
                with(vec![second])
            },
            end: |world| {
                gone(world, "b")?;
                expect("versions", &count(world).to_string(), "1")?;
                alias(world, "champion", Some(1))?;
                version_says(world, "a", "True Registered")
            },
            horizon: SHORT,
        },
        Plot {
            name: "given up, and the server never comes back",
            setup: |world| {
                quiet(world);
                world.shelf::<Store>().lock().meanwhile = Some(|world, new| {
                    world.shelf::<Store>().lock().down = true;
                    deleted_meanwhile(world, new);
                });
                one(world);
            },
            actors: around,
            end: |world| gone(world, "a"),
            horizon: LONG,
        },
    ]
}

/// With the registry's controller, whose look notices what others do.
pub fn polled_plots() -> Vec<Plot> {
    vec![Plot {
        name: "a registry whose version has no files serves all the same",
        setup: |world| {
            world.shelf::<Store>().lock().empty = true;
            crate::versions::whole(world);
        },
        actors: || polled(Vec::new()),
        end: |world| {
            version_says(world, "a", "False SourceEmpty")?;
            registry_says(world, "Ready", "True Serving")
        },
        horizon: SHORT,
    }]
}
