//! The field on which `cargo xtask bench processing` runs operators: a stand-in for every kubelet, and a crowd that offers work.
//!
//! `field kubelet SECONDS LOG` lets each pod run at once and succeed after that time; it starts no process.
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
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams},
    core::GroupVersionKind,
    runtime::watcher,
};
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
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let begun = Timestamp::now();
    let said = |phase: &str, state: &Value, ready: bool| {
        let all: Vec<Value> = pod.spec.iter().flat_map(|s| &s.containers).map(|c| {
            json!({"name": c.name, "image": c.image, "imageID": "", "restartCount": 0, "ready": ready, "state": state})
        }).collect();
        let flag = if ready { "True" } else { "False" };
        let conditions = json!([{"type": "Ready", "status": flag, "lastTransitionTime": begun.to_string()}]);
        json!({"status": {"phase": phase, "startTime": begun.to_string(), "conditions": conditions, "containerStatuses": all}})
    };
    let set = async |status: Value| pods.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await;
    set(said("Running", &json!({"running": {"startedAt": begun.to_string()}}), true)).await?;
    tokio::time::sleep(life).await;
    let (begun, now) = (begun.to_string(), Timestamp::now().to_string());
    let over = json!({"exitCode": 0, "reason": "Completed", "startedAt": begun, "finishedAt": now});
    set(said("Succeeded", &json!({"terminated": over, "running": null}), false)).await?;
    Ok(())
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
