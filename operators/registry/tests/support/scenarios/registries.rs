//! What may happen around a ModelRegistry.

use std::time::Duration;

use k8s_openapi::api::{
    apps::v1::Deployment,
    batch::v1::Job,
    core::v1::{Pod, Secret, Service},
};
use kube::ResourceExt;
use millrace_crds::{DataBucket, DataGrant, ModelRegistry};
use millrace_kit::{
    Address,
    sim::{Actor, Scenario, World, once},
};
use serde_json::{Value, json};

use crate::support::{
    bucket,
    cluster::{all, dataplane, deployments, jobs, waiting_pod},
    expect,
    mlflow::Store,
    reason, registry, registry_ready, registry_says, scenario, secret, secret_is_right, version, version_says,
};

const SHORT: Duration = Duration::from_secs(75);

/// A scenario around one registry.
pub fn of(name: &str) -> Scenario {
    scenario(name).within(SHORT)
}

pub fn plain(world: &World) {
    secret(world, "registry-database", &[("uri", "host-1 user")]);
    world.apply(&registry(json!({})));
}

pub fn serving(world: &World) -> Result<(), String> {
    registry_says(world, "Ready", "True Serving")?;
    for kind in ["DataReady", "DatabaseMigrated", "ServerAvailable", "UpToDate"] {
        let word = reason(world.get::<ModelRegistry>("ml", "main").and_then(|r| r.status).as_ref(), kind);
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

/// Images of Deployments come from a mirror, whatever is asked for.
fn mirror(at: &Address, body: &mut Value) {
    if at.kind.kind == "Deployment" {
        let image = &mut body["spec"]["template"]["spec"]["containers"][0]["image"];
        *image = json!(format!("mirror/{}", image.as_str().unwrap_or_default().trim_start_matches("mirror/")));
    }
}

/// Once a new image is migrated: the old Job is gone and somebody else's stands under its name.
fn job_replaced() -> Actor {
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

/// Writes into the status beside the operator.
fn editor() -> Actor {
    let mut left = 4;
    Box::new(move |world| {
        if left == 0 {
            return false;
        }
        left -= 1;
        world.change::<ModelRegistry>("ml", "main", |r| {
            r.status.get_or_insert_default().other.insert("theirs".into(), json!(left));
        });
        true
    })
}

pub fn scenarios() -> Vec<Scenario> {
    vec![
        of("from nothing").given(plain).actors(all).then(serving),
        of("a registry and a version at once")
            .given(|world| {
                plain(world);
                world.apply(&version("a", json!({"aliases": ["champion"]})));
            })
            .actors(all)
            .then(|world| {
                serving(world)?;
                version_says(world, "a", "True Registered")
            }),
        of("the bucket is there")
            .given(|world| {
                world.apply(&bucket("models"));
                plain(world);
            })
            .actors(all)
            .then(serving),
        of("a new image is migrated before it serves").given(plain).actors(all).actor(upgrade).then(|world| {
            serving(world)?;
            expect("the image", &image(world), "mlflow:2")
        }),
        of("a new image that does not migrate leaves the server alone")
            .given(plain)
            .actor(dataplane)
            .actor(|| jobs(|a| i32::from(a.number > 1)))
            .actor(deployments)
            .actor(upgrade)
            .then(|world| {
                registry_says(world, "Stalled", "True MigrationFailed")?;
                expect("the image", &image(world), "mlflow:1")
            }),
        of("the database comes late")
            .given(plain)
            .actor(dataplane)
            .actor(|| jobs(|a| if a.number < 3 { 3 } else { 0 }))
            .actor(deployments)
            .then(serving),
        of("the database is away for good")
            .given(plain)
            .actor(dataplane)
            .actor(|| jobs(|_| 3))
            .actor(deployments)
            .then(|world| registry_says(world, "Ready", "False DatabaseUnreachable")),
        of("the server is away for a while")
            .given(plain)
            .actors(all)
            .when(registry_ready, |world| world.shelf::<Store>().lock().down = true)
            .when(
                |world| registry_says(world, "ServerAvailable", "False ServerUnreachable").is_ok(),
                |world| world.shelf::<Store>().lock().down = false,
            )
            .then(serving),
        of("the login is deleted")
            .given(plain)
            .actors(all)
            .when(registry_ready, |world| {
                world.vanish::<Secret>("ml", "main-mlflow-login");
                waiting_pod(world, "CreateContainerConfigError", "secret \"main-mlflow-login\" not found");
            })
            .when(
                |world| {
                    world.get::<Secret>("ml", "main-mlflow-login").is_some()
                        && world.get::<Pod>("ml", "server-pod").is_some()
                },
                |world| world.vanish::<Pod>("ml", "server-pod"),
            )
            .then(serving),
        of("the server's name is taken")
            .given(|world| {
                let service = json!({"metadata": {"name": "main-mlflow", "namespace": "ml"}});
                world.apply(&serde_json::from_value::<Service>(service).unwrap());
                plain(world);
            })
            .actors(all)
            .then(|world| registry_says(world, "Stalled", "True NameTaken")),
        of("the image cannot be pulled")
            .given(plain)
            .actor(dataplane)
            .actor(|| jobs(|_| 0))
            .when(
                |world| world.get::<Deployment>("ml", "main-mlflow").is_some(),
                |world| waiting_pod(world, "ImagePullBackOff", "Back-off pulling image \"mlflow:1\""),
            )
            .then(|world| registry_says(world, "Stalled", "True ImageUnavailable"))
            .within(Duration::from_secs(900)),
        of("the server's settings are changed by hand")
            .given(plain)
            .actors(all)
            .when(registry_ready, |world| {
                world.change::<Deployment>("ml", "main-mlflow", |d| {
                    let spec = d.spec.as_mut().unwrap();
                    spec.template.spec.as_mut().unwrap().containers[0].image = Some("evil:1".into());
                });
            })
            .then(|world| {
                serving(world)?;
                expect("the image", &image(world), "mlflow:1")
            }),
        of("a webhook changes the server")
            .given(|world| {
                world.webhook(mirror);
                plain(world);
            })
            .actors(all)
            .then(|world| {
                registry_says(world, "Stalled", "True Overruled")?;
                expect("the image", &image(world), "mirror/mlflow:1")
            }),
        of("somebody else writes into the status").given(plain).actors(all).actor(editor).then(|world| {
            let other = world.get::<ModelRegistry>("ml", "main").and_then(|r| r.status).unwrap_or_default().other;
            expect("what somebody wrote", &other["theirs"].to_string(), "0")?;
            serving(world)
        }),
        of("an old Job's name is taken").given(plain).actors(all).actor(upgrade).actor(job_replaced).then(|world| {
            registry_says(world, "Ready", "True Serving")?;
            expect("jobs", &world.list::<Job>().len().to_string(), "2")
        }),
        of("deleted while it serves")
            .given(|world| {
                world.apply(&bucket("models"));
                plain(world);
            })
            .actors(all)
            .when(registry_ready, |world| world.delete::<ModelRegistry>("ml", "main"))
            .then(|world| {
                let left =
                    world.list::<Deployment>().len() + world.list::<Job>().len() + world.list::<DataGrant>().len();
                expect("children", &left.to_string(), "0")?;
                let kept: Vec<String> = world.list::<DataBucket>().iter().map(|b| b.name_any()).collect();
                expect("buckets", &kept.join(","), "models")
            }),
        of("a spec that cannot work")
            .given(|world| world.apply(&registry(json!({"share": [{"namespaces": {}}], "resources": {"cpu": "lots"}}))))
            .actors(all)
            .then(|world| {
                expect("children", &world.list::<Deployment>().len().to_string(), "0")?;
                registry_says(world, "Stalled", "True InvalidSpec")
            }),
    ]
}
