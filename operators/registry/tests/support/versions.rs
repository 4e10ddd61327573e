//! What may happen around ModelVersions, on a registry that serves.

use std::time::Duration;

use millrace_crds::ModelVersion;
use millrace_kit::sim::{Actor, World};
use serde_json::{Value, json};

use crate::registries::plain;
use crate::support::{
    Plot, bucket,
    cluster::{all, dataplane, jobs},
    expect,
    mlflow::Store,
    once, serving_registry, version, version_ready, version_says,
};

const SHORT: Duration = Duration::from_secs(90);

pub fn base(world: &World) {
    world.apply(&bucket("models"));
    serving_registry(world);
}

pub fn full() -> Value {
    json!({"aliases": ["candidate", "champion"], "tags": {"auc": "0.7"}, "description": "first"})
}

fn one(world: &World) {
    base(world);
    world.apply(&version("a", full()));
}

pub fn around() -> Vec<Actor> {
    vec![dataplane(), jobs(|_| 0)]
}

pub fn with(more: Vec<Actor>) -> Vec<Actor> {
    let mut actors = around();
    actors.extend(more);
    actors
}

pub fn alias(world: &World, alias: &str, want: Option<i64>) -> Result<(), String> {
    let have = world.shelf::<Store>().lock().aliases.get("flights").and_then(|m| m.get(alias)).copied();
    expect(&format!("alias {alias}"), &format!("{have:?}"), &format!("{want:?}"))
}

fn tag(world: &World, key: &str, want: Option<&str>) -> Result<(), String> {
    let have = world.shelf::<Store>().lock().models["flights"][&1].tags.get(key).cloned();
    expect(&format!("tag {key}"), &format!("{:?}", have.as_deref()), &format!("{want:?}"))
}

pub fn registered(world: &World) -> Result<(), String> {
    version_says(world, "a", "True Registered")?;
    alias(world, "champion", Some(1))?;
    alias(world, "candidate", Some(1))?;
    tag(world, "auc", Some("0.7"))
}

pub fn second(spec: Value) -> Actor {
    once(|world| version_ready(world, "a"), move |world| world.apply(&version("b", spec.clone())))
}

/// Something somebody does in MLflow once the version is registered.
fn behind(act: fn(&mut crate::support::mlflow::State)) -> Actor {
    once(|world| version_ready(world, "a"), move |world| act(&mut world.shelf::<Store>().lock()))
}

pub fn plots() -> Vec<Plot> {
    vec![
        Plot { name: "registered", setup: one, actors: around, end: registered, horizon: SHORT },
        Plot {
            name: "a newer version takes the alias",
            setup: one,
            actors: || with(vec![second(json!({"aliases": ["champion"]}))]),
            end: |world| {
                version_says(world, "a", "True Registered")?;
                version_says(world, "b", "True Registered")?;
                alias(world, "champion", Some(2))?;
                alias(world, "candidate", Some(1))
            },
            horizon: SHORT,
        },
        Plot {
            name: "an older version takes the alias back when it newly lists it",
            setup: |world| {
                base(world);
                world.apply(&version("a", json!({})));
            },
            actors: || {
                let back = once(
                    |world| version_ready(world, "b"),
                    |world| world.apply(&version("a", json!({"aliases": ["champion"]}))),
                );
                with(vec![second(json!({"aliases": ["champion"]})), back])
            },
            end: |world| {
                version_says(world, "a", "True Registered")?;
                version_says(world, "b", "True Registered")?;
                alias(world, "champion", Some(1))
            },
            horizon: SHORT,
        },
        Plot {
            name: "tags and aliases changed by its owner",
            setup: one,
            actors: || {
                let edit = once(
                    |world| version_ready(world, "a"),
                    |world| world.apply(&version("a", json!({"aliases": ["candidate"], "tags": {"f1": "0.5"}}))),
                );
                with(vec![edit])
            },
            end: |world| {
                version_says(world, "a", "True Registered")?;
                alias(world, "champion", None)?;
                alias(world, "candidate", Some(1))?;
                tag(world, "auc", None)?;
                tag(world, "f1", Some("0.5"))
            },
            horizon: SHORT,
        },
        Plot {
            name: "the server is away at first",
            setup: base,
            actors: || {
                let down = once(
                    |_| true,
                    |world| {
                        world.shelf::<Store>().lock().down = true;
                        world.apply(&version("a", full()));
                    },
                );
                let told = |world: &World| {
                    ["ServerUnreachable", "RegistryNotReady"]
                        .iter()
                        .any(|r| version_says(world, "a", &format!("False {r}")).is_ok())
                };
                let up = once(told, |world| world.shelf::<Store>().lock().down = false);
                with(vec![down, up])
            },
            end: registered,
            horizon: SHORT,
        },
        Plot {
            name: "a settled version is left alone while the server is away",
            setup: one,
            actors: || with(vec![behind(|state| state.down = true)]),
            end: |world| version_says(world, "a", "True Registered"),
            horizon: SHORT,
        },
        Plot {
            name: "the login is refused",
            setup: base,
            actors: || {
                let refuse = once(
                    |_| true,
                    |world| {
                        world.shelf::<Store>().lock().refuses = true;
                        world.apply(&version("a", full()));
                    },
                );
                with(vec![refuse])
            },
            end: |world| {
                expect("versions", &world.shelf::<Store>().lock().models.len().to_string(), "0")?;
                version_says(world, "a", "False ServerUnreachable")
            },
            horizon: SHORT,
        },
        Plot {
            name: "the bucket is declared later",
            setup: |world| {
                base(world);
                world.apply(&version("a", json!({"source": "s3a://store-other/a/"})));
            },
            actors: || {
                let declare = once(
                    |world| version_says(world, "a", "False SourceNotVerified").is_ok(),
                    |world| world.apply(&bucket("other")),
                );
                with(vec![declare])
            },
            end: |world| {
                version_says(world, "a", "True Registered")?;
                let source = world.shelf::<Store>().lock().models["flights"][&1].source.clone();
                expect("the source", &source, "s3://store-other/a")
            },
            horizon: SHORT,
        },
        Plot {
            name: "the bucket is another's",
            setup: |world| {
                base(world);
                world.apply(&version("a", json!({"source": "s3://elsewhere/a"})));
            },
            actors: around,
            end: |world| {
                expect("versions", &world.shelf::<Store>().lock().models.len().to_string(), "0")?;
                version_says(world, "a", "False SourceNotVerified")
            },
            horizon: SHORT,
        },
        Plot {
            name: "the object is deleted",
            setup: one,
            actors: || {
                with(vec![once(|world| version_ready(world, "a"), |world| world.delete::<ModelVersion>("ml", "a"))])
            },
            end: |world| {
                expect("versions", &world.shelf::<Store>().lock().models["flights"].len().to_string(), "1")?;
                alias(world, "champion", Some(1))
            },
            horizon: SHORT,
        },
        Plot {
            name: "a spec that cannot work",
            setup: |world| {
                base(world);
                world.apply(&version(
                    "a",
                    json!({"aliases": ["latest"], "tags": {"millrace.dev/uid": "x"}, "source": "/tmp/m"}),
                ));
            },
            actors: around,
            end: |world| version_says(world, "a", "False InvalidSpec"),
            horizon: SHORT,
        },
    ]
}

