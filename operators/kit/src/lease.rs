//! Leadership by a `coordination.k8s.io` Lease, written only with the resourceVersion last read.
//!
//! Another holder's lease is judged by how long *we* have seen it unchanged, on our own monotonic clock: no two
//! machines' clocks are ever compared. Who could not renew in time acts no more, whatever else it is doing: its port is
//! closed ([`crate::fence`]), and the process ends. The times are those of Kubernetes' own controllers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::fmt::temporal::DateTimePrinter;
use k8s_openapi::api::{coordination::v1::Lease, core::v1::Pod};
use serde_json::{Value, json};

use crate::{
    failure::Failure,
    kind::{Address, Key, Kind},
    port::{Port, Write, text},
};

/// How long an unchanged lease counts as held.
pub const HOLD: Duration = Duration::from_secs(15);
/// How long a holder may act after the renewal it sent last. What it has sent by then has the rest of [`HOLD`] to end.
pub const ACT: Duration = Duration::from_secs(10);
/// How often a holder renews.
pub const RENEW: Duration = Duration::from_secs(2);
/// How often a standby looks.
pub const LOOK: Duration = Duration::from_secs(1);
/// How long a lease must be unchanged, so that a renewal is missing, before its holder's pod is asked for.
pub const MISSED: Duration = Duration::from_secs(3);

/// How long this process may act: closed at first, open while it holds the lease.
#[derive(Debug, Default)]
pub struct Tenure {
    /// On the process's own clock, in milliseconds.
    until: AtomicU64,
    writing: AtomicUsize,
}

impl Tenure {
    /// Whether the process may act at this time of its own clock.
    #[must_use]
    pub fn holds(&self, elapsed: Duration) -> bool {
        millis(elapsed) < self.until.load(Ordering::SeqCst)
    }

    /// From now on it may not.
    pub fn end(&self) {
        self.until.store(0, Ordering::SeqCst);
    }

    fn extend(&self, until: Duration) {
        self.until.store(millis(until), Ordering::SeqCst);
    }

    /// A write begins, if it may.
    pub(crate) fn begin(&self, elapsed: Duration) -> Option<Writing<'_>> {
        // Counted first: who ends the tenure then sees this write, or this write sees the end.
        self.writing.fetch_add(1, Ordering::SeqCst);
        let writing = Writing(self);
        self.holds(elapsed).then_some(writing)
    }

    /// Writes under way.
    #[must_use]
    pub fn writing(&self) -> usize {
        self.writing.load(Ordering::SeqCst)
    }
}

/// A write under way.
pub(crate) struct Writing<'a>(&'a Tenure);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.writing.fetch_sub(1, Ordering::SeqCst);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The lease as this process saw it last, under another holder.
struct Sighting {
    version: String,
    /// Since when it is unchanged, on our clock.
    since: Duration,
}

/// Takes, renews and gives back one lease.
pub struct Elector {
    port: Arc<dyn Port>,
    at: Address,
    identity: String,
    tenure: Arc<Tenure>,
    seen: Option<Sighting>,
}

impl Elector {
    /// An elector for the lease at `key`. `identity` is unique: a pod's name, or a text with a `/`, which no pod has.
    #[must_use]
    pub fn new(port: Arc<dyn Port>, key: Key, identity: String, tenure: Arc<Tenure>) -> Self {
        Self { port, at: Address::of::<Lease>(key), identity, tenure, seen: None }
    }

    /// One look at the lease: takes it if it is free, renews it if it is ours.
    ///
    /// # Errors
    /// The API server did not answer, or somebody else was faster.
    pub async fn turn(&mut self) -> Result<(), Failure> {
        // From before the first request: what took long has used up its time.
        let begun = self.port.elapsed();
        let Some(lease) = self.port.get(&self.at).await? else {
            self.port.write(Write::Create(self.at.kind.clone(), self.body(&self.identity, ""))).await?;
            self.tenure.extend(begun + ACT);
            return Ok(());
        };
        let holder = text(&lease, "/spec/holderIdentity");
        let version = text(&lease, "/metadata/resourceVersion");
        if holder != self.identity {
            self.tenure.end();
            if !holder.is_empty() && !self.abandoned(holder, version).await? {
                return Ok(());
            }
        }
        self.put(&self.identity, version).await?;
        self.seen = None;
        self.tenure.extend(begun + ACT);
        Ok(())
    }

    /// Gives the lease back, if it is ours. The tenure must have ended.
    ///
    /// # Errors
    /// The API server did not answer; the lease is free after [`HOLD`] then.
    pub async fn release(&self) -> Result<(), Failure> {
        let Some(lease) = self.port.get(&self.at).await? else { return Ok(()) };
        if text(&lease, "/spec/holderIdentity") != self.identity {
            return Ok(());
        }
        self.put("", text(&lease, "/metadata/resourceVersion")).await
    }

    /// Whether another holder's lease has been unchanged for long enough. A holder whose pod is gone is not waited for.
    async fn abandoned(&mut self, holder: &str, version: &str) -> Result<bool, Failure> {
        let now = self.port.elapsed();
        let unchanged = match &self.seen {
            Some(seen) if seen.version == version => now.saturating_sub(seen.since),
            _ => {
                self.seen = Some(Sighting { version: version.to_owned(), since: now });
                Duration::ZERO
            }
        };
        Ok(unchanged > HOLD || (unchanged > MISSED && self.gone(holder).await?))
    }

    /// Whether the pod of a holder is gone or has ended.
    async fn gone(&self, holder: &str) -> Result<bool, Failure> {
        if holder.contains('/') {
            return Ok(false);
        }
        let at = Address::of::<Pod>(Key::new(&self.at.key.namespace, holder));
        let pod = self.port.get(&at).await?;
        Ok(pod.is_none_or(|pod| matches!(text(&pod, "/status/phase"), "Failed" | "Succeeded")))
    }

    async fn put(&self, holder: &str, version: &str) -> Result<(), Failure> {
        let kind = Kind::of::<Lease>();
        self.port.write(Write::Put(kind, self.body(holder, version))).await.map(drop)
    }

    fn body(&self, holder: &str, version: &str) -> Value {
        let now = DateTimePrinter::new().precision(Some(6)).timestamp_to_string(&self.port.now());
        let mut body = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": self.at.key.name, "namespace": self.at.key.namespace},
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": HOLD.as_secs(), "renewTime": now},
        });
        if let (false, Some(meta)) = (version.is_empty(), body.pointer_mut("/metadata").and_then(Value::as_object_mut))
        {
            meta.insert("resourceVersion".into(), json!(version));
        }
        body
    }
}
