//! The actors around a registry: dataplane, Job and Deployment controllers, kubelet.

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentStatus},
        batch::v1::Job,
        core::v1::Pod,
    },
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::ResourceExt;
use millrace_crds::{DataBucket, DataGrant, ModelRegistry, data_grant::GrantedBucket};
use millrace_kit::{
    Standing, conditions, owner_reference,
    sim::{Actor, World},
};
use serde_json::json;

pub fn ours(child: &Deployment, registry: &ModelRegistry) -> bool {
    let uid = registry.metadata.uid.as_ref();
    child.owner_references().iter().any(|o| Some(&o.uid) == uid)
}

/// Makes buckets and grants Ready.
pub fn dataplane() -> Actor {
    Box::new(|world| {
        let now = world.now();
        let done = Standing::ready("Done", "done");
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

/// Which exit code the attempt with this number (from 1) of migrations ends with.
pub type Exits = fn(usize) -> i32;

/// Runs Jobs: a pod, its end, the Job's end, each a step of its own.
pub fn jobs(exits: Exits) -> Actor {
    let mut known: Vec<String> = Vec::new();
    Box::new(move |world| {
        for job in world.list::<Job>() {
            let name = job.name_any();
            let ended = job.status.as_ref().is_some_and(|s| s.conditions.is_some());
            if ended || job.owner_references().is_empty() {
                continue;
            }
            if !known.contains(&name) {
                known.push(name.clone());
            }
            let code = exits(known.iter().position(|k| *k == name).unwrap() + 1);
            let pod = format!("{name}-pod");
            match world.get::<Pod>("ml", &pod) {
                None => world.apply(&job_pod(&job, &pod)),
                Some(p) if p.status.as_ref().is_none_or(|s| s.phase.is_none()) => {
                    world.change::<Pod>("ml", &pod, |p| {
                        p.status = Some(status(code));
                    })
                }
                Some(_) => {
                    let now = Time(world.now());
                    let kind = if code == 0 { "Complete" } else { "Failed" };
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

fn job_pod(job: &Job, name: &str) -> Pod {
    let mut labels = job.labels().clone();
    labels.insert("batch.kubernetes.io/job-name".into(), job.name_any());
    serde_json::from_value(json!({
        "metadata": {"name": name, "namespace": "ml", "labels": labels, "ownerReferences": [owner_reference(job)]},
        "spec": {"containers": []},
    }))
    .unwrap()
}

fn status(code: i32) -> k8s_openapi::api::core::v1::PodStatus {
    serde_json::from_value(json!({
        "phase": if code == 0 { "Succeeded" } else { "Failed" },
        "containerStatuses": [{
            "name": "migrate", "image": "x", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": code, "message": format!("ended with {code}")}},
        }],
    }))
    .unwrap()
}

/// Rolls Deployments out at once.
pub fn deployments() -> Actor {
    Box::new(|world| {
        for deployment in world.list::<Deployment>() {
            let seen = deployment.status.as_ref().and_then(|s| s.observed_generation);
            if seen != deployment.metadata.generation {
                world.change::<Deployment>("ml", &deployment.name_any(), |d| {
                    let replicas = d.spec.as_ref().and_then(|s| s.replicas);
                    d.status = Some(DeploymentStatus {
                        observed_generation: d.metadata.generation,
                        updated_replicas: replicas,
                        available_replicas: replicas,
                        ..DeploymentStatus::default()
                    });
                });
                return true;
            }
        }
        false
    })
}

/// Everybody, with migrations that go well.
pub fn all() -> Vec<Actor> {
    vec![dataplane(), jobs(|_| 0), deployments()]
}

/// A pod of the server that waits for a reason.
pub fn waiting_pod(world: &World, reason: &str, message: &str) {
    let registry = world.get::<ModelRegistry>("ml", "main").unwrap();
    let labels = json!({
        "millrace.dev/owner-kind": "ModelRegistry", "millrace.dev/owner-name": "main",
        "millrace.dev/owner-uid": registry.metadata.uid, "millrace.dev/role": "server",
    });
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": "server-pod", "namespace": "ml", "labels": labels},
        "spec": {"containers": []},
        "status": {"containerStatuses": [{
            "name": "mlflow", "image": "mlflow:1", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"waiting": {"reason": reason, "message": message}},
        }]},
    }))
    .unwrap();
    world.apply(&pod);
}
