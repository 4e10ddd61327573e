//! What may happen around a ModelRegistry.

use std::time::Duration;

use k8s_openapi::api::{
    apps::v1::Deployment,
    batch::v1::Job,
    core::v1::{Secret, Service},
};
use kube::ResourceExt;
use millrace_crds::{DataBucket, DataGrant, ModelRegistry};
use millrace_kit::{
    Address,
    sim::{Actor, World},
};
use serde_json::{Value, json};

use crate::support::{
    Plot, bucket,
    cluster::{self, all, dataplane, deployments, jobs, waiting_pod},
    expect,
    mlflow::Store,
    once, registry, registry_ready, registry_says, secret, secret_is_right, version, version_says,
};

const SHORT: Duration = Duration::from_secs(75);

pub fn plain(world: &World) {
    secret(world, "registry-database", &[("uri", "host-1 user")]);
    world.apply(&registry(json!({})));
}

pub fn serving(world: &World) -> Result<(), String> {
    registry_says(world, "Ready", "True Serving")?;
    for kind in ["DataReady", "DatabaseMigrated", "ServerAvailable", "UpToDate"] {
        let word = super::reason(world.get::<ModelRegistry>("ml", "main").and_then(|r| r.status).as_ref(), kind);
        if !word.starts_with("True") {
            return Err(format!("{kind} is {word}"));
        }
    }
    expect("jobs", &world.list::<Job>().len().to_string(), "1")?;
    secret_is_right(world)
}

pub fn image(world: &World) -> String {
    let deployment = world.get::<Deployment>("ml", "main-mlflow");
    let spec = deployment.and_then(|d| d.spec).and_then(|s| s.template.spec);
    spec.and_then(|s| s.containers[0].image.clone()).unwrap_or_default()
}

pub fn upgrade() -> Actor {
    once(registry_ready, |world| world.apply(&registry(json!({"image": "mlflow:2"}))))
}

/// Away once Ready, back once that was told.
fn outage() -> Vec<Actor> {
    let down = once(registry_ready, |world| world.shelf::<Store>().lock().down = true);
    let told = |world: &World| registry_says(world, "ServerAvailable", "False ServerUnreachable").is_ok();
    let up = once(told, |world| world.shelf::<Store>().lock().down = false);
    [all(), vec![down, up]].concat_all()
}

/// Images of Deployments come from a mirror, whatever is asked for.
fn mirror(at: &Address, body: &mut Value) {
    if at.kind.kind == "Deployment" {
        let image = &mut body["spec"]["template"]["spec"]["containers"][0]["image"];
        *image = json!(format!("mirror/{}", image.as_str().unwrap_or_default().trim_start_matches("mirror/")));
    }
}

pub trait Concat {
    fn concat_all(self) -> Vec<Actor>;
}

impl<const N: usize> Concat for [Vec<Actor>; N] {
    fn concat_all(self) -> Vec<Actor> {
        self.into_iter().flatten().collect()
    }
}

/// Once a new image is migrated: the old Job is gone and somebody else's stands under its name.
fn thief() -> Actor {
    let mut old = String::new();
    let mut done = false;
    Box::new(move |world| {
        let jobs = world.list::<Job>();
        if old.is_empty() && jobs.len() == 1 {
            old = jobs[0].name_any();
        }
        let status = world.get::<ModelRegistry>("ml", "main").and_then(|r| r.status).unwrap_or_default();
        let moved_on = status.migration.is_some_and(|m| m.image == "mlflow:2");
        if done || old.is_empty() || !moved_on {
            return false;
        }
        done = true;
        world.vanish::<Job>("ml", &old);
        world.apply(&serde_json::from_value::<Job>(json!({"metadata": {"name": old, "namespace": "ml"}})).unwrap());
        true
    })
}

fn login_lost() -> Vec<Actor> {
    let lose = once(registry_ready, |world| {
        world.vanish::<Secret>("ml", "main-mlflow-login");
        waiting_pod(world, "CreateContainerConfigError", "secret \"main-mlflow-login\" not found");
    });
    let back = once(
        |world| {
            world.get::<Secret>("ml", "main-mlflow-login").is_some()
                && world.get::<k8s_openapi::api::core::v1::Pod>("ml", "server-pod").is_some()
        },
        |world| world.vanish::<k8s_openapi::api::core::v1::Pod>("ml", "server-pod"),
    );
    [all(), vec![lose, back]].concat_all()
}

