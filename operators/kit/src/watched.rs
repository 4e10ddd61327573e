//! An object as a watch stream brings it: decoded once, from the text of the stream straight into its type.

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Resource,
    core::{ApiResource, DynamicResourceScope},
};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Value, value::RawValue};

use crate::{kind::Object, port::text};

/// An object of a stream, or why it is none.
#[derive(Clone, Debug)]
pub(crate) enum Watched<K> {
    /// It is as its type says.
    Decoded(Arc<K>),
    /// It is not; with as much of its metadata as lets the stream go on.
    Broken(Box<ObjectMeta>, String),
}

impl<K: Object> Watched<K> {
    /// What the simulated world delivers.
    #[cfg(feature = "sim")]
    pub(crate) fn of(value: Value) -> Self {
        match K::deserialize(&value) {
            Ok(object) => Self::Decoded(Arc::new(object)),
            Err(error) => Self::Broken(Box::new(rest(&value)), error.to_string()),
        }
    }
}

/// The metadata of a document that is not of its type, as far as it can be read.
fn rest(value: &Value) -> ObjectMeta {
    if let Some(meta) = value.get("metadata").and_then(|meta| ObjectMeta::deserialize(meta).ok()) {
        return meta;
    }
    let word = |path: &str| Some(text(value, path)).filter(|text| !text.is_empty()).map(str::to_owned);
    ObjectMeta {
        name: word("/metadata/name"),
        namespace: word("/metadata/namespace"),
        resource_version: word("/metadata/resourceVersion"),
        ..ObjectMeta::default()
    }
}

impl<'de, K: Object> Deserialize<'de> for Watched<K> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // Kept as text, so that an object that is not of its type costs this one object and not the stream.
        let document = Box::<RawValue>::deserialize(from)?;
        match serde_json::from_str(document.get()) {
            Ok(object) => Ok(Self::Decoded(Arc::new(object))),
            Err(error) => {
                let value = serde_json::from_str(document.get()).map_err(D::Error::custom)?;
                Ok(Self::Broken(Box::new(rest(&value)), error.to_string()))
            }
        }
    }
}

impl<K: Object> Resource for Watched<K> {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(of: &ApiResource) -> Cow<'_, str> {
        of.kind.as_str().into()
    }

    fn group(of: &ApiResource) -> Cow<'_, str> {
        of.group.as_str().into()
    }

    fn version(of: &ApiResource) -> Cow<'_, str> {
        of.version.as_str().into()
    }

    fn api_version(of: &ApiResource) -> Cow<'_, str> {
        of.api_version.as_str().into()
    }

    fn plural(of: &ApiResource) -> Cow<'_, str> {
        of.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Decoded(object) => object.meta(),
            Self::Broken(meta, _) => meta,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Decoded(object) => Arc::make_mut(object).meta_mut(),
            Self::Broken(meta, _) => meta,
        }
    }
}

/// What differs between two states of an object if more than its status does: uid, generation, deletion, labels. `None` for
/// kinds without generations.
pub(crate) fn spec_of(meta: &ObjectMeta) -> Option<u64> {
    let generation = meta.generation?;
    let mut hasher = DefaultHasher::new();
    (&meta.uid, generation, meta.deletion_timestamp.is_some(), &meta.labels).hash(&mut hasher);
    Some(hasher.finish())
}

#[cfg(test)]
#[path = "tests/watched.rs"]
mod tests;
