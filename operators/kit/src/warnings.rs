//! What the cluster says about an object in its Events, asked for once where a start is slow.
//!
//! Owns the question (by field selector, never a watch: a cluster has more Events than all else) and the order of the
//! answers. A missing Secret, a failed mount or a sandbox that cannot be made stands nowhere but in Events.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use serde::{Deserialize, Serialize};

use crate::{Failure, Query, Reader};

/// Most Events read of one object.
const LIMIT: u32 = 50;

/// A warning about an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// Its reason: `FailedMount`, `FailedCreatePodSandBox`, `FailedScheduling`, …
    pub reason: String,
    /// Its message, in the words of who wrote it.
    pub message: String,
    /// When it was last seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
}

/// The warnings about the object with this uid, newest first.
///
/// # Errors
/// The API server's refusal, or no answer.
pub async fn of(reader: &Reader, namespace: &str, uid: &str) -> Result<Vec<Warning>, Failure> {
    let query = Query {
        namespace: namespace.to_owned(),
        fields: format!("involvedObject.uid={uid},type=Warning"),
        limit: LIMIT,
        ..Query::default()
    };
    let mut found: Vec<Warning> = reader.list::<Event>(&query).await?.into_iter().map(warning).collect();
    found.sort_by_key(|warning| std::cmp::Reverse(warning.last));
    Ok(found)
}

fn warning(event: Event) -> Warning {
    let series = event.series.and_then(|s| s.last_observed_time).map(|t| t.0);
    let single = event.last_timestamp.map(|t| t.0).or_else(|| event.event_time.map(|t| t.0));
    Warning {
        reason: event.reason.unwrap_or_default(),
        message: event.message.unwrap_or_default(),
        last: series.max(single),
    }
}
