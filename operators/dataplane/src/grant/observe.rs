//! What each name of a grant means at present: an own DataBucket or DataTopic, or one shared with the namespace.
//!
//! Only through Ready objects, never by formula. No credential is ever seen here: what this process has issued is
//! remembered by its expiry alone.

use std::collections::BTreeMap;

use kube::api::ObjectMeta;
use millrace_crds::{Access, DataBucket, DataGrant, DataPlane, DataTopic, HasConditions, Reason, Share};
use millrace_kit::{Failure, Key, Left, Reader, conditions};
use serde::{Deserialize, Serialize};

use super::{
    effect,
    grants::Grants,
    issued::Issued,
    model::{Model, What},
};
use crate::{
    namespaces::labels_of,
    protection::Rule,
    store::{Facts, StoreError, facts},
};

/// The surroundings of a DataGrant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The DataPlane; `None` if there is none of that name.
    #[serde(default)]
    pub plane: Option<Facts>,
    /// What each name means, by kind and name.
    #[serde(default)]
    pub names: Vec<Named>,
    /// What must be there, looked for until the grant has served.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// The last Secret this process has written for this grant.
    #[serde(default)]
    pub issued: Option<Issued>,
    /// Whether the Secret is gone, or not as it was written; false if it was not looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub altered: bool,
}

/// A key that must be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Name of the DataBucket.
    pub bucket: String,
    /// The key, or what some key begins with.
    pub key: String,
    /// Whether the store has it, or why it did not say.
    pub there: Result<bool, StoreError>,
}

/// A name and what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// DataBucket or DataTopic.
    pub what: What,
    /// The name, as the grant says it.
    pub name: String,
    /// What it means.
    pub found: Found,
}

/// What a name means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Found {
    /// A Ready object.
    Ready {
        /// Name on the store or the broker.
        external: String,
        /// The most that may be asked of it.
        most: Access,
        /// Namespace of its owner, if it is another one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// Expiry rules; buckets only.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rules: Vec<Rule>,
    },
    /// An object that is not Ready.
    NotReady {
        /// Its own words, if a person must act; else empty.
        message: String,
        /// Name on the store or the broker, and the most that may be asked of it, if that is still its own: a grant that
        /// has served goes on by it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        still: Option<(String, Access)>,
    },
    /// On another DataPlane than the grant.
    OtherPlane(String),
    /// Shared with this namespace from more than one other.
    Ambiguous(Vec<String>),
    /// No such object.
    Missing,
}

pub(super) async fn observe(this: &Grants, object: &DataGrant, reader: &Reader) -> Result<Observed, Failure> {
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    let plane = Facts::see(&object.spec.data_plane, namespace, reader).await?;
    let model = Model::parse(object).unwrap_or_default();
    let names = match &plane {
        Some(_) => {
            let labels = labels_of(namespace, reader).await?;
            let asker = Asker { plane: &object.spec.data_plane, namespace, labels: &labels, reader };
            model.names().into_iter().map(|(what, name)| asker.named(what, name)).collect()
        }
        None => Vec::new(),
    };
    let needs = needs(this, object, (&model, &names)).await?;
    let issued = this.issued(object.metadata.uid.as_deref().unwrap_or_default());
    let altered = altered(this, object, issued.as_ref()).await && there(object, reader).await?;
    Ok(Observed { plane, names, needs, issued, altered })
}

/// Whether the grant itself is still wanted: its Secret goes with it, and the cache may not know yet.
async fn there(object: &DataGrant, reader: &Reader) -> Result<bool, Failure> {
    let live = reader.live::<DataGrant>(&Key::of(object)).await?;
    Ok(live.is_some_and(|live| live.metadata.uid == object.metadata.uid && live.metadata.deletion_timestamp.is_none()))
}

/// Looks whether the Secret of a grant that serves is still as it was written, now and then. No answer is no finding.
async fn altered(this: &Grants, object: &DataGrant, issued: Option<&Issued>) -> bool {
    let uid = object.metadata.uid.as_deref().unwrap_or_default();
    let Some(status) = object.status.as_ref().filter(|s| conditions::is_true(*s, "Ready")) else { return false };
    let Some(name) = &status.secret_name else { return false };
    if object.metadata.deletion_timestamp.is_some() || !this.may_look(uid, this.reader.now()) {
        return false;
    }
    // What this process wrote last may not stand in the status yet. A status of an older Millrace names no version: then
    // only the absence of the Secret shows.
    let told = status.issued.as_ref().map(|issued| issued.resource_version.clone()).unwrap_or_default();
    let version = issued.map(|issued| issued.version.clone()).filter(|version| !version.is_empty()).unwrap_or(told);
    matches!(this.reader.unaltered(&effect::bare(object, name), &version).await, Ok(Left::Altered | Left::Gone))
}

/// Looks for what must be there, in buckets whose names are known; a grant that has served is not asked again.
async fn needs(this: &Grants, object: &DataGrant, of: (&Model, &[Named])) -> Result<Vec<Need>, Failure> {
    let (model, names) = of;
    let served = object.status.as_ref().is_some_and(|status| !status.buckets.is_empty());
    let plane = this.reader.cached::<DataPlane>(&Key::new("", &object.spec.data_plane));
    let Some(plane) = plane.filter(|_| !served && !model.needs.is_empty()) else { return Ok(Vec::new()) };
    let store = this.connections.store(&plane, &this.reader).await?;
    let mut all = Vec::new();
    for (bucket, key) in &model.needs {
        let named = names.iter().find(|n| n.what == What::Bucket && n.name == *bucket);
        let Some(Found::Ready { external, .. }) = named.map(|n| &n.found) else { continue };
        let there = match &store {
            Ok(store) => store.has(external, key).await,
            Err(error) => Err(error.clone()),
        };
        all.push(Need { bucket: bucket.clone(), key: key.clone(), there });
    }
    Ok(all)
}

