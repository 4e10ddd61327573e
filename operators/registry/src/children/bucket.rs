//! The DataBucket of artifacts, when there is none: kept like any other, its data outlives the registry.

use kube::core::ObjectMeta;
use millrace_crds::{DataBucket, DataBucketSpec, ModelRegistry, data_bucket::BucketSettings};
use millrace_kit::Child;

use crate::registry::names::labels;

/// The bucket, on this DataPlane.
pub(crate) fn build(registry: &ModelRegistry, data_plane: &str) -> Child {
    let bucket = DataBucket {
        metadata: ObjectMeta {
            name: Some(registry.spec.artifacts.bucket.clone()),
            labels: Some(labels(registry, "artifacts")),
            ..ObjectMeta::default()
        },
        spec: DataBucketSpec { data_plane: data_plane.to_owned(), bucket: BucketSettings::default() },
        status: None,
    };
    Child::of(registry, &bucket)
}
