//! Index keys: under which words the cache finds registries, versions and buckets. Built here, for both controllers.

use kube::ResourceExt;
use millrace_crds::{DataBucket, ModelVersion};

use crate::version::spec::Source;

/// The ModelRegistries whose artifacts lie in a DataBucket.
pub(crate) fn registries_on(namespace: &str, bucket: &str) -> String {
    format!("{namespace}/{bucket}")
}

/// The name of a DataBucket on its store, once it has one.
pub(crate) fn bucket_name(bucket: &DataBucket) -> Option<&str> {
    bucket.status.as_ref().and_then(|s| s.bucket_name.as_deref())
}

/// The keys of a ModelVersion.
pub(crate) fn of_version(version: &ModelVersion) -> Vec<String> {
    let namespace = version.namespace().unwrap_or_default();
    let spec = &version.spec;
    let mut keys =
        vec![versions_of(&namespace, &spec.registry), versions_of_model(&namespace, &spec.registry, &spec.model)];
    keys.push(version_with_uid(&version.uid().unwrap_or_default()));
    let number = version.status.as_ref().and_then(|s| s.version);
    keys.extend(number.map(|n| version_with_number(&namespace, &spec.registry, &spec.model, n)));
    keys.extend(Source::parse(&spec.source).ok().map(|s| versions_from(&namespace, &s.bucket)));
    keys
}

/// The ModelVersions of a registry.
pub(crate) fn versions_of(namespace: &str, registry: &str) -> String {
    format!("registry {namespace}/{registry}")
}

/// The ModelVersions of one model.
pub(crate) fn versions_of_model(namespace: &str, registry: &str, model: &str) -> String {
    format!("model {namespace}/{registry}/{model}")
}

/// The ModelVersion with this uid.
pub(crate) fn version_with_uid(uid: &str) -> String {
    format!("uid {uid}")
}

/// The ModelVersion behind a registered version.
pub(crate) fn version_with_number(namespace: &str, registry: &str, model: &str, number: i64) -> String {
    format!("number {namespace}/{registry}/{number}/{model}")
}

/// The ModelVersions whose source lies in a bucket of the store, and the DataBucket that it is.
pub(crate) fn versions_from(namespace: &str, bucket: &str) -> String {
    format!("bucket {namespace}/{bucket}")
}
