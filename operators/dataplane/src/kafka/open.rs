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
/// Names of the controllers that a view wakes.
#[derive(Clone, Copy, Debug)]
pub struct Woken {
    /// Of DataPlanes.
    pub plane: &'static str,
    /// Of DataTopics.
    pub topic: &'static str,
}

/// The real adapter.
pub struct Real {
    reader: Reader,
    waker: Waker,
    woken: Woken,
}

impl Real {
    /// Views that wake and read through this process.
    #[must_use]
    pub fn new(env: &Env, woken: Woken) -> Self {
        Self { reader: env.reader.clone(), waker: env.waker.clone(), woken }
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
        let (reader, waker) = (self.reader.clone(), self.waker.clone());
        let around = Process { plane: Key::new("", plane), reader, waker, woken: self.woken };
        Arc::new(View::start(admin, Arc::new(around)))
    }
}

struct Process {
    plane: Key,
    reader: Reader,
    waker: Waker,
    woken: Woken,
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
        self.waker.wake(self.woken.topic, topic);
    }

    fn wake_plane(&self) {
        self.waker.wake(self.woken.plane, self.plane.clone());
    }
}
