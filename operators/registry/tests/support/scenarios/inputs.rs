//! What a registry is given changes while it serves: databases, passwords, Secrets that are not there, schemas.

use std::time::Duration;

use k8s_openapi::api::{apps::v1::Deployment, batch::v1::Job, core::v1::Secret};
use millrace_crds::ModelRegistry;
use millrace_kit::sim::{Actor, Scenario, World, once};
use serde_json::json;

use super::registries::{image, of, plain, serving, upgrade};
use crate::support::{
    cluster::{Attempt, all, dataplane, deployments, jobs, server_pod},
    expect,
    mlflow::Store,
    registry, registry_ready, registry_says, secret,
};

const LONG: Duration = Duration::from_secs(240);

fn outages(world: &World, want: usize) -> Result<(), String> {
    expect("outages", &world.shelf::<Store>().lock().outages.to_string(), &want.to_string())
}

/// The URI on which the server was made.
fn runs_on(world: &World, uri: &str) -> Result<(), String> {
    let given = world.shelf::<Store>().lock().given.clone().unwrap_or_default();
    expect("the server's database", given.uri.used.as_deref().unwrap_or_default(), uri)?;
    let status = world.get::<ModelRegistry>("ml", "main").and_then(|r| r.status).unwrap_or_default();
    let migrated = status.migrated.and_then(|m| m.uri).unwrap_or_default();
    expect("what was migrated", &migrated, uri)
}

fn moved(world: &World) -> Result<(), String> {
    serving(world)?;
    runs_on(world, "host-2 user")?;
    outages(world, 0)
}

fn edit(spec: serde_json::Value) -> Actor {
    once(registry_ready, move |world| world.apply(&registry(spec.clone())))
}

fn no_such_secret() -> Actor {
    edit(json!({"auth": {"adminSecretRef": {"name": "no-such-secret"}}, "resources": {"cpu": "200m"}}))
}

/// The old server serves, and nothing of it was touched.
fn refused(world: &World) -> Result<(), String> {
    registry_says(world, "Ready", "False SecretMissing")?;
    registry_says(world, "ServerAvailable", "True Answers")?;
    registry_says(world, "UpToDate", "False SecretMissing")?;
    let told = serde_json::to_string(&world.get::<Deployment>("ml", "main-mlflow")).unwrap();
    if told.contains("no-such-secret") || told.contains("200m") {
        return Err("the Deployment was changed".into());
    }
    outages(world, 0)
}

pub fn scenarios() -> Vec<Scenario> {
    vec![
        of("the database's Secret names another database")
            .given(plain)
            .actors(all)
            .when(registry_ready, |world| secret(world, "registry-database", &[("uri", "host-2 user")]))
            .then(moved)
            .within(LONG),
        of("the spec names another database's Secret")
            .given(|world| {
                plain(world);
                secret(world, "moved", &[("uri", "host-2 user")]);
            })
            .actors(all)
            .actor(|| edit(json!({"database": {"secretRef": {"name": "moved"}}})))
            .then(moved),
        of("the database's password is rotated")
            .given(plain)
            .actors(all)
            .when(registry_ready, |world| secret(world, "registry-database", &[("uri", "host-1 other")]))
            .then(|world| {
                serving(world)?;
                runs_on(world, "host-1 other")?;
                outages(world, 0)
            })
            .within(LONG),
        of("a server finds another database at its start")
            .given(|world| {
                world.shelf::<Store>().lock().closed = true;
                plain(world);
            })
            .actors(all)
            .when(registry_ready, |world| {
                secret(world, "registry-database", &[("uri", "host-2 user")]);
                let words = "the Secret of the database has changed since the migration host-1 user; its URI is x now";
                server_pod(
                    world,
                    &json!({"containerStatuses": [{
                        "name": "mlflow", "image": "x", "imageID": "", "ready": false, "restartCount": 1, "state": {},
                        "lastState": {"terminated": {"exitCode": 7, "message": words}},
                    }]}),
                );
            })
            .then(moved)
            .within(LONG),
        of("an edit names a Secret that does not exist").given(plain).actors(all).actor(no_such_secret).then(refused),
        of("an edit names a Secret that comes later")
            .given(plain)
            .actors(all)
            .actor(no_such_secret)
            .when(
                |world| registry_says(world, "Ready", "False SecretMissing").is_ok(),
                |world| {
                    secret(world, "no-such-secret", &[("username", "team"), ("password", "first")]);
                },
            )
            .then(|world| {
                serving(world)?;
                outages(world, 0)
            }),
        of("a Secret without its key")
            .given(|world| {
                plain(world);
                secret(world, "no-such-secret", &[("username", "team")]);
            })
            .actors(all)
            .actor(no_such_secret)
            .then(|world| {
                registry_says(world, "Ready", "False KeyMissing")?;
                registry_says(world, "ServerAvailable", "True Answers")?;
                outages(world, 0)
            }),
        of("the schema changes under a server")
            .given(plain)
            .actor(dataplane)
            .actor(|| jobs(|a| if a.served { 5 } else { 0 }))
            .actor(deployments)
            .actor(upgrade)
            .then(|world| {
                serving(world)?;
                expect("the image", &image(world), "mlflow:2")?;
                outages(world, 1)
            }),
        of("a change of the schema that fails brings the server back")
            .given(plain)
            .actor(dataplane)
            .actor(|| {
                jobs(|a: &Attempt| match (a.number, a.served) {
                    (1, _) => 0,
                    (_, true) => 5,
                    (_, false) => 1,
                })
            })
            .actor(deployments)
            .actor(upgrade)
            .then(|world| {
                registry_says(world, "Stalled", "True MigrationFailed")?;
                registry_says(world, "ServerAvailable", "True Answers")?;
                expect("the image", &image(world), "mlflow:1")?;
                outages(world, 1)
            }),
        of("a container beside the migration never ends")
            .given(|world| {
                world.shelf::<Store>().lock().sidecar = true;
                plain(world);
            })
            .actors(all)
            .then(|world| {
                registry_says(world, "Ready", "True Serving")?;
                expect("Jobs", &world.list::<Job>().len().to_string(), "0")
            }),
        of("the login is changed by hand")
            .given(plain)
            .actors(all)
            .when(registry_ready, |world| {
                world.change::<Secret>("ml", "main-mlflow-login", |s| {
                    s.string_data.get_or_insert_default().insert("password".into(), "mine".into());
                });
            })
            .then(serving)
            .within(LONG),
    ]
}
