//! The runtime of an operator process: streams into the cache, triggers into the queue, workers, lease, probes.
//!
//! Every operator's `main` is one call of [`main`]. Nothing here knows what a controller does.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, TryStreamExt};
use kube::{
    Api, Client, Config,
    api::DynamicObject,
    runtime::{WatchStreamExt, watcher},
};
use tokio::sync::mpsc;

use crate::{
    Key, Kind, Next, Port, Reader, Watch,
    cache::{Cache, Event},
    client::{ApiPort, client},
    health::{self, Health},
    kernel::Controller,
    lease::Keeper,
    metrics::{ByController, ByKind, Metrics},
    queue::{Queue, Slot},
};

/// Passes of one controller that run at once. A pass mostly waits: for its turn at the API server (see
/// [`crate::client::CALLS`]), or for a batch it shares with others, since a broker takes 100 topics in the time of one. Each
/// controller has passes of its own, so that those that wait for a slow broker hold up no others.
const PASSES: usize = 512;

/// Shortest sleep of the loop that starts passes.
const SHORTEST: Duration = Duration::from_millis(1);
/// Its sleep while nothing is due.
const IDLE: Duration = Duration::from_secs(60);
/// Its sleep while the cache fills.
const UNREADY: Duration = Duration::from_millis(50);

