//! DataGrant: short-lived, least-privilege access to named buckets and topics, as a Secret renewed in place.
//!
//! Resolves only through Ready DataBuckets and DataTopics. Credentials pass through [`effect`] alone. Never reads a
//! Secret outside the operator's own namespace.

mod decide;
pub mod effect;
mod grants;
pub mod issued;
pub mod model;
pub mod observe;
pub mod policy;
mod resolve;

use std::sync::Arc;

use jiff::Timestamp;
use millrace_crds::{DataBucket, DataGrant, DataGrantStatus, DataTopic, Reason};
use millrace_kit::{
    Controller, DecisionOf, Env, Failure, Kernel, Key, Note, Operator, Reader, Seen, Watch, Writer, access::Access,
    async_trait, cache::Cache, conditions, events::condition_notes,
};

use crate::{connect::Connections, store::facts};

pub use decide::renew_at;
pub use effect::Issue;
pub use grants::Grants;
pub use issued::Issued;
pub use observe::{Found, Named, Need, Observed};

/// The rights of this controller.
pub const ACCESS: &[Access] = &[
    Access::cluster("millrace.dev", "datagrants", &["get", "list", "watch"], "the grants"),
    Access::cluster("millrace.dev", "datagrants/status", &["update"], "the grants' status"),
    Access::cluster("millrace.dev", "databuckets", &["get", "list", "watch"], "what grants name"),
    Access::cluster("millrace.dev", "datatopics", &["get", "list", "watch"], "what grants name"),
    Access::cluster(
        "",
        "secrets",
        &["create", "update"],
        "the grants' credentials, written and checked for changes without being read",
    ),
];

/// The controller of this kind.
#[must_use]
pub fn controllers(env: &Env, connections: &Arc<Connections>) -> Vec<Box<dyn Controller>> {
    let grants = Grants::new(Arc::clone(connections), env.reader.clone());
    vec![Box::new(Kernel::new(grants, env.reader.clone()))]
}

/// The grants that name something and are not served yet.
fn waiting(cache: &Cache, word: &str) -> Vec<Key> {
    let found = cache.indexed::<DataGrant>(word);
    let unserved = |g: &&Arc<DataGrant>| g.status.as_ref().is_none_or(|s| !conditions::is_true(s, "Ready"));
    found.iter().filter(unserved).map(|g| Key::of(g.as_ref())).collect()
}

#[async_trait]
impl Operator for Grants {
    type Object = DataGrant;
    type Observed = Observed;
    type Effect = Issue;
    const NAME: &'static str = "datagrant";

    fn watches(&self) -> Vec<Watch> {
        let mut all = vec![facts::plane_watch::<DataGrant>(), facts::namespace_watch::<DataGrant>()];
        all.push(
            Watch::related::<DataGrant>("find grants by what they name", |_, _| vec![])
                .stored_as(|_: &mut DataGrant| {}, facts::index_grant),
        );
        all.push(
            Watch::related::<DataBucket>("a bucket a grant waits for becomes ready", |bucket: &DataBucket, cache| {
                waiting(cache, &facts::names_bucket(bucket.metadata.name.as_deref().unwrap_or_default()))
            })
            .stored_as(|_: &mut DataBucket| {}, facts::index_bucket),
        );
        all.push(Watch::related::<DataTopic>("a topic a grant waits for becomes ready", |topic: &DataTopic, cache| {
            waiting(cache, &facts::names_topic(topic.metadata.name.as_deref().unwrap_or_default()))
        }));
        all
    }

    async fn observe(&self, object: &DataGrant, reader: &Reader) -> Result<Observed, Failure> {
        observe::observe(self, object, reader).await
    }

    fn decide(object: &DataGrant, seen: &Seen<Observed>, now: Timestamp) -> DecisionOf<Self> {
        decide::decide(object, seen, now)
    }

    async fn effect(&self, object: &DataGrant, issue: &Issue, writer: &Writer) -> Result<(), Failure> {
        effect::perform(self, (object, issue), writer).await
    }

    fn notes(old: &DataGrantStatus, new: &DataGrantStatus) -> Vec<Note> {
        let mut notes = condition_notes(old, new);
        if let Some(drift) = new.last_drift.as_ref().filter(|_| new.last_drift != old.last_drift) {
            let secret = new.secret_name.as_deref().unwrap_or_default();
            let message = format!("Secret {secret} is written again: {}", drift.keys.join(", "));
            notes.push(Note { warning: true, reason: Reason::CredentialsRenewed.into(), message });
        }
        notes
    }
}
