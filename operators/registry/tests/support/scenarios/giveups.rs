//! Sources that are measured, and ModelVersions that are given up before anybody knows what became of them.

use std::time::Duration;

use millrace_crds::{DataGrant, ModelVersion};
use millrace_kit::sim::{Scenario, World};
use millrace_registry::mlflow::NewVersion;
use serde_json::json;

use super::versions::{alias, around, base, catch_up, full, of, registered, whole};
use crate::support::{cluster::all, expect, mlflow::Store, registry_says, version, version_ready, version_says};

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

fn registers(world: &World) -> bool {
    let status = world.get::<ModelVersion>("ml", "a").and_then(|v| v.status);
    status.is_some_and(|s| s.creating.is_some())
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

pub fn scenarios() -> Vec<Scenario> {
    vec![
        of("a source without files")
            .given(|world| {
                world.shelf::<Store>().lock().empty = true;
                one(world);
            })
            .actors(around)
            .then(|world| {
                version_says(world, "a", "False SourceEmpty")?;
                expect("versions", &count(world).to_string(), "0")?;
                nothing_left(world)
            }),
        of("a container beside the measurement never ends")
            .given(|world| {
                world.shelf::<Store>().lock().sidecar = true;
                one(world);
            })
            .actors(around)
            .then(|world| {
                registered(world)?;
                nothing_left(world)
            }),
        of("a measurement is evicted after its last words")
            .given(|world| {
                world.shelf::<Store>().lock().evicts = Some(String::new());
                one(world);
            })
            .actors(around)
            .then(|world| {
                registered(world)?;
                let status = world.get::<ModelVersion>("ml", "a").and_then(|v| v.status).unwrap_or_default();
                expect("attempts", &format!("{:?}", status.measuring), "Some(2)")
            }),
        of("the files come later, and somebody asks")
            .given(|world| {
                world.shelf::<Store>().lock().empty = true;
                one(world);
            })
            .actors(around)
            .when(
                |world| version_says(world, "a", "False SourceEmpty").is_ok(),
                |world| {
                    world.shelf::<Store>().lock().empty = false;
                    world.change::<ModelVersion>("ml", "a", |v| {
                        let key = "reconcile.fluxcd.io/requestedAt".to_owned();
                        v.metadata.annotations.get_or_insert_default().insert(key, "now".into());
                    });
                },
            )
            .then(|world| {
                registered(world)?;
                nothing_left(world)
            }),
        of("the store is away while a source is measured")
            .given(|world| {
                world.shelf::<Store>().lock().store_says = 3;
                one(world);
            })
            .actors(around)
            .when(
                |world| version_says(world, "a", "False SourceNotMeasured").is_ok(),
                |world| world.shelf::<Store>().lock().store_says = 0,
            )
            .then(|world| {
                registered(world)?;
                nothing_left(world)
            }),
        of("given up before it is known to be registered")
            .given(|world| {
                quiet(world);
                world.shelf::<Store>().lock().meanwhile = Some(deleted_meanwhile);
                one(world);
            })
            .actors(around)
            .then(|world| {
                gone(world, "a")?;
                expect("versions", &count(world).to_string(), "0")
            }),
        of("given up while it is on its way")
            .given(|world| {
                quiet(world);
                world.shelf::<Store>().lock().slow = true;
                one(world);
            })
            .actors(around)
            .when(registers, |world| world.delete::<ModelVersion>("ml", "a"))
            .actor(|| Box::new(catch_up))
            .then(|world| {
                gone(world, "a")?;
                expect("versions", &count(world).to_string(), "0")
            }),
        of("given up after it took an alias")
            .given(|world| {
                quiet(world);
                one(world);
            })
            .actors(around)
            .when(
                |world| version_ready(world, "a"),
                |world| {
                    world.shelf::<Store>().lock().meanwhile = Some(deleted_meanwhile);
                    world.apply(&version("b", json!({"aliases": ["champion"]})));
                },
            )
            .then(|world| {
                gone(world, "b")?;
                expect("versions", &count(world).to_string(), "1")?;
                alias(world, "champion", Some(1))?;
                version_says(world, "a", "True Registered")
            }),
        of("given up, and the server never comes back")
            .given(|world| {
                quiet(world);
                world.shelf::<Store>().lock().meanwhile = Some(|world, new| {
                    world.shelf::<Store>().lock().down = true;
                    deleted_meanwhile(world, new);
                });
                one(world);
            })
            .actors(around)
            .then(|world| gone(world, "a"))
            .within(LONG),
    ]
}

/// With the registry's controller, whose look notices what others do.
pub fn polled() -> Vec<Scenario> {
    vec![
        of("a registry whose version has no files serves all the same")
            .given(|world| {
                world.shelf::<Store>().lock().empty = true;
                whole(world);
            })
            .actors(all)
            .then(|world| {
                version_says(world, "a", "False SourceEmpty")?;
                registry_says(world, "Ready", "True Serving")
            }),
    ]
}