/// Wakes an object of a controller for a reason that no watch sees (a broker's snapshot changed).
#[derive(Clone)]
pub struct Waker(mpsc::UnboundedSender<(&'static str, Key)>);

impl Waker {
    /// A waker and the line its calls arrive on.
    #[must_use]
    pub fn pair() -> (Self, mpsc::UnboundedReceiver<(&'static str, Key)>) {
        let (send, receive) = mpsc::unbounded_channel();
        (Self(send), receive)
    }

    /// Asks for a pass of `key` in the controller of this name.
    pub fn wake(&self, controller: &'static str, key: Key) {
        // A closed line means the process is ending.
        let _ = self.0.send((controller, key));
    }
}

/// What an operator gets to build its controllers from.
#[derive(Clone)]
pub struct Env {
    /// Read access: cache and live GETs.
    pub reader: Reader,
    /// Wakes objects from outside.
    pub waker: Waker,
    /// Where domain metrics are registered.
    pub metrics: Metrics,
    /// The operator's own namespace.
    pub namespace: String,
}

/// The controllers of a process, or why it cannot have them.
pub type Built = Result<Vec<Box<dyn Controller>>, RunError>;

/// Builds the controllers of a process; called once, before the process asks for its lease.
pub type Build = dyn Fn(&Env) -> Built + Send + Sync;

/// Why a process could not start or had to end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No usable Kubernetes configuration.
    #[error("cannot find a cluster: {0}; run inside a pod with a ServiceAccount, or set KUBECONFIG")]
    Config(#[from] kube::config::InferConfigError),
    /// The client could not be built.
    #[error("cannot build the API client: {0}")]
    Client(#[from] kube::Error),
    /// The probe port is taken.
    #[error("cannot listen on {0}: {1}; set MILLRACE_LISTEN to a free address")]
    Listen(SocketAddr, std::io::Error),
    /// The operator cannot be built: a client, a key.
    #[error("cannot build the operator: {0}")]
    Build(String),
    /// Two controllers want the same kind with different selectors.
    #[error("two watches of {0} disagree on their selector")]
    Watches(String),
    /// The lease was lost; a new process starts clean.
    #[error("the leader lease was lost")]
    LeaseLost,
}

/// Runs an operator until SIGTERM; prints what went wrong and exits non-zero otherwise.
///
/// Environment: `MILLRACE_LISTEN` (default `0.0.0.0:8080`, probes and metrics), `POD_NAMESPACE` (default from the
/// kubeconfig), `POD_NAME` (lease identity), `RUST_LOG` (default `info`).
pub async fn main(name: &'static str, build: Arc<Build>) -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info,kube=warn".into());
    tracing_subscriber::fmt().json().with_env_filter(filter).init();
    match run(name, build).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, operator = name, "stopped");
            ExitCode::FAILURE
        }
    }
}

/// The body of [`main`].
///
/// # Errors
/// See [`RunError`].
pub async fn run(name: &'static str, build: Arc<Build>) -> Result<(), RunError> {
    let config = Config::infer().await?;
    let namespace = std::env::var("POD_NAMESPACE").unwrap_or_else(|_| config.default_namespace.clone());
    let metrics = Metrics::default();
    let client = client(config, metrics.clone())?;
    let health = Health { live: Arc::new(AtomicBool::new(false)), metrics: metrics.clone() };
    health::serve(health.clone()).await.map_err(|(at, error)| RunError::Listen(at, error))?;

    let port: Arc<dyn Port> = Arc::new(ApiPort::new(client.clone(), name));
    let (waker, woken) = Waker::pair();
    let reader = Reader::new(Arc::default(), port);
    let plan = Plan::of(&build, Env { reader, waker, metrics: metrics.clone(), namespace: namespace.clone() })?;

    let at = Key::new(&namespace, format!("millrace-{name}"));
    let identity = std::env::var("POD_NAME").unwrap_or_else(|_| format!("{name}-{}", std::process::id()));
    let keeper = Keeper::new(client.clone(), &at, identity);
    tokio::select! {
        () = keeper.acquire() => {}
        () = terminated() => return Ok(()),
    }
    metrics.leader.set(1);
    tracing::info!(operator = name, "leading");

    let (triggers, inbox) = mpsc::unbounded_channel();
    for streams in plan.streams.values() {
        tokio::spawn(stream(client.clone(), Arc::clone(&plan.shared), streams.clone(), triggers.clone()));
    }
    health.live.store(true, Ordering::Relaxed);
    let (stopped, stopping) = tokio::sync::oneshot::channel();
    let stop = async move {
        terminated().await;
        let _ = stopped.send(());
    };
    tokio::select! {
        () = work(Arc::clone(&plan.shared), inbox, woken) => Ok(()),
        () = keeper.keep(stop) => {
            let mut stopping = stopping;
            if stopping.try_recv().is_ok() { Ok(()) } else { Err(RunError::LeaseLost) }
        }
    }
}

async fn terminated() {
    let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    match signal {
        Ok(mut term) => tokio::select! {
            _ = term.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        },
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

/// What all tasks of the process share.
struct Shared {
    controllers: Vec<Box<dyn Controller>>,
    cache: Arc<Cache>,
    env: Env,
}

/// The controllers and one stream per kind, with everyone who listens to it.
pub(crate) struct Plan {
    shared: Arc<Shared>,
    streams: BTreeMap<Kind, Streams>,
}

/// One stream and its listeners: `(index of the controller, its watch)`.
#[derive(Clone)]
pub(crate) struct Streams {
    pub(crate) listeners: Vec<(usize, Watch)>,
}

impl Streams {
    /// The watch that decodes; all listeners agree on it.
    pub(crate) fn lead(&self) -> Option<&Watch> {
        // The listener that keeps an index or slims the object declares it first; see `merge`.
        self.listeners.first().map(|(_, w)| w)
    }
}

/// Groups the watches of all controllers by kind.
pub(crate) fn merge(controllers: &[Box<dyn Controller>]) -> Result<BTreeMap<Kind, Streams>, RunError> {
    let mut streams: BTreeMap<Kind, Streams> = BTreeMap::new();
    for (index, controller) in controllers.iter().enumerate() {
        for watch in controller.watches() {
            let group = streams.entry(watch.kind.clone()).or_insert_with(|| Streams { listeners: Vec::new() });
            if group.lead().is_some_and(|w| w.labels != watch.labels || w.own_namespace != watch.own_namespace) {
                return Err(RunError::Watches(watch.kind.kind.to_string()));
            }
            group.listeners.push((index, watch));
        }
    }
    for group in streams.values_mut() {
        group.listeners.sort_by_key(|(_, watch)| !watch.keeps());
    }
    Ok(streams)
}

impl Plan {
    fn of(build: &Arc<Build>, env: Env) -> Result<Self, RunError> {
        let controllers = build(&env)?;
        let streams = merge(&controllers)?;
        let cache = Arc::clone(&env.reader.cache);
        for kind in streams.keys() {
            cache.expect(kind.clone());
        }
        Ok(Self { shared: Arc::new(Shared { controllers, cache, env }), streams })
    }
}

async fn stream(client: Client, shared: Arc<Shared>, streams: Streams, triggers: mpsc::UnboundedSender<Slot>) {
    let Some(lead) = streams.lead() else { return };
    let resource = lead.kind.api_resource();
    let api: Api<DynamicObject> = if lead.own_namespace {
        Api::namespaced_with(client, &shared.env.namespace, &resource)
    } else {
        Api::all_with(client, &resource)
    };
    let mut config = watcher::Config::default();
    if let Some(labels) = lead.labels {
        config = config.labels(labels);
    }
    let mut events = watcher(api, config).default_backoff().boxed();
    loop {
        match events.try_next().await {
            Ok(Some(event)) => take(&shared, &streams, event, &triggers),
            Ok(None) => return,
            Err(error) => tracing::warn!(%error, kind = %lead.kind.kind, "watch interrupted"),
        }
    }
}

fn take(shared: &Shared, streams: &Streams, event: watcher::Event<DynamicObject>, out: &mpsc::UnboundedSender<Slot>) {
    let value = |o: DynamicObject| serde_json::to_value(o).unwrap_or_default();
    let event = match event {
        watcher::Event::Init => Event::Restart,
        watcher::Event::InitApply(o) => Event::Listed(value(o)),
        watcher::Event::InitDone => Event::Complete,
        watcher::Event::Apply(o) => Event::Applied(value(o)),
        watcher::Event::Delete(o) => Event::Deleted(value(o)),
    };
    let metrics = &shared.env.metrics;
    for slot in wakes(&shared.cache, streams, event, |kind, key, error| {
        tracing::error!(kind, %key, error, "object does not decode; it is left alone");
        metrics.undecodable.get_or_create(&ByKind { kind: kind.to_owned() }).inc();
    }) {
        let _ = out.send(slot);
    }
}

/// Feeds one event and says whom it wakes. Shared with the simulated world.
pub(crate) fn wakes(
    cache: &Cache,
    streams: &Streams,
    event: Event,
    mut broken: impl FnMut(&str, &Key, &str),
) -> Vec<Slot> {
    let Some(lead) = streams.lead() else { return Vec::new() };
    let mut slots = Vec::new();
    for changed in cache.feed(&lead.kind, lead.decoder(), event) {
        if let Some(error) = &changed.broken {
            broken(&lead.kind.kind, &changed.key, error);
        }
        let Some(object) = &changed.object else { continue };
        for (index, watch) in &streams.listeners {
            if watch.spec_only && !changed.spec {
                continue;
            }
            slots.extend(watch.wakes(object, cache).into_iter().map(|key| (*index, key)));
        }
    }
    slots
}

/// The line of one controller.
#[derive(Default)]
struct Line {
    queue: Queue,
    running: usize,
}

async fn work(
    shared: Arc<Shared>,
    mut triggers: mpsc::UnboundedReceiver<Slot>,
    mut woken: mpsc::UnboundedReceiver<(&'static str, Key)>,
) {
    let mut lines: Vec<Line> = shared.controllers.iter().map(|_| Line::default()).collect();
    let (done, mut finished) = mpsc::unbounded_channel::<(Slot, Next)>();
    let clock = || shared.env.reader.now();
    loop {
        let now = clock();
        let ready = shared.cache.ready();
        for line in lines.iter_mut().filter(|_| ready) {
            while line.running < PASSES
                && let Some(slot) = line.queue.pop(now)
            {
                line.running += 1;
                tokio::spawn(one(Arc::clone(&shared), slot, done.clone()));
            }
        }
        let queued: usize = lines.iter().map(|line| line.queue.len()).sum();
        shared.env.metrics.queued.set(i64::try_from(queued).unwrap_or(i64::MAX));
        // A line without a free pass is looked at when one ends; before the cache is ready nothing is due.
        let free = lines.iter().filter(|line| ready && line.running < PASSES);
        let nap = match free.filter_map(|line| line.queue.next_at()).min() {
            Some(at) => Duration::try_from(at.duration_since(clock())).unwrap_or_default().max(SHORTEST),
            None if ready => IDLE,
            None => UNREADY,
        };
        tokio::select! {
            Some(slot) = triggers.recv() => {
                push(&mut lines, slot, clock());
                while let Ok(slot) = triggers.try_recv() {
                    push(&mut lines, slot, clock());
                }
            }
            Some((name, key)) = woken.recv() => {
                if let Some(index) = shared.controllers.iter().position(|c| c.name() == name) {
                    push(&mut lines, (index, key), clock());
                }
            }
            Some((slot, next)) = finished.recv() => {
                if let Some(line) = lines.get_mut(slot.0) {
                    line.running -= 1;
                    line.queue.finish(slot, next, clock());
                }
            }
            () = tokio::time::sleep(nap) => {}
        }
    }
}

fn push(lines: &mut [Line], slot: Slot, now: jiff::Timestamp) {
    if let Some(line) = lines.get_mut(slot.0) {
        line.queue.push(slot, now);
    }
}

async fn one(shared: Arc<Shared>, slot: Slot, done: mpsc::UnboundedSender<(Slot, Next)>) {
    let (index, key) = &slot;
    let next = match shared.controllers.get(*index) {
        Some(controller) => {
            let began = std::time::Instant::now();
            let next = controller.pass(key).await;
            let labels = ByController { controller: controller.name().to_owned() };
            shared.env.metrics.passes.get_or_create(&labels).observe(began.elapsed().as_secs_f64());
            next
        }
        None => Next::Idle,
    };
    let _ = done.send((slot, next));
}
