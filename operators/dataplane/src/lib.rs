//! The dataplane operator: Kafka topics, buckets and short-lived access to them.
//!
//! The only operator that talks to Kafka and to the object store; broker and store credentials live in its pod alone.
//! Both are met through small traits ([`kafka::Broker`], [`store::Store`]), so that the simulated world can stand in.
//! Never put a credential into anything that is serialised: [`store::Keys`] and [`store::Credentials`] cannot be.

pub mod bucket;
pub mod connect;
mod doubt;
pub mod grant;
pub mod issuer;
pub mod kafka;
mod namespaces;
pub mod plane;
mod probes;
pub mod protection;
pub mod store;
pub mod topic;
mod waits;

use std::sync::Arc;

use millrace_kit::{Controller, Env, Kernel, access::Access};

use crate::connect::Connections;

/// The controllers of the process, on the real Kafka and S3 adapters.
#[must_use]
pub fn controllers(env: &Env) -> Vec<Box<dyn Controller>> {
    let kafka = Arc::new(kafka::Real::new(env, kafka::Woken { plane: plane::NAME, topic: topic::NAME }));
    let store = Arc::new(store::s3::Open);
    on(env, &Connections::new(&env.namespace, kafka, store))
}

/// The controllers on the given connections; the simulated world passes simulated ones.
#[must_use]
pub fn on(env: &Env, connections: &Arc<Connections>) -> Vec<Box<dyn Controller>> {
    let reader = || env.reader.clone();
    let mut all: Vec<Box<dyn Controller>> = vec![
        Box::new(Kernel::new(plane::Planes::new(Arc::clone(connections), reader()), reader())),
        Box::new(Kernel::new(topic::Topics::new(Arc::clone(connections), reader()), reader())),
    ];
    all.extend(bucket::controllers(env, connections));
    all.extend(grant::controllers(env, connections));
    all
}

/// Every right the operator uses; the chart's roles are generated from it.
pub const ACCESS: &[&[Access]] = &[connect::ACCESS, plane::ACCESS, topic::ACCESS, bucket::ACCESS, grant::ACCESS];
