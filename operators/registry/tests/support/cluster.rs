//! The actors around a registry: dataplane, Job and Deployment controllers, kubelet.

use jiff::Timestamp;
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentStatus},
        batch::v1::Job,
        core::v1::{EnvVar, Pod, PodStatus, Secret},
    },
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::ResourceExt;
use millrace_crds::{DataBucket, DataGrant, ModelRegistry, ReasonText, data_grant::GrantedBucket};
use millrace_kit::{
    Standing, conditions, owner_reference,
    sim::{Actor, World},
};
use millrace_registry::mlflow::{Given, Mounted};
use serde_json::json;

use super::mlflow::Store;

pub fn ours(child: &Deployment, registry: &ModelRegistry) -> bool {
    let uid = registry.metadata.uid.as_ref();
    child.owner_references().iter().any(|o| Some(&o.uid) == uid)
}

/// Makes buckets and grants Ready.
pub fn dataplane() -> Actor {
    Box::new(|world| {
        let now = world.now();
        let done = Standing::ready(ReasonText::as_given("Done"), "done");
        for bucket in world.list::<DataBucket>() {
            if !super::is_ready(bucket.status.as_ref(), bucket.metadata.generation) {
                world.change::<DataBucket>("ml", &bucket.name_any(), |b| {
                    let status = b.status.get_or_insert_default();
                    status.observed_generation = bucket.metadata.generation.unwrap();
                    status.bucket_name = Some(format!("store-{}", bucket.name_any()));
                    conditions::stand(status, &done, now);
                });
                return true;
            }
        }
        for grant in world.list::<DataGrant>() {
            if !super::is_ready(grant.status.as_ref(), grant.metadata.generation) {
                world.change::<DataGrant>("ml", &grant.name_any(), |g| {
                    let status = g.status.get_or_insert_default();
                    status.observed_generation = grant.metadata.generation.unwrap();
                    status.secret_name = Some(grant.name_any());
                    status.endpoint = Some("http://minio:9000".into());
                    let name = grant.spec.access[0].bucket.clone().unwrap();
                    let bucket_name = format!("store-{name}");
                    status.buckets = vec![GrantedBucket { name, bucket_name }];
                    conditions::stand(status, &done, now);
                });
                return true;
            }
        }
        false
    })
}

/// A migration that runs.
pub struct Attempt {
    /// Which one, from 1.
    pub number: usize,
    /// Whether it was told of a server that runs on the database.
    pub served: bool,
}

/// Which exit code a migration ends with.
pub type Exits = fn(&Attempt) -> i32;

/// Runs Jobs: a pod, its end, the Job's end, each a step of its own.
pub fn jobs(exits: Exits) -> Actor {
    let mut known: Vec<String> = Vec::new();
    Box::new(move |world| {
        for job in world.list::<Job>() {
            let name = job.name_any();
            let sidecar = world.shelf::<Store>().lock().sidecar;
            let ended = job.status.as_ref().is_some_and(|s| s.conditions.is_some());
            let pod = world.get::<Pod>("ml", &format!("{name}-pod"));
            let runs_on = sidecar && pod.is_some_and(|p| p.status.is_some_and(|s| s.phase.is_some()));
            if ended || runs_on || job.owner_references().is_empty() {
                continue;
            }
            let measures = role(&job) == "measure";
            if !measures && !known.contains(&name) {
                known.push(name.clone());
            }
            let (code, message) = if measures {
                measured(world)
            } else {
                let number = known.iter().position(|k| *k == name).unwrap() + 1;
                let code = exits(&Attempt { number, served: env(&job, "MILLRACE_SERVED").is_some() });
                (code, if code == 0 { prepared(world, &job) } else { format!("ended with {code}") })
            };
            let evicted = measures && evicts(world, &name);
            let pod = format!("{name}-pod");
            match world.get::<Pod>("ml", &pod) {
                None => {
                    if !measures && env(&job, "MILLRACE_SERVED").is_none() && serves(world) {
                        world.shelf::<Store>().lock().fault = Some("a schema may change under a server".into());
                    }
                    world.apply(&job_pod(&job, &pod));
                }
                Some(p) if p.status.as_ref().is_none_or(|s| s.phase.is_none()) => {
                    let (code, message, at) = (code, message.as_str(), world.now());
                    let end = PodEnd { code, message, at, sidecar, evicted };
                    world.change::<Pod>("ml", &pod, |p| p.status = Some(status(role(&job), &end)));
                }
                Some(_) => {
                    let now = Time(world.now());
                    let kind = if code == 0 && !evicted { "Complete" } else { "Failed" };
                    world.change::<Job>("ml", &name, |j| {
                        let condition =
                            json!([{"type": kind, "status": "True", "reason": "Backoff", "lastTransitionTime": now}]);
                        j.status.get_or_insert_default().conditions = serde_json::from_value(condition).unwrap();
                    });
                }
            }
            return true;
        }
        false
    })
}

