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

use futures::TryStreamExt;
use kube::{Client, Config};
use tokio::sync::{mpsc, watch};

use crate::{
    Key, Kind, Port, Reader, Watch,
    cache::{Cache, Delivered, Event},
    client::{ApiPort, client},
    fence::Fenced,
    health::{self, Health},
    kernel::Controller,
    lease::{self, Elector, Tenure},
    metrics::{ByKind, Metrics},
    queue::Slot,
    stream::Scope,
    work::{Shared, UNREADY, work},
};

/// How long a process that ends waits for the writes under way, before it gives its lease back.
const ENDING: Duration = Duration::from_secs(5);

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

    let tenure = Arc::new(Tenure::default());
    let open = ApiPort::new(client.clone(), name);
    // Each with turns of its own, so that a renewal never waits behind other calls; both by one clock.
    let fenced = Fenced::new(Arc::new(open.beside()), Arc::clone(&tenure));
    let open: Arc<dyn Port> = Arc::new(open);
    let (waker, woken) = Waker::pair();
    let reader = Reader::new(Arc::default(), Arc::new(fenced));
    let plan = Plan::of(&build, Env { reader, waker, metrics: metrics.clone(), namespace: namespace.clone() })?;
    let leading = Arc::new(AtomicBool::new(false));
    let health = Health { leading: Arc::clone(&leading), cache: Arc::clone(&plan.shared.reader.cache), metrics };
    health::serve(health).await.map_err(|(at, error)| RunError::Listen(at, error))?;

    let (triggers, inbox) = mpsc::unbounded_channel();
    for streams in plan.streams.values() {
        let own = namespace.clone();
        tokio::spawn(stream(client.clone(), own, Arc::clone(&plan.shared), streams.clone(), triggers.clone()));
    }
    // A text with a slash is no pod's name: nobody concludes from a missing pod that this process is gone.
    let identity = std::env::var("POD_NAME").unwrap_or_else(|_| format!("process/{}", std::process::id()));
    let at = Key::new(&namespace, format!("millrace-{name}"));
    let mut elector = Elector::new(open, at, identity, Arc::clone(&tenure));
    let (lead, led) = watch::channel(false);
    let lead = Lead { name, leading, lead };
    tokio::select! {
        () = work(Arc::clone(&plan.shared), inbox, woken, led) => Ok(()),
        lost = elect(&mut elector, &tenure, &plan.shared, lead) => Err(lost),
        () = terminated() => {
            tenure.end();
            tokio::time::timeout(ENDING, idle(&tenure)).await.unwrap_or_default();
            // If it does not get through, the lease is free after its time.
            let _ = elector.release().await;
            Ok(())
        }
    }
}

/// What is told when this process leads.
struct Lead {
    name: &'static str,
    leading: Arc<AtomicBool>,
    lead: watch::Sender<bool>,
}

/// Stands by, then leads until the lease is lost. Work begins when it is known what was written until then.
async fn elect(elector: &mut Elector, tenure: &Tenure, shared: &Arc<Shared>, lead: Lead) -> RunError {
    let elapsed = || shared.reader.elapsed();
    let mut lead = Some(lead);
    loop {
        match tokio::time::timeout(lease::ACT / 2, elector.turn()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "lease not renewed"),
            Err(_) => tracing::warn!("lease not renewed: no answer from the API server"),
        }
        let holds = tenure.holds(elapsed());
        if holds && let Some(lead) = lead.take() {
            shared.metrics.leader.set(1);
            tracing::info!(operator = lead.name, "leading");
            tokio::spawn(begin(Arc::clone(shared), lead));
        }
        if !holds && lead.is_none() {
            return RunError::LeaseLost;
        }
        tokio::time::sleep(if holds { lease::RENEW } else { lease::LOOK }).await;
    }
}

async fn begin(shared: Arc<Shared>, lead: Lead) {
    for controller in &shared.controllers {
        while let Err(error) = controller.catch_up().await {
            tracing::warn!(%error, controller = controller.name(), "not known yet what was written before");
            tokio::time::sleep(lease::LOOK).await;
        }
    }
    lead.leading.store(true, Ordering::Relaxed);
    // A closed line means the process is ending.
    let _ = lead.lead.send(true);
}

async fn idle(tenure: &Tenure) {
    while tenure.writing() > 0 {
        tokio::time::sleep(UNREADY).await;
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
        for kind in streams.keys() {
            env.reader.cache.expect(kind.clone());
        }
        let Env { reader, metrics, .. } = env;
        Ok(Self { shared: Arc::new(Shared { controllers, reader, metrics }), streams })
    }
}

async fn stream(
    client: Client,
    namespace: String,
    shared: Arc<Shared>,
    streams: Streams,
    triggers: mpsc::UnboundedSender<Slot>,
) {
    let Some(lead) = streams.lead() else { return };
    let scope = Scope { namespace: lead.own_namespace.then_some(&*namespace), labels: lead.labels };
    let mut events = lead.stream().open(client, scope);
    loop {
        match events.try_next().await {
            Ok(Some(event)) => take(&shared, &streams, event, &triggers),
            Ok(None) => return,
            Err(error) => tracing::warn!(%error, kind = %lead.kind.kind, "watch interrupted"),
        }
    }
}

fn take(shared: &Shared, streams: &Streams, event: Event<Delivered>, out: &mpsc::UnboundedSender<Slot>) {
    let metrics = &shared.metrics;
    for slot in wakes(&shared.reader.cache, streams, event, |kind, key, error| {
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
    event: Event<Delivered>,
    mut broken: impl FnMut(&str, &Key, &str),
) -> Vec<Slot> {
    let Some(lead) = streams.lead() else { return Vec::new() };
    let mut slots = Vec::new();
    for changed in cache.feed(&lead.kind, event) {
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
