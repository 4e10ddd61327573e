//! Credentials that were issued: what is known of them, never a credential.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A Secret that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Issued {
    /// When its credentials end.
    pub expires_at: Timestamp,
    /// Hash of the intent it was written for.
    pub intent: String,
    /// When its credentials were issued.
    #[serde(default = "never")]
    pub at: Timestamp,
    /// Its resourceVersion.
    #[serde(default)]
    pub version: String,
    /// Why it was written before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Early>,
}

const fn never() -> Timestamp {
    Timestamp::MAX
}

/// Why credentials are issued before it is time to renew them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Early {
    /// The Secret is gone or changed.
    Secret,
    /// The store does not know what it issued before, or its keys were changed.
    Issuer,
}

impl Early {
    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Secret => "someone else deleted or changed it",
            Self::Issuer => "the store does not know the credentials any more, or its keys were changed",
        }
    }
}