fn serves(world: &World) -> bool {
    let server = world.get::<Deployment>("ml", "main-mlflow");
    server.and_then(|d| d.status?.available_replicas).is_some_and(|n| n > 0)
}

fn role(job: &Job) -> &str {
    job.labels().get("millrace.dev/role").map_or("", String::as_str)
}

fn env(job: &Job, name: &str) -> Option<EnvVar> {
    let pod = job.spec.as_ref()?.template.spec.as_ref()?;
    pod.containers[0].env.iter().flatten().find(|e| e.name == name).cloned()
}

/// A value of a Secret.
pub fn secret_value(world: &World, secret: &str, key: &str) -> Option<String> {
    world.get::<Secret>("ml", secret)?.string_data?.get(key).cloned()
}

/// The content of the Secret behind a variable.
fn content(world: &World, variable: &EnvVar) -> Option<String> {
    let from = variable.value_from.as_ref()?.secret_key_ref.as_ref()?;
    secret_value(world, &from.name, &from.key)
}

/// What `prepare.py` says: of `host user` the host is the place.
fn prepared(world: &World, job: &Job) -> String {
    let uri = env(job, "MLFLOW_BACKEND_STORE_URI").and_then(|v| content(world, &v)).unwrap_or_default();
    json!({"uri": uri, "place": uri.split(' ').next()}).to_string()
}

fn evicts(world: &World, job: &str) -> bool {
    let store = world.shelf::<Store>();
    let mut state = store.lock();
    state.evicts.as_mut().is_some_and(|first| {
        if first.is_empty() {
            job.clone_into(first);
        }
        first == job
    })
}

/// What `measure.py` says.
fn measured(world: &World) -> (i32, String) {
    let store = world.shelf::<Store>();
    let state = store.lock();
    (state.store_says, json!({"files": if state.empty { 0 } else { 3 }, "bytes": 30}).to_string())
}

fn job_pod(job: &Job, name: &str) -> Pod {
    let mut labels = job.labels().clone();
    labels.insert("batch.kubernetes.io/job-name".into(), job.name_any());
    serde_json::from_value(json!({
        "metadata": {"name": name, "namespace": "ml", "labels": labels, "ownerReferences": [owner_reference(job)]},
        "spec": {"containers": []},
    }))
    .unwrap()
}

struct PodEnd<'a> {
    code: i32,
    message: &'a str,
    at: Timestamp,
    sidecar: bool,
    evicted: bool,
}

fn status(role: &str, end: &PodEnd<'_>) -> PodStatus {
    let PodEnd { code, message, at, sidecar, evicted } = end;
    let name = if role == "measure" { "measure" } else { "migrate" };
    let phase = match (sidecar, code, evicted) {
        (true, ..) => "Running",
        (false, 0, false) => "Succeeded",
        _ => "Failed",
    };
    serde_json::from_value(json!({
        "phase": phase, "reason": evicted.then_some("Evicted"),
        // An injected container stands first.
        "containerStatuses": [{
            "name": "aside", "image": "x", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": 0, "message": "aside"}},
        }, {
            "name": name, "image": "x", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": code, "message": message, "finishedAt": at}},
        }],
    }))
    .unwrap()
}

