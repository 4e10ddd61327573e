//! DataBucket: one bucket on the store, created, adopted, kept as declared, deleted only on proof.
//!
//! Owns the bucket's four identity tags, its versioning if asked, and the expiry rules it lists. Never reads or writes
//! objects, and never touches a bucket that neither tags nor a stored intent prove to be its own.

mod buckets;
mod decide;
pub mod effect;
mod end;
pub mod model;
pub mod observe;
mod refuse;
mod status;

use std::sync::Arc;

use jiff::Timestamp;
use millrace_crds::{DataBucket, DataBucketStatus};
use millrace_kit::{
    Controller, DecisionOf, Env, Failure, Kernel, Note, Operator, Reader, Seen, Watch, Writer, access::Access,
    async_trait,
};

use crate::{connect::Connections, store::facts};

pub use buckets::Buckets;
pub use effect::Intent;
pub use observe::{Look, Observed};

/// The rights of this controller.
pub const ACCESS: &[Access] = &[
    Access::cluster(
        "millrace.dev",
        "databuckets",
        &["get", "list", "watch", "patch"],
        "the buckets and their finalizers",
    ),
    Access::cluster("millrace.dev", "databuckets/status", &["update"], "the buckets' status"),
    Access::cluster("millrace.dev", "datagrants", &["get", "list", "watch"], "what must not expire"),
    Access::cluster("millrace.dev", "dataplanes", &["get", "list", "watch"], "where the store is"),
];

/// The controller of this kind.
#[must_use]
pub fn controllers(env: &Env, connections: &Arc<Connections>) -> Vec<Box<dyn Controller>> {
    let buckets = Buckets::new(Arc::clone(connections), env.reader.clone());
    vec![Box::new(Kernel::new(buckets, env.reader.clone()))]
}

#[async_trait]
impl Operator for Buckets {
    type Object = DataBucket;
    type Observed = Observed;
    type Effect = Intent;
    const NAME: &'static str = "databucket";

    fn watches(&self) -> Vec<Watch> {
        let mut all = facts::plane_watches::<DataBucket>();
        all.push(
            Watch::related::<DataBucket>("find buckets by DataPlane, namespace and share", |_, _| vec![])
                .stored_as(|_: &mut DataBucket| {}, facts::index_bucket),
        );
        all.push(refuse::watch());
        all
    }

    async fn observe(&self, object: &DataBucket, reader: &Reader) -> Result<Observed, Failure> {
        observe::observe(self, object, reader).await
    }

    fn decide(object: &DataBucket, seen: &Seen<Observed>, now: Timestamp) -> DecisionOf<Self> {
        if object.metadata.deletion_timestamp.is_some() {
            end::decide(object, seen, now)
        } else {
            decide::decide(object, seen, now)
        }
    }

    async fn effect(&self, object: &DataBucket, intent: &Intent, _hands: &Writer) -> Result<(), Failure> {
        effect::perform(self, object, intent).await
    }

    fn notes(old: &DataBucketStatus, new: &DataBucketStatus) -> Vec<Note> {
        status::notes(old, new)
    }
}
