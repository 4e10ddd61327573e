//! What is seen of a DataPlane: the broker view's health, one cheap call to the store, and its issuer of credentials.

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::{DataPlane, Reason};
use millrace_kit::{Class, Failure, Reader};
use serde::{Deserialize, Serialize};

use crate::{
    connect::Connections,
    doubt::timed,
    issuer::{self, IssuerSeen},
    kafka::Health,
    store::{Store, Trouble},
};

/// Longest waits for the store's answer, one after the other; with the pass every 5 s they keep the 15 s promise.
const TIMEOUTS: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(5)];
/// Between the two: a store that restarts refuses connections for a moment.
const PAUSE: Duration = Duration::from_secs(1);

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
    /// It did not answer, which is not a fact yet.
    Doubted,
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
    /// The issuer of short-lived credentials.
    #[serde(default)]
    pub issuer: IssuerSeen,
}

pub(super) async fn observe(object: &DataPlane, at: &Connections, reader: &Reader) -> Result<Observed, Failure> {
    if !super::check(&object.spec).is_empty() {
        return Ok(Observed::default());
    }
    let kafka = at.broker(object).map_or(KafkaSeen::None, |broker| KafkaSeen::Some(broker.health()));
    let mut seen = Observed { kafka, ..Observed::default() };
    if object.spec.object_store.is_none() {
        return Ok(seen);
    }
    let store = match at.store(object, reader).await? {
        Ok(store) => store,
        Err(missing) => return Ok(Observed { store: StoreSeen::Down(missing.into()), ..seen }),
    };
    seen.store = answers(store.as_ref(), object, (at, reader)).await;
    seen.issuer = IssuerSeen::Unknown;
    if seen.store == StoreSeen::Up {
        seen.issuer = issuer::look(object, (at, store.as_ref()), reader).await?;
    }
    Ok(seen)
}

/// Asks whether the store answers; if not, once more.
async fn answers(store: &dyn Store, plane: &DataPlane, of: (&Connections, &Reader)) -> StoreSeen {
    let (at, reader) = of;
    let name = plane.metadata.name.clone().unwrap_or_default();
    for timeout in TIMEOUTS {
        let (answer, lag) = within(store.probe(), timeout).await;
        let lost = match answer {
            None => format!("the store did not answer within {} s", timeout.as_secs()),
            Some(Err(error)) if matches!(error.trouble, Trouble::StoreUnreachable | Trouble::StoreBusy) => {
                error.message
            }
            Some(answer) => {
                at.doubts().remove(&name);
                let Err(error) = answer else { return StoreSeen::Up };
                if error.trouble == Trouble::StoreDenied {
                    // Perhaps the Secret was rotated.
                    at.invalidate_credentials(&name);
                }
                return StoreSeen::Down(error.into());
            }
        };
        if let Some(words) = away(at, &name, (reader.now(), lag), &lost) {
            return StoreSeen::Down(Failure::new(Class::Transient, Reason::StoreUnreachable, words));
        }
        pause().await;
    }
    StoreSeen::Doubted
}

/// Notes that no answer came; what to say if that makes an outage.
fn away(at: &Connections, plane: &str, when: (Timestamp, Duration), lost: &str) -> Option<String> {
    let mut doubts = at.doubts();
    let doubt = doubts.entry(plane.to_owned()).or_default();
    let (now, lag) = when;
    doubt.unanswered(now, lag).then(|| doubt.words(lost))
}

/// The call's result, or nothing in time, and how late our own timers were meanwhile. Outside a runtime (in the simulated
/// world) there is no timer and no need.
async fn within<T>(call: impl Future<Output = T>, timeout: Duration) -> (Option<T>, Duration) {
    if tokio::runtime::Handle::try_current().is_err() {
        return (Some(call.await), Duration::ZERO);
    }
    let (answer, lag) = timed(tokio::time::timeout(timeout, call)).await;
    (answer.ok(), lag)
}

async fn pause() {
    if tokio::runtime::Handle::try_current().is_ok() {
        tokio::time::sleep(PAUSE).await;
    }
}
