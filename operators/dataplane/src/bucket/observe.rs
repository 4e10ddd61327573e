//! What a pass sees: the DataPlane from the cache, the bucket from the view.
//!
//! A store that is away, or refuses, is data.

use millrace_crds::DataBucket;
use millrace_kit::{Failure, Reader};
use serde::{Deserialize, Serialize};

use super::{buckets::Buckets, model, refuse};
use crate::{
    protection::Kept,
    store::{Bucket, Facts, StoreError},
};

/// The surroundings of a DataBucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The DataPlane; `None` if there is none of that name.
    #[serde(default)]
    pub plane: Option<Facts>,
    /// The bucket.
    #[serde(default)]
    pub look: Look,
    /// What grants keep there, as far as a rule of the spec reaches it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Kept>,
}

/// What the store said of the bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Look {
    /// It was not asked.
    #[default]
    Not,
    /// There is none of that name, on the store's own word.
    Absent,
    /// It is there.
    There(Bucket),
    /// It did not say.
    Failed(StoreError),
}

pub(super) async fn observe(this: &Buckets, object: &DataBucket, reader: &Reader) -> Result<Observed, Failure> {
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    let name = &object.spec.data_plane;
    let Some(facts) = Facts::see(name, namespace, reader).await? else { return Ok(Observed::default()) };
    // One that is leaving is looked at even where its namespace has lost the right to the DataPlane.
    let leaving = object.metadata.deletion_timestamp.is_some();
    if facts.store.is_none() || !(facts.allowed || leaving) {
        return Ok(Observed { plane: Some(facts), ..Observed::default() });
    }
    let bucket = model::on_store(object, &facts);
    let kept = refuse::kept(object, &bucket, &reader.cache);
    let look = match this.client(name).await? {
        Ok(store) => match this.view.look(store.as_ref(), (name, &bucket), reader.now()).await {
            Ok(Some(found)) => Look::There(found),
            Ok(None) => Look::Absent,
            Err(error) => {
                this.suspect(name, &error);
                Look::Failed(error)
            }
        },
        Err(error) => Look::Failed(error),
    };
    Ok(Observed { plane: Some(facts), look, kept })
}
