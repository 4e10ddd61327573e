//! What may happen around ModelVersions, on a registry that serves.

use std::time::Duration;

use millrace_crds::ModelVersion;
use millrace_kit::sim::{Actor, Scenario, World, once};
use serde_json::{Value, json};

use super::registries::plain;
use crate::support::{
    bucket,
    cluster::{all, dataplane, jobs},
    expect,
    mlflow::Store,
    scenario, serving_registry, version, version_ready, version_says,
};

const SHORT: Duration = Duration::from_secs(90);

/// A scenario around one version.
pub fn of(name: &str) -> Scenario {
    scenario(name).within(SHORT)
}

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

pub fn scenarios() -> Vec<Scenario> {
    vec![
        of("registered").given(one).actors(around).then(registered),
        of("a newer version takes the alias")
            .given(one)
            .actors(around)
            .actor(|| second(json!({"aliases": ["champion"]})))
            .then(|world| {
                version_says(world, "a", "True Registered")?;
                version_says(world, "b", "True Registered")?;
                alias(world, "champion", Some(2))?;
                alias(world, "candidate", Some(1))
            }),
        of("an older version takes the alias back when it newly lists it")
            .given(|world| {
                base(world);
                world.apply(&version("a", json!({})));
            })
            .actors(around)
            .actor(|| second(json!({"aliases": ["champion"]})))
            .when(
                |world| version_ready(world, "b"),
                |world| world.apply(&version("a", json!({"aliases": ["champion"]}))),
            )
            .then(|world| {
                version_says(world, "a", "True Registered")?;
                version_says(world, "b", "True Registered")?;
                alias(world, "champion", Some(1))
            }),
        of("tags and aliases changed by its owner")
            .given(one)
            .actors(around)
            .when(
                |world| version_ready(world, "a"),
                |world| world.apply(&version("a", json!({"aliases": ["candidate"], "tags": {"f1": "0.5"}}))),
            )
            .then(|world| {
                version_says(world, "a", "True Registered")?;
                alias(world, "champion", None)?;
                alias(world, "candidate", Some(1))?;
                tag(world, "auc", None)?;
                tag(world, "f1", Some("0.5"))
            }),
        of("the server is away at first")
            .given(base)
            .actors(around)
            .when(
                |_| true,
                |world| {
                    world.shelf::<Store>().lock().down = true;
                    world.apply(&version("a", full()));
                },
            )
            .when(
                |world| {
                    ["ServerUnreachable", "RegistryNotReady"]
                        .iter()
                        .any(|r| version_says(world, "a", &format!("False {r}")).is_ok())
                },
                |world| world.shelf::<Store>().lock().down = false,
            )
            .then(registered),
        of("a settled version is left alone while the server is away")
            .given(one)
            .actors(around)
            .actor(|| behind(|state| state.down = true))
            .then(|world| version_says(world, "a", "True Registered")),
        of("the login is refused")
            .given(base)
            .actors(around)
            .when(
                |_| true,
                |world| {
                    world.shelf::<Store>().lock().refuses = true;
                    world.apply(&version("a", full()));
                },
            )
            .then(|world| {
                expect("versions", &world.shelf::<Store>().lock().models.len().to_string(), "0")?;
                version_says(world, "a", "False ServerUnreachable")
            }),
        of("the bucket is declared later")
            .given(|world| {
                base(world);
                world.apply(&version("a", json!({"source": "s3a://store-other/a/"})));
            })
            .actors(around)
            .when(
                |world| version_says(world, "a", "False SourceNotVerified").is_ok(),
                |world| world.apply(&bucket("other")),
            )
            .then(|world| {
                version_says(world, "a", "True Registered")?;
                let source = world.shelf::<Store>().lock().models["flights"][&1].source.clone();
                expect("the source", &source, "s3://store-other/a")
            }),
        of("the bucket is another's")
            .given(|world| {
                base(world);
                world.apply(&version("a", json!({"source": "s3://elsewhere/a"})));
            })
            .actors(around)
            .then(|world| {
                expect("versions", &world.shelf::<Store>().lock().models.len().to_string(), "0")?;
                version_says(world, "a", "False SourceNotVerified")
            }),
        of("the object is deleted")
            .given(one)
            .actors(around)
            .when(|world| version_ready(world, "a"), |world| world.delete::<ModelVersion>("ml", "a"))
            .then(|world| {
                expect("versions", &world.shelf::<Store>().lock().models["flights"].len().to_string(), "1")?;
                alias(world, "champion", Some(1))
            }),
        of("a spec that cannot work")
            .given(|world| {
                base(world);
                world.apply(&version(
                    "a",
                    json!({"aliases": ["latest"], "tags": {"millrace.dev/uid": "x"}, "source": "/tmp/m"}),
                ));
            })
            .actors(around)
            .then(|world| version_says(world, "a", "False InvalidSpec")),
    ]
}

/// The registry's controller is there too: it is its look every 30 s that notices what somebody does in MLflow.
pub fn whole(world: &World) {
    world.apply(&bucket("models"));
    plain(world);
    world.apply(&version("a", full()));
}

pub fn catch_up(world: &World) -> bool {
    let done = world.shelf::<Store>().lock().catch_up(world.now());
    if done && !world.shelf::<Store>().lock().quiet {
        world.effect("create version of flights from s3://store-models/a");
    }
    done
}

pub fn polled() -> Vec<Scenario> {
    vec![
        of("the registration takes effect after its deadline")
            .given(|world| {
                whole(world);
                world.shelf::<Store>().lock().slow = true;
            })
            .actors(all)
            .actor(|| Box::new(catch_up))
            .then(registered),
        of("deleted in MLflow")
            .given(whole)
            .actors(all)
            .actor(|| {
                behind(|state| {
                    state.models.get_mut("flights").unwrap().clear();
                    state.aliases.get_mut("flights").unwrap().clear();
                })
            })
            .then(|world| version_says(world, "a", "False VersionDeleted")),
        of("deleted in MLflow, and its number given to somebody else")
            .given(whole)
            .actors(all)
            .actor(|| {
                behind(|state| {
                    let first = state.models.get_mut("flights").unwrap().get_mut(&1).unwrap();
                    first.tags.clear();
                    first.source = "s3://theirs/x".into();
                    state.aliases.get_mut("flights").unwrap().clear();
                })
            })
            .then(|world| version_says(world, "a", "False VersionDeleted")),
        of("tags and aliases changed behind our back")
            .given(whole)
            .actors(all)
            .actor(|| {
                behind(|state| {
                    let first = state.models.get_mut("flights").unwrap().get_mut(&1).unwrap();
                    first.tags = [("auc".to_owned(), "1.0".to_owned()), ("theirs".to_owned(), "x".to_owned())].into();
                    first.description = "changed".into();
                    state.aliases.get_mut("flights").unwrap().remove("champion");
                })
            })
            .then(|world| {
                registered(world)?;
                tag(world, "theirs", Some("x"))?;
                let text = world.shelf::<Store>().lock().models["flights"][&1].description.clone();
                expect("the description", &text, "first")
            }),
    ]
}
