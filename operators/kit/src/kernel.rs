//! One pass over one object: observe, decide, act. The only generic control flow of Millrace.
//!
//! Owns the order of writes (finalizer, status, actions, finalizer), the memory of own writes and of failures, and
//! nothing else. It never invents an action and never retries inside a pass: what failed is told to the next decide.

mod act;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use kube::{Resource, core::object::HasStatus};
use millrace_crds::HasConditions;
use serde_json::{Value, json};

use crate::{
    decision::{Seen, later},
    domain_metrics::DomainMetrics,
    events::{Note, event},
    failure::{Class, Failure, Failures},
    kind::{Address, Key, Kind},
    operator::{DecisionOf, Operator},
    port::{Version, Write, text},
    reader::Reader,
    watch::Watch,
};

/// The finalizer kit puts on objects whose deletion has to be undone outside the cluster first.
pub const FINALIZER: &str = "millrace.dev/hold";
/// Flux's "reconcile now" annotation; echoed in `status.lastHandledReconcileAt`.
pub const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// Wait before looking again where only a watch event is expected to wake us: covers a lost event.
const BACKSTOP: Duration = Duration::from_secs(30);

/// When the kernel wants to see the object again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// When something it watches changes.
    Idle,
    /// At once.
    Now,
    /// At this time, or earlier if something changes.
    At(Timestamp),
}

#[derive(Default)]
struct Memory {
    uid: String,
    written: u64,
    failures: Failures,
    effects: u32,
    /// It is there, and has not reached the cache yet.
    awaited: bool,
}

/// What the runtime and the simulated world see of a controller.
#[async_trait]
pub trait Controller: Send + Sync {
    /// [`Operator::NAME`].
    fn name(&self) -> &'static str;
    /// The primary kind.
    fn primary(&self) -> Kind;
    /// The watch budget, primary kind first.
    fn watches(&self) -> Vec<Watch>;
    /// Learns which states of its objects there are, once the process leads: a cache that was filled while another process
    /// wrote may be behind, and no pass may decide on less than was written.
    ///
    /// # Errors
    /// No answer; passes must wait until there is one.
    async fn catch_up(&self) -> Result<(), Failure>;
    /// One pass.
    async fn pass(&self, key: &Key) -> Next;
}

/// The kernel around one operator.
pub struct Kernel<O: Operator> {
    operator: O,
    reader: Reader,
    memory: Mutex<HashMap<Key, Memory>>,
    domain_metrics: Option<Arc<dyn DomainMetrics<O>>>,
}

impl<O: Operator> Kernel<O> {
    /// A kernel with an empty memory.
    #[must_use]
    pub fn new(operator: O, reader: Reader) -> Self {
        Self { operator, reader, memory: Mutex::default(), domain_metrics: None }
    }

    /// The same kernel, telling these metrics what happens.
    #[must_use]
    pub fn with_metrics(mut self, domain_metrics: Arc<dyn DomainMetrics<O>>) -> Self {
        self.domain_metrics = Some(domain_metrics);
        self
    }

