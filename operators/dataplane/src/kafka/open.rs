//! Opens real views: librdkafka below, the process's cache, clock and waker around.

use std::sync::Arc;

use jiff::Timestamp;
use millrace_crds::{DataPlane, DataTopic, data_plane::KafkaSpec};
use millrace_kit::{Env, Key, Reader, run::Waker};

use super::{
    Broker, OpenKafka,
    admin::{Admin, Broken, Librdkafka},
    view::{Surroundings, View},
};
use crate::{plane, topic};

/// The real adapter.
pub struct Real {
    reader: Reader,
    waker: Waker,
}

impl Real {
    /// Views that wake and read through this process.
    #[must_use]
    pub fn new(env: &Env) -> Self {
        Self { reader: env.reader.clone(), waker: env.waker.clone() }
    }
}

/// A client of the cluster behind these `host:port`; one that cannot be made answers every call with the reason.
#[must_use]
pub fn client(bootstrap_servers: &str) -> Arc<dyn Admin> {
    match Librdkafka::new(bootstrap_servers) {
        Ok(admin) => Arc::new(admin),
        Err(failure) => Arc::new(Broken(failure)),
    }
}

impl OpenKafka for Real {
    fn open(&self, plane: &str, spec: &KafkaSpec) -> Arc<dyn Broker> {
        let admin = client(&spec.bootstrap_servers);
        let around = Process { plane: Key::new("", plane), reader: self.reader.clone(), waker: self.waker.clone() };
        Arc::new(View::start(admin, Arc::new(around)))
    }
}

struct Process {
    plane: Key,
    reader: Reader,
    waker: Waker,
}

impl Surroundings for Process {
    fn now(&self) -> Timestamp {
        self.reader.now()
    }

    fn wanted(&self) -> bool {
        self.reader.cached::<DataPlane>(&self.plane).is_some()
    }

    fn alive(&self, topic: &Key) -> bool {
        self.reader.cached::<DataTopic>(topic).is_some()
    }

    fn wake(&self, topic: Key) {
        self.waker.wake(topic::NAME, topic);
    }

    fn wake_plane(&self) {
        self.waker.wake(plane::NAME, self.plane.clone());
    }
}