/// The registry's controller is there too: it is its look every 30 s that notices what somebody does in MLflow.
pub fn whole(world: &World) {
    world.apply(&bucket("models"));
    plain(world);
    world.apply(&version("a", full()));
}

pub fn polled(more: Vec<Actor>) -> Vec<Actor> {
    let mut actors = all();
    actors.extend(more);
    actors
}

pub fn catch_up(world: &World) -> bool {
    let done = world.shelf::<Store>().lock().catch_up(world.now());
    if done && !world.shelf::<Store>().lock().quiet {
        world.effect("create version of flights from s3://store-models/a");
    }
    done
}

pub fn polled_plots() -> Vec<Plot> {
    vec![
        Plot {
            name: "the registration takes effect after its deadline",
            setup: |world| {
                whole(world);
                world.shelf::<Store>().lock().slow = true;
            },
            actors: || polled(vec![Box::new(catch_up)]),
            end: registered,
            horizon: SHORT,
        },
        Plot {
            name: "deleted in MLflow",
            setup: whole,
            actors: || {
                polled(vec![behind(|state| {
                    state.models.get_mut("flights").unwrap().clear();
                    state.aliases.get_mut("flights").unwrap().clear();
                })])
            },
            end: |world| version_says(world, "a", "False VersionDeleted"),
            horizon: SHORT,
        },
        Plot {
            name: "deleted in MLflow, and its number given to somebody else",
            setup: whole,
            actors: || {
                polled(vec![behind(|state| {
                    let first = state.models.get_mut("flights").unwrap().get_mut(&1).unwrap();
                    first.tags.clear();
                    first.source = "s3://theirs/x".into();
                    state.aliases.get_mut("flights").unwrap().clear();
                })])
            },
            end: |world| version_says(world, "a", "False VersionDeleted"),
            horizon: SHORT,
        },
        Plot {
            name: "tags and aliases changed behind our back",
            setup: whole,
            actors: || {
                polled(vec![behind(|state| {
                    let first = state.models.get_mut("flights").unwrap().get_mut(&1).unwrap();
                    first.tags = [("auc".to_owned(), "1.0".to_owned()), ("theirs".to_owned(), "x".to_owned())].into();
                    first.description = "changed".into();
                    state.aliases.get_mut("flights").unwrap().remove("champion");
                })])
            },
            end: |world| {
                registered(world)?;
                tag(world, "theirs", Some("x"))?;
                let text = world.shelf::<Store>().lock().models["flights"][&1].description.clone();
                expect("the description", &text, "first")
            },
            horizon: SHORT,
        },
    ]
}
