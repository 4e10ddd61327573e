//! DataGrant: short-lived, least-privilege access to named buckets and topics, as a Secret renewed in place.
//!
//! Resolves only through Ready DataBuckets and DataTopics. Credentials pass through [`effect`] alone. Never reads a
//! Secret outside the operator's own namespace.

mod decide;
pub mod effect;
pub mod model;
pub mod observe;
pub mod policy;
mod resolve;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use millrace_crds::{DataBucket, DataGrant, DataTopic};
use millrace_kit::{
    Controller, DecisionOf, Env, Failure, Hands, Kernel, Key, Operator, Reader, Seen, Watch, access::Access,
    async_trait, cache::Cache, conditions,
};

use crate::{connect::Connections, store::facts};

pub use decide::renew_at;
pub use effect::Issue;
pub use observe::{Found, Issued, Named, Need, Observed};

/// The rights of this controller.
pub const ACCESS: &[Access] = &[
    Access::cluster("millrace.dev", "datagrants", &["get", "list", "watch"], "the grants"),
    Access::cluster("millrace.dev", "datagrants/status", &["update"], "the grants' status"),
    Access::cluster("millrace.dev", "databuckets", &["get", "list", "watch"], "what grants name"),
    Access::cluster("millrace.dev", "datatopics", &["get", "list", "watch"], "what grants name"),
    Access::cluster("", "secrets", &["create", "update"], "the grants' credentials, written without being read"),
];

/// The controller of this kind.
#[must_use]
pub fn controllers(env: &Env, connections: &Arc<Connections>) -> Vec<Box<dyn Controller>> {
    let grants = Grants::new(Arc::clone(connections), env.reader.clone());
    vec![Box::new(Kernel::new(grants, env.reader.clone()))]
}

/// Keeps DataGrants.
pub struct Grants {
    connections: Arc<Connections>,
    reader: Reader,
    /// What this process has issued, by the grant's uid: expiry and intent, never a credential.
    issued: Mutex<HashMap<String, Issued>>,
}

impl Grants {
    /// A keeper that has issued nothing yet.
    #[must_use]
    pub fn new(connections: Arc<Connections>, reader: Reader) -> Self {
        Self { connections, reader, issued: Mutex::default() }
    }

    fn issued(&self, uid: &str) -> Option<Issued> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner).get(uid).cloned()
    }

    fn remember(&self, uid: &str, issued: Issued, now: Timestamp) {
        let mut all = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        // Grants leave without a word: what has expired belongs to none.
        all.retain(|_, old| now < old.expires_at);
        all.insert(uid.to_owned(), issued);
    }
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
        let mut all = facts::plane_watches::<DataGrant>();
        all.push(
            Watch::related::<DataGrant>("find grants by what they name", |_, _| vec![])
                .keep(|_: &mut DataGrant| {}, facts::index_grant),
        );
        all.push(
            Watch::related::<DataBucket>("a bucket a grant waits for becomes ready", |bucket: &DataBucket, cache| {
                waiting(cache, &facts::names_bucket(bucket.metadata.name.as_deref().unwrap_or_default()))
            })
            .keep(|_: &mut DataBucket| {}, facts::index_bucket),
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

    async fn effect(&self, object: &DataGrant, issue: &Issue, hands: &Hands) -> Result<(), Failure> {
        effect::perform(self, (object, issue), hands).await
    }
}
