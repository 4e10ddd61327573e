//! Something an attempt left.

use millrace_kit::Object;
use serde::{Deserialize, Serialize};

/// Something an earlier attempt left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChildView {
    /// Its kind, for example `Pod`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: String,
    /// For a workload, whether it is over.
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
}
