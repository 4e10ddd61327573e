//! The field on which `cargo xtask bench processing` runs operators: a stand-in for every kubelet, and a crowd that offers work.
//!
//! `field kubelet SECONDS LOG` lets each pod run at once and succeed after that time; it starts no process. For a Spark
//! driver it asks for one executor, as the driver would, which runs as long as the driver does.
//! `field offer N PER_MINUTE LOG` creates N objects, each one like a line of standard input with `@` for its number.
//! LOG gets `NAME MICROSECONDS` for each pod when it is first seen, for each object when it is asked for.

#![allow(clippy::disallowed_methods, reason = "plays nodes and users, who write, by the wall clock")]

use std::{
    fs::File,
    io::{BufRead, Write},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ApiResource, DeleteParams, DynamicObject, ObjectMeta, Patch, PatchParams, PostParams},
    core::GroupVersionKind,
    runtime::watcher,
};
use millrace_crds::well_known::LABEL_ROLE;
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
type Log = Arc<Mutex<File>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let client = Client::try_default().await?;
    match words.as_slice() {
        ["kubelet", life, log] => kubelet(client, Duration::from_secs(life.parse()?), open(log)?).await,
        ["offer", count, rate, log] => offer(client, (count.parse()?, rate.parse()?), open(log)?).await,
        _ => Err("field kubelet SECONDS LOG | field offer N PER_MINUTE LOG".into()),
    }
}

fn open(path: &str) -> Outcome<Log> {
    Ok(Arc::new(Mutex::new(File::create(path)?)))
}

fn note(log: &Log, name: &str) -> std::io::Result<()> {
    let line = format!("{name} {}\n", Timestamp::now().as_microsecond());
    log.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes())
}

async fn kubelet(client: Client, life: Duration, log: Log) -> Outcome<()> {
    let pods: Api<Pod> = Api::all(client.clone());
    let mut seen = std::collections::HashSet::new();
    let mut events = std::pin::pin!(watcher(pods, watcher::Config::default()));
    while let Some(event) = events.try_next().await? {
        let (watcher::Event::Apply(pod) | watcher::Event::InitApply(pod)) = event else { continue };
        if seen.insert(pod.metadata.uid.clone()) {
            note(&log, pod.metadata.name.as_deref().unwrap_or_default())?;
            let client = client.clone();
            tokio::spawn(async move {
                if let Err(error) = live(client, &pod, life).await {
                    eprintln!("pod {:?}: {error}", pod.metadata.name);
                }
            });
        }
    }
    Err("the watch ended".into())
}

async fn live(client: Client, pod: &Pod, life: Duration) -> Outcome<()> {
    let pods: Api<Pod> = Api::namespaced(client, pod.metadata.namespace.as_deref().unwrap_or_default());
    let name = pod.name_any();
    let begun = Timestamp::now().to_string();
    let set = async |status: Value| pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(status)).await;
    let running = json!({"running": {"startedAt": begun}});
    set(status(pod, "Running", &begun, &running)).await?;
    let executor = match pod.labels().get(LABEL_ROLE).map(String::as_str) {
        // Its driver ends it.
        Some("executor") => return Ok(()),
        Some("driver") => Some(pods.create(&PostParams::default(), &executor(pod)).await?),
        _ => None,
    };
    tokio::time::sleep(life).await;
    if let Some(executor) = executor {
        pods.delete(&executor.name_any(), &DeleteParams::default().grace_period(0)).await?;
    }
    let over =
        json!({"exitCode": 0, "reason": "Completed", "startedAt": begun, "finishedAt": Timestamp::now().to_string()});
    set(status(pod, "Succeeded", &begun, &json!({"terminated": over, "running": null}))).await?;
    Ok(())
}

/// What a kubelet says of a pod all of whose containers are in one state.
fn status(pod: &Pod, phase: &str, begun: &str, state: &Value) -> Value {
    let ready = phase == "Running";
    let of = |name: &str, image: &Option<String>| json!({"name": name, "image": image, "imageID": "", "restartCount": 0, "ready": ready, "state": state});
    let all: Vec<Value> = pod.spec.iter().flat_map(|s| &s.containers).map(|c| of(&c.name, &c.image)).collect();
    let flag = if ready { "True" } else { "False" };
    let conditions = json!([{"type": "Ready", "status": flag, "lastTransitionTime": begun}]);
    json!({"status": {"phase": phase, "startTime": begun, "conditions": conditions, "containerStatuses": all}})
}

/// As Spark names and labels it.
fn executor(driver: &Pod) -> Pod {
    let mut labels = driver.labels().clone();
    labels.insert("spark-role".to_owned(), "executor".to_owned());
    labels.insert(LABEL_ROLE.to_owned(), "executor".to_owned());
    let metadata = ObjectMeta {
        name: Some(format!("{}-exec-1", driver.name_any())),
        owner_references: driver.owner_ref(&()).map(|owner| vec![owner]),
        labels: Some(labels),
        ..ObjectMeta::default()
    };
    let containers = vec![Container {
        name: "spark-kubernetes-executor".to_owned(),
        image: driver.spec.iter().flat_map(|s| &s.containers).find_map(|c| c.image.clone()),
        ..Container::default()
    }];
    Pod { metadata, spec: Some(PodSpec { containers, ..PodSpec::default() }), status: None }
}

async fn offer(client: Client, (count, per_minute): (u32, u32), log: Log) -> Outcome<()> {
    let lines: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    let begun = tokio::time::Instant::now();
    let (client, log, lines) = (&client, &log, &lines);
    let one = |n: u32| async move {
        // The same moments, however long the calls take.
        tokio::time::sleep_until(begun + Duration::from_secs(60) * n / per_minute).await;
        let line = lines.get(n as usize % lines.len().max(1)).ok_or("no line to offer")?;
        let object: DynamicObject = serde_json::from_str(&line.replace('@', &format!("{n:05}")))?;
        let types = object.types.clone().unwrap_or_default();
        let kind = ApiResource::from_gvk(&GroupVersionKind::try_from(types)?);
        let namespace = object.metadata.namespace.clone().unwrap_or_default();
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &namespace, &kind);
        note(log, object.metadata.name.as_deref().unwrap_or_default())?;
        api.create(&PostParams::default(), &object).await?;
        Outcome::Ok(())
    };
    stream::iter(0..count).map(one).buffer_unordered(count as usize).try_collect::<Vec<()>>().await?;
    Ok(())
}
