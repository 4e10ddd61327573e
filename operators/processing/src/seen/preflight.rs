//! What the API server says to what a new spec would start.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::grant::GrantView;

/// What the look found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Preflight {
    /// The new spec's grant, if it needs one and it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantView>,
    /// When that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What the API server says to the new pod; asked once the data is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// What the API server says to a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// It would be created.
    Admitted,
    /// It would not.
    Refused(String),
    /// It could not say.
    Unanswered(String),
}