    fn remember<T>(&self, key: &Key, change: impl FnOnce(&mut Memory) -> T) -> T {
        let mut all = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(key.clone()).or_default())
    }

    async fn write(&self, write: Write) -> Result<Value, Failure> {
        self.reader.port.write(write).await
    }

    fn wrote(&self, key: &Key, stored: &Value) {
        let version = text(stored, "/metadata/resourceVersion").parse().unwrap_or(0);
        self.remember(key, |m| m.written = m.written.max(version));
    }

    fn failed(&self, key: &Key, action: &str, failure: Failure) -> Next {
        let now = self.reader.now();
        let class = failure.class;
        tracing::warn!(controller = O::NAME, object = %key, action, %failure, "action failed");
        let count = self.remember(key, |m| m.failures.record(action, failure, now));
        // The first failure is told to decide at once; after that the class's backoff paces us.
        if count == 1 { Next::Now } else { Next::At(later(now, class.backoff(count))) }
    }

    async fn once(&self, key: &Key) -> Next {
        let Some(object) = self.reader.cached::<O::Object>(key) else {
            let mut all = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            if all.get(key).is_some_and(|memory| !memory.awaited) {
                all.remove(key);
            }
            drop(all);
            self.domain_metrics.iter().for_each(|t| t.gone(key));
            return Next::Idle;
        };
        let uid = object.meta().uid.clone().unwrap_or_default();
        let (written, failures) = self.remember(key, |m| {
            if m.uid != uid {
                *m = Memory { uid: uid.clone(), ..Memory::default() };
            }
            m.awaited = false;
            (m.written, m.failures.clone())
        });
        let version = self.reader.cache.version(&Kind::of::<O::Object>(), key);
        if version < written {
            return Next::At(later(self.reader.now(), BACKSTOP));
        }
        self.domain_metrics.iter().for_each(|t| t.stored(&object, self.reader.now()));
        let data = match self.operator.observe(&object, &self.reader).await {
            Ok(data) => data,
            Err(failure) => return self.failed(key, "observe", failure),
        };
        self.remember(key, |m| m.failures.clear("observe"));
        let now = self.reader.now();
        let decision = O::decide(&object, &Seen { data, failures }, now);
        self.perform(key, &object, decision).await
    }

    async fn perform(&self, key: &Key, object: &O::Object, decision: DecisionOf<O>) -> Next {
        let held = object.meta().finalizers.iter().flatten().any(|f| f == FINALIZER);
        let dying = object.meta().deletion_timestamp.is_some();
        if dying && !held {
            return Next::Idle;
        }
        if decision.hold && !held {
            return self.finalizer(key, object, true).await;
        }
        if let Err(next) = self.store(key, object, &decision).await {
            return next;
        }
        let effects = match self.act(key, object, &decision).await {
            Ok(effects) => effects,
            Err(next) => return next,
        };
        if decision.hold != held {
            return self.finalizer(key, object, decision.hold).await;
        }
        self.next(key, effects, decision.wake)
    }

    fn next(&self, key: &Key, effects: bool, wake: Option<Timestamp>) -> Next {
        let streak = self.remember(key, |m| {
            m.effects = if effects { m.effects.saturating_add(1) } else { 0 };
            m.effects
        });
        match (streak, wake) {
            (0, None) => Next::Idle,
            (0, Some(at)) => Next::At(at),
            (1, _) => Next::Now,
            // An effect that is asked for again and again has not shown: pace it as any wait.
            (n, _) => Next::At(later(self.reader.now(), Class::Waiting.backoff(n))),
        }
    }

    async fn finalizer(&self, key: &Key, object: &O::Object, stand: bool) -> Next {
        let meta = object.meta();
        let mut list = meta.finalizers.clone().unwrap_or_default();
        list.retain(|f| f != FINALIZER);
        if stand {
            list.push(FINALIZER.to_owned());
        }
        let version = match self.remember(key, |m| m.written) {
            0 => meta.resource_version.clone().unwrap_or_default(),
            own => own.max(meta.resource_version.as_deref().unwrap_or_default().parse().unwrap_or(0)).to_string(),
        };
        let at = Address::of::<O::Object>(key.clone());
        match self.write(Write::Finalizers(at, version, list)).await {
            Ok(stored) => {
                self.wrote(key, &stored);
                Next::At(later(self.reader.now(), BACKSTOP))
            }
            Err(gone) if gone.is_not_found() => Next::Idle,
            Err(conflict) if conflict.is_conflict() => Next::At(later(self.reader.now(), Duration::from_millis(200))),
            Err(failure) => self.failed(key, "finalizer", failure),
        }
    }

    /// Writes the status if it changed. `Err` carries what to do instead of acting.
    async fn store(&self, key: &Key, object: &O::Object, decision: &DecisionOf<O>) -> Result<(), Next> {
        let meta = object.meta();
        let old = object.status().cloned().unwrap_or_default();
        let mut new = decision.status.clone();
        let generation = meta.generation.unwrap_or(0);
        new.set_observed_generation(generation);
        for condition in new.conditions_mut() {
            condition.observed_generation = Some(generation);
        }
        if let Some(asked) = meta.annotations.as_ref().and_then(|a| a.get(REQUESTED_AT)) {
            *new.last_handled_reconcile_at_mut() = Some(asked.clone());
        }
        // A pass that acts and has nothing to tell but that it saw the object leaves that to the pass after: the write
        // ahead has nothing in it, and the outcome will be written anyway.
        let silent = decision.status == old && !decision.actions.is_empty();
        if new == old || silent {
            return Ok(());
        }
        let kind = Kind::of::<O::Object>();
        let mut body = json!({
            "apiVersion": kind.api_version(), "kind": kind.kind,
            "metadata": {"name": meta.name, "resourceVersion": meta.resource_version},
            "status": serde_json::to_value(&new).unwrap_or_default(),
        });
        if let (Some(namespace), Some(slot)) = (&meta.namespace, body.pointer_mut("/metadata")) {
            slot["namespace"] = json!(namespace);
        }
        match self.write(Write::Status(kind, body)).await {
            Ok(stored) => {
                self.wrote(key, &stored);
                self.remember(key, |m| m.failures.clear("status"));
                for note in O::notes(&old, &new) {
                    self.publish(object, &note).await;
                }
                Ok(())
            }
            // Decided upon an older object: the newer one is on its way and will wake us.
            Err(conflict) if conflict.is_conflict() => {
                Err(Next::At(later(self.reader.now(), Duration::from_millis(500))))
            }
            Err(gone) if gone.is_not_found() => Err(Next::Idle),
            Err(failure) => Err(self.failed(key, "status", failure)),
        }
    }

    async fn publish(&self, object: &O::Object, note: &Note) {
        let (kind, body) = event(object, note, (O::NAME, self.reader.now()));
        if let Err(failure) = self.write(Write::Create(kind, body)).await {
            // At most once: an event is news, not memory.
            tracing::debug!(%failure, reason = %note.reason, "event not published");
        }
    }
}

