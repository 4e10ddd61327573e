//! What each name of a grant means at present: an own DataBucket or DataTopic, or one shared with the namespace.
//!
//! Only through Ready objects, never by formula. No credential is ever seen here: what this process has issued is
//! remembered by its expiry alone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use millrace_crds::{Access, DataBucket, DataGrant, DataTopic, HasConditions, Share};
use millrace_kit::{Failure, Key, Reader, conditions};
use serde::{Deserialize, Serialize};

use super::{
    Grants,
    model::{Model, What},
};
use crate::{
    connect::{chooses, labels_of},
    store::{Facts, facts},
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
    /// The last Secret this process has written for this grant.
    #[serde(default)]
    pub issued: Option<Issued>,
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
    },
    /// An object that is not Ready.
    NotReady {
        /// Its own words, if a person must act; else empty.
        message: String,
    },
    /// On another DataPlane than the grant.
    OtherPlane(String),
    /// Shared with this namespace from more than one other.
    Ambiguous(Vec<String>),
    /// No such object.
    Missing,
}

/// A Secret that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Issued {
    /// When its credentials end.
    pub expires_at: Timestamp,
    /// Hash of the intent it was written for.
    pub intent: String,
}

pub(super) async fn observe(this: &Grants, object: &DataGrant, reader: &Reader) -> Result<Observed, Failure> {
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    let plane = Facts::see(&object.spec.data_plane, namespace, reader).await?;
    let names = match Model::parse(object) {
        Ok(model) if plane.is_some() => {
            let labels = labels_of(namespace, reader).await?;
            let asker = Asker { plane: &object.spec.data_plane, namespace, labels: &labels, reader };
            model.names().into_iter().map(|(what, name)| asker.named(what, name)).collect()
        }
        _ => Vec::new(),
    };
    Ok(Observed { plane, names, issued: this.issued(object.metadata.uid.as_deref().unwrap_or_default()) })
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
    message: String,
}

impl From<&DataBucket> for Candidate {
    fn from(object: &DataBucket) -> Self {
        let status = object.status.clone().unwrap_or_default();
        let ready = conditions::is_ready(&status, object.metadata.generation.unwrap_or(0));
        Self {
            namespace: object.metadata.namespace.clone().unwrap_or_default(),
            plane: object.spec.data_plane.clone(),
            share: object.spec.bucket.share.clone(),
            external: status.bucket_name.clone().filter(|_| ready && object.metadata.deletion_timestamp.is_none()),
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
            external: status.topic_name.clone().filter(|_| ready && object.metadata.deletion_timestamp.is_none()),
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
        let chosen = other.share.iter().filter(|share| chooses(&share.namespaces, self.labels));
        chosen.map(|share| share.access.unwrap_or_default()).max()
    }

    fn state(&self, candidate: Candidate, most: Access) -> Found {
        if candidate.plane != self.plane {
            return Found::OtherPlane(candidate.plane);
        }
        match candidate.external {
            Some(external) => Found::Ready { external, most },
            None => Found::NotReady { message: candidate.message },
        }
    }
}