struct Asker<'a> {
    plane: &'a str,
    namespace: &'a str,
    labels: &'a BTreeMap<String, String>,
    reader: &'a Reader,
}

/// An object that may be meant, whatever its kind.
struct Candidate {
    namespace: String,
    plane: String,
    share: Vec<Share>,
    external: Option<String>,
    ready: bool,
    rules: Vec<Rule>,
    message: String,
}

/// Reasons by which an object has no right any more to the name in its status, or cannot prove it.
const NOT_ITS_OWN: [Reason; 6] = [
    Reason::NameTaken,
    Reason::TagsLost,
    Reason::ClaimedElsewhere,
    Reason::NotOurs,
    Reason::NamespaceNotAllowed,
    Reason::ExternalNameNotAllowed,
];

/// The name in the status of an object that is neither leaving nor in doubt about what is its own.
fn own_name<S: HasConditions>(status: &S, named: (Option<&String>, &ObjectMeta)) -> Option<String> {
    let (name, meta) = named;
    let doubtful = conditions::reason(status, "Ready").is_some_and(|reason| NOT_ITS_OWN.contains(&reason));
    name.filter(|_| meta.deletion_timestamp.is_none() && !doubtful).cloned()
}

impl From<&DataBucket> for Candidate {
    fn from(object: &DataBucket) -> Self {
        let status = object.status.clone().unwrap_or_default();
        let ready = conditions::is_ready(&status, object.metadata.generation.unwrap_or(0));
        Self {
            namespace: object.metadata.namespace.clone().unwrap_or_default(),
            plane: object.spec.data_plane.clone(),
            share: object.spec.bucket.share.clone(),
            external: own_name(&status, (status.bucket_name.as_ref(), &object.metadata)),
            ready,
            rules: Rule::of(object),
            message: obstacle(&status),
        }
    }
}

impl From<&DataTopic> for Candidate {
    fn from(object: &DataTopic) -> Self {
        let status = object.status.clone().unwrap_or_default();
        let ready = conditions::is_ready(&status, object.metadata.generation.unwrap_or(0));
        Self {
            namespace: object.metadata.namespace.clone().unwrap_or_default(),
            plane: object.spec.data_plane.clone(),
            share: object.spec.topic.share.clone(),
            external: own_name(&status, (status.topic_name.as_ref(), &object.metadata)),
            ready,
            rules: Vec::new(),
            message: obstacle(&status),
        }
    }
}

/// Why an object will not become Ready by itself. Its progress is not repeated: each step would cost every waiting grant
/// a write.
fn obstacle<S: HasConditions>(status: &S) -> String {
    conditions::get(status, "Stalled").filter(|c| c.status == "True").map(|c| c.message.clone()).unwrap_or_default()
}

impl Asker<'_> {
    fn named(&self, what: What, name: String) -> Named {
        let cache = &self.reader.cache;
        let key = Key::new(self.namespace, &name);
        let word = facts::shared(&name);
        let (own, others) = match what {
            What::Bucket => (
                cache.get::<DataBucket>(&key).map(|b| Candidate::from(b.as_ref())),
                cache.indexed::<DataBucket>(&word).iter().map(|b| Candidate::from(b.as_ref())).collect::<Vec<_>>(),
            ),
            What::Topic => (
                cache.get::<DataTopic>(&key).map(|t| Candidate::from(t.as_ref())),
                cache.indexed::<DataTopic>(&word).iter().map(|t| Candidate::from(t.as_ref())).collect::<Vec<_>>(),
            ),
        };
        // A name of the namespace itself always means its own object.
        let found = match own {
            Some(own) => self.state(own, Access::Write),
            None => self.shared(others),
        };
        Named { what, name, found }
    }

    fn shared(&self, others: Vec<Candidate>) -> Found {
        let mut with_us: Vec<(Access, Candidate)> = others
            .into_iter()
            .filter(|other| other.namespace != self.namespace)
            .filter_map(|other| Some((self.share(&other)?, other)))
            .collect();
        match (with_us.pop(), with_us.is_empty()) {
            (None, _) => Found::Missing,
            (Some((most, only)), true) => self.state(only, most),
            (Some((_, last)), false) => {
                let names = with_us.into_iter().map(|(_, other)| other.namespace).chain([last.namespace]);
                Found::Ambiguous(names.collect())
            }
        }
    }

    /// The most this namespace may do by the shares of an object; `None` if it is not shared with it.
    fn share(&self, other: &Candidate) -> Option<Access> {
        let chosen = other.share.iter().filter(|share| share.namespaces.chooses(self.labels));
        chosen.map(|share| share.access.unwrap_or_default()).max()
    }

    fn state(&self, candidate: Candidate, most: Access) -> Found {
        if candidate.plane != self.plane {
            return Found::OtherPlane(candidate.plane);
        }
        let Candidate { namespace, external, ready, rules, message, .. } = candidate;
        match external {
            Some(external) if ready => {
                let owner = Some(namespace).filter(|namespace| namespace != self.namespace);
                Found::Ready { external, most, owner, rules }
            }
            external => Found::NotReady { message, still: external.map(|external| (external, most)) },
        }
    }
}
