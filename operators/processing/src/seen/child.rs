//! Something an attempt left.

use k8s_openapi::{
    api::{
        apps::v1::{ControllerRevision, Deployment},
        core::v1::{ConfigMap, Pod, Service},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use millrace_crds::{DataGrant, DataGrantSpec};
use millrace_kit::{Object, Target};
use serde::{Deserialize, Serialize};

/// Something an earlier attempt left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChildView {
    /// `Pod`, `ConfigMap`, `Deployment`, `Service` or `DataGrant`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: String,
    /// For a pod, whether it is over.
    #[serde(default)]
    pub over: bool,
    /// Whether it is on its way out already.
    #[serde(default)]
    pub going: bool,
}

impl ChildView {
    /// What the API server has; `over` where nothing of it runs.
    pub(crate) fn of<K: Object>(kind: &str, object: &K, over: bool) -> Self {
        let meta = object.meta();
        Self {
            kind: kind.to_owned(),
            name: meta.name.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
            over,
            going: meta.deletion_timestamp.is_some(),
        }
    }

    /// Itself as something to delete.
    pub(crate) fn target(&self, namespace: Option<String>) -> Target {
        let metadata = ObjectMeta {
            name: Some(self.name.clone()),
            namespace,
            uid: Some(self.uid.clone()),
            ..ObjectMeta::default()
        };
        match self.kind.as_str() {
            "Pod" => Target::of(&Pod { metadata, ..Pod::default() }),
            "ControllerRevision" => Target::of(&ControllerRevision { metadata, ..ControllerRevision::default() }),
            "Deployment" => Target::of(&Deployment { metadata, ..Deployment::default() }),
            "Service" => Target::of(&Service { metadata, ..Service::default() }),
            "ConfigMap" => Target::of(&ConfigMap { metadata, ..ConfigMap::default() }),
            _ => {
                let mut grant = DataGrant::new("", DataGrantSpec::default());
                grant.metadata = metadata;
                Target::of(&grant)
            }
        }
    }
}