/// Rolls Deployments out at once, as their strategy says, if the new pods find their Secrets.
pub fn deployments() -> Actor {
    Box::new(|world| {
        for deployment in world.list::<Deployment>() {
            let status = deployment.status.clone().unwrap_or_default();
            let seen = status.observed_generation == deployment.metadata.generation;
            let wanted = deployment.spec.as_ref().and_then(|s| s.replicas).unwrap_or(1);
            let updated = status.updated_replicas.unwrap_or(0);
            let stuck =
                seen && (status.available_replicas.unwrap_or(0) < wanted || status.replicas.unwrap_or(0) > updated);
            if seen && !stuck {
                continue;
            }
            let missing = missing(world, &deployment);
            if seen && missing.is_some() {
                continue;
            }
            let old = status.available_replicas.unwrap_or(0);
            let next = match missing {
                Some(message) if wanted > 0 => {
                    waiting_pod(world, "CreateContainerConfigError", &message);
                    let strategy = deployment.spec.as_ref().and_then(|s| s.strategy.as_ref()?.type_.clone());
                    let left = if strategy.as_deref() == Some("Recreate") { 0 } else { old };
                    (left, 1, left + 1)
                }
                _ => {
                    world.vanish::<Pod>("ml", "server-pod");
                    start(world, &deployment);
                    (wanted, wanted, wanted)
                }
            };
            let (available, updated, replicas) = next;
            if old > 0 && available == 0 {
                world.shelf::<Store>().lock().outages += 1;
            }
            world.change::<Deployment>("ml", &deployment.name_any(), |d| {
                d.status = Some(DeploymentStatus {
                    observed_generation: d.metadata.generation,
                    updated_replicas: Some(updated),
                    available_replicas: Some(available),
                    replicas: Some(replicas),
                    ..DeploymentStatus::default()
                });
            });
            return true;
        }
        false
    })
}

fn variables(deployment: &Deployment) -> Vec<EnvVar> {
    let spec = deployment.spec.clone().and_then(|s| s.template.spec).unwrap_or_default();
    spec.containers.first().and_then(|c| c.env.clone()).unwrap_or_default()
}

/// The kubelet's words about the first Secret or key that is not there.
fn missing(world: &World, deployment: &Deployment) -> Option<String> {
    variables(deployment).into_iter().find_map(|variable| {
        let from = variable.value_from.as_ref()?.secret_key_ref.clone()?;
        match (world.get::<Secret>("ml", &from.name), content(world, &variable)) {
            (None, _) => Some(format!("secret \"{}\" not found", from.name)),
            (Some(_), None) => Some(format!("couldn't find key {} in Secret ml/{}", from.key, from.name)),
            _ => None,
        }
    })
}

/// Remembers what the new server was given.
fn start(world: &World, deployment: &Deployment) {
    let all = variables(deployment);
    let plain = |name: &str| all.iter().find(|v| v.name == name).and_then(|v| v.value.clone());
    let uri = all.iter().find(|v| v.name == "MLFLOW_BACKEND_STORE_URI");
    let given = Given {
        secret: plain("MILLRACE_DATABASE_SECRET").unwrap_or_default(),
        uri: Mounted { used: uri.and_then(|v| content(world, v)), mounted: None },
        ..Given::default()
    };
    world.shelf::<Store>().lock().given = Some(given);
}

/// Everybody, with migrations that go well.
pub fn all() -> Vec<Actor> {
    vec![dataplane(), jobs(|_| 0), deployments()]
}

/// A pod of the server that waits for a reason.
pub fn waiting_pod(world: &World, reason: &str, message: &str) {
    server_pod(
        world,
        &json!({"containerStatuses": [{
            "name": "mlflow", "image": "mlflow:1", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"waiting": {"reason": reason, "message": message}},
        }]}),
    );
}

/// A pod of the server with this status.
pub fn server_pod(world: &World, status: &serde_json::Value) {
    let registry = world.get::<ModelRegistry>("ml", "main").unwrap();
    let labels = json!({
        "millrace.dev/owner-kind": "ModelRegistry", "millrace.dev/owner-name": "main",
        "millrace.dev/owner-uid": registry.metadata.uid, "millrace.dev/role": "server",
    });
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": "server-pod", "namespace": "ml", "labels": labels},
        "spec": {"containers": []},
        "status": status,
    }))
    .unwrap();
    world.apply(&pod);
}
