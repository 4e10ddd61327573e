//! A simulated Flink: JobManagers that live in pods, a bucket of checkpoints and savepoints, the ConfigMaps of high
//! availability, and a REST API with its traps. One per run, outliving the operator's crashes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use k8s_openapi::api::core::v1::{ConfigMap, ContainerState, ContainerStateTerminated, Pod};
use millrace_crds::Reason;
use millrace_kit::{
    Class, Controller, Env, Failure, async_trait,
    sim::{Actor, World},
};
use millrace_processing::{
    Processing,
    rest::{Flink, FlinkCall, FlinkView, JobView, PointView, Question, TriggerView, VertexView},
};
use serde_json::{Value, json};

use super::{graph, numbers, set};

/// What becomes of an attempt's job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Job {
    /// It finishes.
    Finishes,
    /// It fails with this cause.
    Fails(&'static str),
    /// It streams, and completes a checkpoint.
    Streams,
    /// It cannot take over the state it is started from.
    Incompatible,
    /// It restarts again and again.
    Sick,
    /// It waits for TaskManagers.
    Waits,
}

/// What can be wrong with the REST API.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traps {
    /// The first savepoint "completes" without a location.
    pub(crate) first_savepoint_fails: bool,
    /// What was asked for is forgotten as soon as it is done.
    pub(crate) forgets_triggers: bool,
    /// Nothing is answered to savepoints that are asked for: they never end.
    pub(crate) never_ends: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Cluster {
    pub(crate) base: String,
    state: String,
    folder: Option<String>,
    claimed: Option<String>,
    pub(crate) newest: Option<i64>,
    taken: BTreeMap<String, TriggerView>,
    savepoint: Option<PointView>,
    forgotten: bool,
    cause: Option<String>,
    /// The graph; empty unless its parallelism may change.
    pub(crate) vertices: Vec<VertexView>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) traps: Traps,
    /// By job id.
    pub(crate) clusters: BTreeMap<String, Cluster>,
    /// Everything an attempt can be restored from.
    pub(crate) bucket: BTreeSet<String>,
    savepoints: u32,
    /// The settings of each attempt, which never change.
    settings: BTreeMap<String, BTreeMap<String, Value>>,
}

#[derive(Default)]
pub(crate) struct Store(Mutex<State>);

pub(crate) fn store(world: &World) -> Arc<Store> {
    world.shelf::<Store>()
}