pub fn plots() -> Vec<Plot> {
    vec![
        Plot { name: "from nothing", setup: plain, actors: all, end: serving, horizon: SHORT },
        Plot {
            name: "a registry and a version at once",
            setup: |world| {
                plain(world);
                world.apply(&version("a", json!({"aliases": ["champion"]})));
            },
            actors: all,
            end: |world| {
                serving(world)?;
                version_says(world, "a", "True Registered")
            },
            horizon: SHORT,
        },
        Plot {
            name: "the bucket is there",
            setup: |world| {
                world.apply(&bucket("models"));
                plain(world);
            },
            actors: all,
            end: serving,
            horizon: SHORT,
        },
        Plot {
            name: "a new image is migrated before it serves",
            setup: plain,
            actors: || [all(), vec![upgrade()]].concat_all(),
            end: |world| {
                serving(world)?;
                expect("the image", &image(world), "mlflow:2")
            },
            horizon: SHORT,
        },
        Plot {
            name: "a new image that does not migrate leaves the server alone",
            setup: plain,
            actors: || vec![dataplane(), jobs(|a| i32::from(a.number > 1)), deployments(), upgrade()],
            end: |world| {
                registry_says(world, "Stalled", "True MigrationFailed")?;
                expect("the image", &image(world), "mlflow:1")
            },
            horizon: SHORT,
        },
        Plot {
            name: "the database comes late",
            setup: plain,
            actors: || vec![dataplane(), jobs(|a| if a.number < 3 { 3 } else { 0 }), deployments()],
            end: serving,
            horizon: SHORT,
        },
        Plot {
            name: "the database is away for good",
            setup: plain,
            actors: || vec![dataplane(), jobs(|_| 3), deployments()],
            end: |world| registry_says(world, "Ready", "False DatabaseUnreachable"),
            horizon: SHORT,
        },
        Plot { name: "the server is away for a while", setup: plain, actors: outage, end: serving, horizon: SHORT },
        Plot { name: "the login is deleted", setup: plain, actors: login_lost, end: serving, horizon: SHORT },
        Plot {
            name: "the server's name is taken",
            setup: |world| {
                let service = json!({"metadata": {"name": "main-mlflow", "namespace": "ml"}});
                world.apply(&serde_json::from_value::<Service>(service).unwrap());
                plain(world);
            },
            actors: all,
            end: |world| registry_says(world, "Stalled", "True NameTaken"),
            horizon: SHORT,
        },
        Plot {
            name: "the image cannot be pulled",
            setup: plain,
            actors: || {
                let stuck = once(
                    |world| world.get::<Deployment>("ml", "main-mlflow").is_some(),
                    |world| waiting_pod(world, "ImagePullBackOff", "Back-off pulling image \"mlflow:1\""),
                );
                vec![dataplane(), jobs(|_| 0), stuck]
            },
            end: |world| registry_says(world, "Stalled", "True ImageUnavailable"),
            horizon: Duration::from_secs(900),
        },
        Plot {
            name: "the server's settings are changed by hand",
            setup: plain,
            actors: || {
                let edit = once(registry_ready, |world| {
                    world.change::<Deployment>("ml", "main-mlflow", |d| {
                        let spec = d.spec.as_mut().unwrap();
                        spec.template.spec.as_mut().unwrap().containers[0].image = Some("evil:1".into());
                    });
                });
                [all(), vec![edit]].concat_all()
            },
            end: |world| {
                serving(world)?;
                expect("the image", &image(world), "mlflow:1")
            },
            horizon: SHORT,
        },
        Plot {
            name: "a webhook changes the server",
            setup: |world| {
                world.webhook(mirror);
                plain(world);
            },
            actors: all,
            end: |world| {
                registry_says(world, "Stalled", "True Overruled")?;
                expect("the image", &image(world), "mirror/mlflow:1")
            },
            horizon: SHORT,
        },
        Plot {
            name: "somebody else writes into the status",
            setup: plain,
            actors: || {
                let mut left = 4;
                let edit: Actor = Box::new(move |world| {
                    if left == 0 {
                        return false;
                    }
                    left -= 1;
                    world.change::<ModelRegistry>("ml", "main", |r| {
                        r.status.get_or_insert_default().other.insert("theirs".into(), json!(left));
                    });
                    true
                });
                [all(), vec![edit]].concat_all()
            },
            end: |world| {
                let other = world.get::<ModelRegistry>("ml", "main").and_then(|r| r.status).unwrap_or_default().other;
                expect("what somebody wrote", &other["theirs"].to_string(), "0")?;
                serving(world)
            },
            horizon: SHORT,
        },
        Plot {
            name: "an old Job's name is taken",
            setup: plain,
            actors: || [all(), vec![upgrade(), thief()]].concat_all(),
            end: |world| {
                registry_says(world, "Ready", "True Serving")?;
                expect("jobs", &world.list::<Job>().len().to_string(), "2")
            },
            horizon: SHORT,
        },
        Plot {
            name: "deleted while it serves",
            setup: |world| {
                world.apply(&bucket("models"));
                plain(world);
            },
            actors: || {
                [all(), vec![once(registry_ready, |world| world.delete::<ModelRegistry>("ml", "main"))]].concat_all()
            },
            end: |world| {
                let left =
                    world.list::<Deployment>().len() + world.list::<Job>().len() + world.list::<DataGrant>().len();
                expect("children", &left.to_string(), "0")?;
                let kept: Vec<String> = world.list::<DataBucket>().iter().map(|b| b.name_any()).collect();
                expect("buckets", &kept.join(","), "models")
            },
            horizon: SHORT,
        },
        Plot {
            name: "a spec that cannot work",
            setup: |world| world.apply(&registry(json!({"share": [{"namespaces": {}}], "resources": {"cpu": "lots"}}))),
            actors: cluster::all,
            end: |world| {
                expect("children", &world.list::<Deployment>().len().to_string(), "0")?;
                registry_says(world, "Stalled", "True InvalidSpec")
            },
            horizon: SHORT,
        },
    ]
}
