//! What the controller of DataBuckets works with.

use std::sync::Arc;

use millrace_crds::DataPlane;
use millrace_kit::{Failure, Key, Reader};

use crate::{
    connect::Connections,
    store::{Store, StoreError, Trouble, View},
};

/// Keeps DataBuckets.
pub struct Buckets {
    pub(super) connections: Arc<Connections>,
    reader: Reader,
    pub(super) view: View,
}

impl Buckets {
    /// A keeper with an empty view.
    #[must_use]
    pub fn new(connections: Arc<Connections>, reader: Reader) -> Self {
        Self { connections, reader, view: View::default() }
    }

    /// The store of a DataPlane.
    pub(super) async fn client(&self, plane: &str) -> Result<Result<Arc<dyn Store>, StoreError>, Failure> {
        let Some(found) = self.reader.cached::<DataPlane>(&Key::new("", plane)) else {
            return Ok(Err(StoreError::new(Trouble::NoStoreKeys, format!("DataPlane {plane} is gone"))));
        };
        self.connections.store(&found, &self.reader).await
    }

    /// Keys that are refused may have been rotated.
    pub(super) fn suspect(&self, plane: &str, error: &StoreError) {
        if error.trouble == Trouble::StoreDenied {
            self.connections.invalidate_credentials(plane);
        }
    }
}