impl Store {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

/// The controllers on this simulated Flink.
pub(crate) fn build(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    millrace_processing::over(env, operator(world))
}

pub(crate) fn operator(world: &World) -> Processing {
    Processing::new(Arc::new(Simulated(world.clone())))
}

/// The settings an attempt was given.
fn settings(world: &World, base: &str) -> BTreeMap<String, Value> {
    let conf = world.get::<ConfigMap>("ml", &format!("flink-config-{base}")).and_then(|c| c.data).unwrap_or_default();
    let text = conf.get("config.yaml").cloned().unwrap_or_default();
    serde_saphyr::from_str(&text).unwrap_or_default()
}

fn word(settings: &BTreeMap<String, Value>, key: &str) -> Option<String> {
    settings.get(key)?.as_str().map(str::to_owned)
}

fn number(path: &str) -> i64 {
    path.rsplit_once("/chk-").and_then(|(_, n)| n.parse().ok()).unwrap_or(0)
}

fn exit(world: &World, pod: &Pod, code: i32, words: &str) {
    let terminated = Some(ContainerStateTerminated {
        exit_code: code,
        reason: Some("Error".to_owned()),
        message: Some(words.to_owned()),
        ..ContainerStateTerminated::default()
    });
    set(world, pod, "Failed", Some(ContainerState { terminated, ..ContainerState::default() }));
}

fn map_names(base: &str, job: &str) -> [String; 2] {
    [format!("{base}-{job}-config-map"), format!("{base}-cluster-config-map")]
}

fn write_maps(world: &World, cluster: &Cluster, job: &str) {
    let [own, common] = map_names(&cluster.base, job);
    let map = |name: &str, data: Value| -> ConfigMap {
        serde_json::from_value(json!({"metadata": {"name": name, "namespace": "ml"}, "data": data})).unwrap()
    };
    let mut data = json!({"counter": "1"});
    if let Some(n) = cluster.newest {
        data[format!("checkpointID-{n:019}")] = json!("handle");
    }
    for (name, data) in [(&own, data), (&common, json!({}))] {
        world.vanish::<ConfigMap>("ml", name);
        world.apply(&map(name, data));
    }
}

/// Completes a checkpoint; the one before it goes.
fn checkpoint(world: &World, state: &mut State, job: &str) {
    let Some(cluster) = state.clusters.get_mut(job) else { return };
    let Some(folder) = cluster.folder.clone() else { return };
    let last = cluster.newest.or(cluster.claimed.as_deref().map(number)).unwrap_or(0);
    if let Some(old) = cluster.newest {
        state.bucket.remove(&format!("{folder}/{job}/chk-{old}"));
    }
    if let Some(claimed) = cluster.claimed.take() {
        state.bucket.remove(&claimed);
    }
    cluster.newest = Some(last + 1);
    state.bucket.insert(format!("{folder}/{job}/chk-{}", last + 1));
    let cluster = cluster.clone();
    write_maps(world, &cluster, job);
}

/// One more checkpoint of the job that runs, as one that completes after the operator has last looked.
pub(crate) fn one_more(world: &World) {
    let store = store(world);
    let mut state = store.lock();
    let job = state.clusters.iter().find(|(_, c)| c.state == "RUNNING").map(|(job, _)| job.clone());
    if let Some(job) = job {
        checkpoint(world, &mut state, &job);
    }
}

/// The JobManager forgets its job.
pub(crate) fn forget(world: &World) {
    for cluster in store(world).lock().clusters.values_mut() {
        cluster.forgotten = true;
    }
}

/// Somebody deletes what Flink keeps of its jobs.
pub(crate) fn lose_maps(world: &World) {
    for map in world.list::<ConfigMap>() {
        let name = map.metadata.name.unwrap_or_default();
        if name.ends_with("-config-map") {
            world.vanish::<ConfigMap>("ml", &name);
        }
    }
}

/// Moves JobManagers on, one step at a time.
pub(crate) fn flink(life: fn(i64, i64) -> Job) -> Actor {
    Box::new(move |world| {
        let store = store(world);
        let mut state = store.lock();
        for pod in world.list::<Pod>() {
            let name = pod.metadata.name.clone().unwrap_or_default();
            let Some(base) = name.strip_suffix("-jobmanager") else { continue };
            if step(world, (&mut state, base), &pod, life) {
                return true;
            }
        }
        false
    })
}

fn step(world: &World, at: (&mut State, &str), pod: &Pod, life: fn(i64, i64) -> Job) -> bool {
    let (state, base) = at;
    if !state.settings.contains_key(base) {
        let found = settings(world, base);
        if found.is_empty() {
            return false;
        }
        state.settings.insert(base.to_owned(), found);
    }
    let settings = state.settings[base].clone();
    let Some(job) = word(&settings, "$internal.pipeline.job-id") else { return false };
    let phase = pod.status.as_ref().and_then(|s| s.phase.clone()).unwrap_or_default();
    let known = state.clusters.get(&job).cloned();
    if pod.metadata.deletion_timestamp.is_some() {
        // On its way out it writes its ConfigMaps once more.
        let Some(cluster) = known.filter(|c| c.state == "RUNNING" && c.folder.is_some()) else { return false };
        let gone = map_names(base, &job).iter().any(|n| world.get::<ConfigMap>("ml", n).is_none());
        if gone {
            write_maps(world, &Cluster { newest: None, ..cluster }, &job);
        }
        return gone;
    }
    if phase != "Running" {
        return false;
    }
    let (run, attempt) = numbers(pod);
    let Some(cluster) = known else {
        let from = word(&settings, "execution.state-recovery.path");
        world.effect(format!("run {run} attempt {attempt} starts from {}", from.as_deref().unwrap_or("nothing")));
        if let Some(path) = from.as_ref().filter(|path| !state.bucket.contains(*path)) {
            exit(world, pod, 2, &format!("Cannot find checkpoint or savepoint file/directory '{path}'"));
            return true;
        }
        let claims = word(&settings, "execution.state-recovery.claim-mode").as_deref() == Some("CLAIM");
        let folder = word(&settings, "high-availability.type").and(word(&settings, "execution.checkpointing.dir"));
        let claimed = from.filter(|_| claims);
        let adaptive = word(&settings, "jobmanager.scheduler").as_deref() == Some("adaptive");
        let default = settings.get("parallelism.default").and_then(Value::as_i64);
        let vertices = default.filter(|_| adaptive).map(graph::begin).unwrap_or_default();
        let cluster =
            Cluster { base: base.to_owned(), state: "CREATED".into(), folder, claimed, vertices, ..Cluster::default() };
        state.clusters.insert(job, cluster);
        return true;
    };
    let next = match (cluster.state.as_str(), life(run, attempt)) {
        ("CREATED", Job::Incompatible) => {
            state.clusters.remove(&job);
            exit(world, pod, 2, "Fatal | Cannot map checkpoint/savepoint state for operator x to the new program");
            return true;
        }
        ("CREATED", Job::Finishes) => "FINISHED",
        ("CREATED", Job::Fails(_)) => "FAILED",
        ("CREATED", Job::Sick) => "RESTARTING",
        ("CREATED", Job::Streams) => "RUNNING",
        ("RUNNING", Job::Streams) if cluster.vertices.iter().any(|v| v.tasks != v.bounds.1) => {
            graph::take_over(&mut state.clusters.get_mut(&job).unwrap().vertices);
            return true;
        }
        ("RUNNING", Job::Streams) if cluster.folder.is_some() && cluster.newest.is_none() => {
            checkpoint(world, state, &job);
            return true;
        }
        _ => return false,
    };
    if let Some(cluster) = state.clusters.get_mut(&job) {
        next.clone_into(&mut cluster.state);
        cluster.cause = match life(run, attempt) {
            Job::Fails(cause) => Some(cause.to_owned()),
            Job::Sick => Some("java.io.IOException: no route to the source".to_owned()),
            _ => None,
        };
    }
    true
}

struct Simulated(World);

impl Simulated {
    /// Whether the JobManager of this job can be asked.
    fn alive(&self, state: &State, job: &str) -> Result<Cluster, String> {
        let cluster = state.clusters.get(job).cloned().ok_or("connection refused")?;
        let pod = self.0.get::<Pod>("ml", &format!("{}-jobmanager", cluster.base)).ok_or("no route to host")?;
        let phase = pod.status.and_then(|s| s.phase).unwrap_or_default();
        if self.0.dead() || phase != "Running" { Err("connection refused".into()) } else { Ok(cluster) }
    }
}

/// What a JobManager does when it is asked for a savepoint.
fn take(world: &World, state: &mut State, call: &FlinkCall) -> Result<(), Failure> {
    let FlinkCall::Savepoint { job, trigger, target, stop, .. } = call else {
        if let FlinkCall::Dispose { path, .. } = call
            && state.bucket.remove(path)
        {
            world.effect(format!("disposed of {path}"));
        }
        return Ok(());
    };
    let traps = state.traps;
    let Some(cluster) = state.clusters.get_mut(job) else {
        return Err(Failure::new(Class::Waiting, Reason::FlinkRefused, "no such job"));
    };
    if cluster.taken.contains_key(trigger) {
        return Ok(());
    }
    if traps.never_ends {
        cluster.taken.insert(trigger.clone(), TriggerView::Running);
        return Ok(());
    }
    if cluster.state != "RUNNING" || traps.first_savepoint_fails && cluster.taken.is_empty() {
        let problem = "Not all required tasks are currently running".to_owned();
        cluster.taken.insert(trigger.clone(), TriggerView::Failed { problem });
        return Ok(());
    }
    state.savepoints += 1;
    let path = format!("{target}/savepoint-{}", state.savepoints);
    world.effect(format!("took {path}"));
    cluster.savepoint = Some(PointView { path: path.clone(), last: *stop, ..PointView::default() });
    cluster.taken.insert(trigger.clone(), TriggerView::Done { path: path.clone() });
    state.bucket.insert(path);
    if *stop {
        cluster.state = "FINISHED".into();
        // What the job kept goes with it.
        if let (Some(folder), Some(n)) = (&cluster.folder, cluster.newest.take()) {
            state.bucket.remove(&format!("{folder}/{job}/chk-{n}"));
        }
        let [own, _] = map_names(&cluster.base, job);
        world.vanish::<ConfigMap>("ml", &own);
    }
    Ok(())
}

#[async_trait]
impl Flink for Simulated {
    async fn look(&self, question: &Question) -> Result<FlinkView, String> {
        let store = store(&self.0);
        let state = store.lock();
        let cluster = self.alive(&state, &question.job)?;
        if cluster.forgotten {
            return Ok(FlinkView::default());
        }
        let running = i64::from(cluster.state == "RUNNING") * 2;
        let finished = i64::from(cluster.state == "FINISHED") * 2;
        let job = Some(JobView { state: cluster.state.clone(), tasks: 2, running, finished });
        let point = |n: i64| {
            let path = format!("{}/{}/chk-{n}", cluster.folder.clone().unwrap_or_default(), question.job);
            PointView { path, ..PointView::default() }
        };
        let trigger = question.trigger.as_ref().map(|id| match cluster.taken.get(id) {
            Some(TriggerView::Done { .. }) if state.traps.forgets_triggers => TriggerView::Unknown,
            Some(known) => known.clone(),
            None => TriggerView::Unknown,
        });
        Ok(FlinkView {
            job,
            exception: cluster.cause.clone(),
            checkpoint: cluster.newest.filter(|_| question.state).map(point),
            savepoint: cluster.savepoint.clone(),
            trigger,
            vertices: if question.vertices { cluster.vertices.clone() } else { Vec::new() },
            ..FlinkView::default()
        })
    }

    async fn call(&self, call: &FlinkCall) -> Result<(), Failure> {
        let what = match call {
            FlinkCall::Savepoint { stop, .. } => format!("flink savepoint, stop: {stop}"),
            FlinkCall::Rescale { .. } => "flink rescale".to_owned(),
            FlinkCall::Dispose { path, .. } => format!("flink dispose of {path}"),
        };
        let store = store(&self.0);
        self.0.gate(&what, || {
            let mut state = store.lock();
            if let FlinkCall::Savepoint { job, .. } | FlinkCall::Rescale { job, .. } = call {
                self.alive(&state, job).map_err(|why| Failure::new(Class::Transient, Reason::FlinkUnreachable, why))?;
            }
            if let FlinkCall::Rescale { job, bounds, .. } = call {
                return graph::rescale(&self.0, &mut state.clusters.get_mut(job).unwrap().vertices, bounds);
            }
            take(&self.0, &mut state, call)
        })
    }
}