#[async_trait]
impl<O: Operator> Controller for Kernel<O> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn primary(&self) -> Kind {
        Kind::of::<O::Object>()
    }

    fn watches(&self) -> Vec<Watch> {
        let mut all = vec![Watch::primary::<O::Object>()];
        all.extend(self.operator.watches());
        all
    }

    async fn catch_up(&self) -> Result<(), Failure> {
        let kind = self.primary();
        let mut there: HashMap<Key, Version> =
            self.reader.port.versions(&kind).await?.into_iter().map(|found| (found.key.clone(), found)).collect();
        for key in self.reader.cache.keys(&kind) {
            let Some(cached) = self.reader.cached::<O::Object>(&key) else { continue };
            let uid = cached.meta().uid.clone().unwrap_or_default();
            // Of what is gone the cache will hear; until then nothing is done about it.
            let written = match there.get(&key) {
                Some(found) if found.uid == uid => found.version.parse().unwrap_or(0),
                _ => u64::MAX,
            };
            there.remove(&key);
            self.remember(&key, |memory| *memory = Memory { uid, written, ..Memory::default() });
        }
        // What the cache has not heard of yet may come in an older state first.
        for (key, found) in there {
            let written = found.version.parse().unwrap_or(0);
            let awaited = Memory { uid: found.uid, written, awaited: true, ..Memory::default() };
            self.remember(&key, |memory| *memory = awaited);
        }
        Ok(())
    }

    async fn pass(&self, key: &Key) -> Next {
        if !self.reader.cache.ready() {
            return Next::At(later(self.reader.now(), Duration::from_secs(1)));
        }
        self.once(key).await
    }
}
