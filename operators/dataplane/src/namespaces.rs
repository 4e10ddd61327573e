//! Namespaces, as far as DataPlanes choose by their labels.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Namespace;
use millrace_kit::{Failure, Key, Reader};

/// The labels of a namespace: cached, or live if the cache misses. A missing namespace has none.
///
/// # Errors
/// The Kubernetes API failed.
pub(crate) async fn labels_of(namespace: &str, reader: &Reader) -> Result<BTreeMap<String, String>, Failure> {
    let key = Key::new("", namespace);
    let found = match reader.cached::<Namespace>(&key) {
        Some(found) => Some(found.metadata.labels.clone()),
        None => reader.live::<Namespace>(&key).await?.map(|n| n.metadata.labels),
    };
    Ok(found.flatten().unwrap_or_default())
}
