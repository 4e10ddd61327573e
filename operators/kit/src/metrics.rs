//! The process's metrics: every API request, every pass, the queue and the cache. Operators add domain counters only.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// Labels of one API request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Request {
    /// HTTP method.
    pub verb: String,
    /// Plural resource with subresource, as in `pods` or `dataplanes/status`.
    pub resource: String,
    /// HTTP status, or `error` if no answer came.
    pub code: String,
}

/// Labels by controller.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ByController {
    /// Controller name.
    pub controller: String,
}

/// Labels by kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ByKind {
    /// Kind name.
    pub kind: String,
}

/// All metrics of a process.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    /// API requests by verb, resource and code.
    pub requests: Family<Request, Counter>,
    /// Seconds per pass.
    pub passes: Family<ByController, Histogram, fn() -> Histogram>,
    /// Objects that did not decode.
    pub undecodable: Family<ByKind, Counter>,
    /// Slots waiting in the queue.
    pub queued: Gauge,
    /// 1 while this process holds the lease.
    pub leader: Gauge,
}

fn seconds() -> Histogram {
    Histogram::new([0.000_1, 0.001, 0.01, 0.1, 1.0, 10.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("millrace");
        let this = Self {
            registry: Arc::default(),
            requests: Family::default(),
            passes: Family::new_with_constructor(seconds),
            undecodable: Family::default(),
            queued: Gauge::default(),
            leader: Gauge::default(),
        };
        registry.register("api_requests", "Kubernetes API requests", this.requests.clone());
        registry.register("pass_seconds", "Seconds per pass", this.passes.clone());
        registry.register("undecodable_objects", "Objects that did not decode", this.undecodable.clone());
        registry.register("queued_objects", "Objects waiting for a pass", this.queued.clone());
        registry.register("leader", "1 while this process holds the lease", this.leader.clone());
        Self { registry: Arc::new(Mutex::new(registry)), ..this }
    }
}

impl Metrics {
    /// Lets an operator register its domain metrics.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// All metrics as OpenMetrics text, which Prometheus and the agents that stand in for it read.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a String cannot fail.
        let _ = encode(&mut out, &registry);
        out
    }
}

/// The type of [`Metrics::text`] for HTTP.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
