//! What is seen of a DataPlane: the broker view's health, and one cheap call to the store.

use std::time::Duration;

use millrace_crds::DataPlane;
use millrace_kit::{Class, Failure, Reader};
use serde::{Deserialize, Serialize};

use crate::{connect::Connections, kafka::Health, store::Trouble};

/// Longest wait for the store's answer; with the pass every 5 s this keeps the 15 s promise.
const PROBE: Duration = Duration::from_secs(4);

/// How Kafka is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum KafkaSeen {
    /// The DataPlane has none.
    #[default]
    None,
    /// As the view says.
    Some(Health),
}

/// How the object store is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreSeen {
    /// The DataPlane has none.
    #[default]
    None,
    /// It answered and took our keys.
    Up,
    /// It did not.
    Down(Failure),
}

/// What is seen of a DataPlane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Kafka.
    #[serde(default)]
    pub kafka: KafkaSeen,
    /// The object store.
    #[serde(default)]
    pub store: StoreSeen,
}

pub(super) async fn observe(object: &DataPlane, at: &Connections, reader: &Reader) -> Result<Observed, Failure> {
    if !super::check(&object.spec).is_empty() {
        return Ok(Observed::default());
    }
    let kafka = at.broker(object).map_or(KafkaSeen::None, |broker| KafkaSeen::Some(broker.health()));
    let store = if object.spec.object_store.is_some() { store(object, at, reader).await? } else { StoreSeen::None };
    Ok(Observed { kafka, store })
}

async fn store(object: &DataPlane, at: &Connections, reader: &Reader) -> Result<StoreSeen, Failure> {
    let store = match at.store(object, reader).await? {
        Ok(store) => store,
        Err(missing) => return Ok(StoreSeen::Down(missing.into())),
    };
    Ok(match within(store.probe()).await {
        None => StoreSeen::Down(Failure::new(
            Class::Transient,
            "StoreUnreachable",
            format!("the store did not answer within {} s", PROBE.as_secs()),
        )),
        Some(Ok(())) => StoreSeen::Up,
        Some(Err(error)) => {
            if error.trouble == Trouble::StoreDenied {
                // Perhaps the Secret was rotated.
                at.distrust(&object.metadata.name.clone().unwrap_or_default());
            }
            StoreSeen::Down(error.into())
        }
    })
}

/// The call's result, or nothing in time. Outside a runtime (in the simulated world) there is no timer and no need.
async fn within<T>(call: impl Future<Output = T>) -> Option<T> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Some(call.await);
    }
    tokio::time::timeout(PROBE, call).await.ok()
}
