//! The port of a process that may not lead: it reads, and writes only while the lease is held.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use millrace_crds::Reason;
use serde_json::Value;

use crate::{
    failure::{Class, Failure},
    kind::{Address, Kind},
    lease::Tenure,
    port::{Port, Query, Version, Write},
};

/// A port that is closed for writes outside a tenure.
pub struct Fenced {
    port: Arc<dyn Port>,
    tenure: Arc<Tenure>,
}

impl Fenced {
    /// Closes this port outside this tenure.
    #[must_use]
    pub fn new(port: Arc<dyn Port>, tenure: Arc<Tenure>) -> Self {
        Self { port, tenure }
    }
}

fn closed() -> Failure {
    Failure::new(Class::Transient, Reason::NotLeading, "this process does not hold the lease")
}

#[async_trait]
impl Port for Fenced {
    fn now(&self) -> Timestamp {
        self.port.now()
    }

    fn elapsed(&self) -> Duration {
        self.port.elapsed()
    }

    fn may_act(&self) -> Result<(), Failure> {
        if self.tenure.holds(self.port.elapsed()) { Ok(()) } else { Err(closed()) }
    }

    async fn get(&self, at: &Address) -> Result<Option<Value>, Failure> {
        self.port.get(at).await
    }

    async fn list(&self, kind: &Kind, query: &Query) -> Result<Vec<Value>, Failure> {
        self.port.list(kind, query).await
    }

    async fn versions(&self, kind: &Kind) -> Result<Vec<Version>, Failure> {
        self.port.versions(kind).await
    }

    async fn dry_run(&self, kind: &Kind, body: Value) -> Result<(), Failure> {
        self.port.dry_run(kind, body).await
    }

    async fn dry_put(&self, kind: &Kind, body: Value) -> Result<(), Failure> {
        self.port.dry_put(kind, body).await
    }

    async fn write(&self, write: Write) -> Result<Value, Failure> {
        let _writing = self.tenure.begin(self.port.elapsed()).ok_or_else(closed)?;
        self.port.write(write).await
    }
}
