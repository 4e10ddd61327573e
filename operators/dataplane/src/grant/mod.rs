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
    time::Duration,
};

use jiff::Timestamp;
use millrace_crds::{DataBucket, DataGrant, DataGrantStatus, DataTopic};
use millrace_kit::{
    Controller, DecisionOf, Env, Failure, Hands, Kernel, Key, Note, Operator, Reader, Seen, Watch, access::Access,
    async_trait, cache::Cache, conditions, events::condition_notes, later,
};

use crate::{connect::Connections, store::facts};

pub use decide::renew_at;
pub use effect::Issue;
pub use observe::{Found, Issued, Named, Need, Observed};

/// How often a Secret is looked at: one that was changed or deleted is written again within a minute, and no faster, however
/// often somebody changes it.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(25);
/// Entries above which those of grants that have left are dropped.
const FORGET: usize = 1_024;

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

/// Keeps DataGrants.
pub struct Grants {
    connections: Arc<Connections>,
    reader: Reader,
    /// What this process has issued, by the grant's uid: expiry and intent, never a credential.
    issued: Mutex<HashMap<String, Issued>>,
    /// When each Secret was last looked at, by the grant's uid.
    looked: Mutex<HashMap<String, Timestamp>>,
}

impl Grants {
    /// A keeper that has issued nothing yet.
    #[must_use]
    pub fn new(connections: Arc<Connections>, reader: Reader) -> Self {
        Self { connections, reader, issued: Mutex::default(), looked: Mutex::default() }
    }

    fn issued(&self, uid: &str) -> Option<Issued> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner).get(uid).cloned()
    }

    /// Whether the Secret of this grant may be looked at now: at most once in [`LOOK_EVERY`].
    fn may_look(&self, uid: &str, now: Timestamp) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.get(uid).is_some_and(|last| now < later(*last, LOOK_EVERY)) {
            return false;
        }
        if looked.len() > FORGET {
            // Grants leave without a word.
            looked.retain(|_, last| now < later(*last, LOOK_EVERY));
        }
        looked.insert(uid.to_owned(), now);
        true
    }

    fn remember(&self, uid: &str, issued: Issued, now: Timestamp) {
        let mut all = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        // Grants leave without a word: what has expired belongs to none.
        all.retain(|_, old| now < old.expires_at);
        all.insert(uid.to_owned(), issued);
        // What was just written need not be looked at.
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).insert(uid.to_owned(), now);
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
        let mut all = vec![facts::plane_watch::<DataGrant>(), facts::namespace_watch::<DataGrant>()];
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

    fn notes(old: &DataGrantStatus, new: &DataGrantStatus) -> Vec<Note> {
        let mut notes = condition_notes(old, new);
        if let Some(drift) = new.last_drift.as_ref().filter(|_| new.last_drift != old.last_drift) {
            let secret = new.secret_name.as_deref().unwrap_or_default();
            let message = format!("Secret {secret} is written again: {}", drift.keys.join(", "));
            notes.push(Note { warning: true, reason: "CredentialsRenewed".to_owned(), message });
        }
        notes
    }
}
