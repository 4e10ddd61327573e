//! The DataGrant of the server: write access to the bucket of artifacts, held by the registry.

use kube::{ResourceExt, core::ObjectMeta};
use millrace_crds::{
    Access, DataGrant, DataGrantSpec, ModelRegistry,
    data_grant::{AccessRequest, Holder},
};
use millrace_kit::Child;

use crate::registry::names::{Names, labels};

/// The grant, on the DataPlane of the bucket.
pub(crate) fn build(registry: &ModelRegistry, data_plane: &str) -> Child {
    let grant = DataGrant {
        metadata: ObjectMeta {
            name: Some(Names::of(registry).grant),
            labels: Some(labels(registry, "artifacts")),
            ..ObjectMeta::default()
        },
        spec: DataGrantSpec {
            data_plane: data_plane.to_owned(),
            holder: Holder {
                kind: "ModelRegistry".to_owned(),
                name: registry.name_any(),
                uid: registry.uid().unwrap_or_default(),
            },
            access: vec![AccessRequest {
                bucket: Some(registry.spec.artifacts.bucket.clone()),
                mode: Access::Write,
                ..AccessRequest::default()
            }],
            ..DataGrantSpec::default()
        },
        status: None,
    };
    Child::of(registry, &grant)
}
