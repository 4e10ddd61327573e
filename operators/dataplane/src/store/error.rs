//! What a store can answer instead of doing as it was told, and the one table from that to the kernel's classes.
//!
//! Never carries a credential: messages name the bucket, the call and the store's own words.

use millrace_crds::Reason;
use millrace_kit::{Class, Failure};
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

/// The kinds of trouble an operator treats differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr)]
pub enum Trouble {
    /// No answer in time, or no connection.
    StoreUnreachable,
    /// The store asks to slow down, or has an inner error.
    StoreBusy,
    /// The keys lack the right, or are wrong.
    StoreDenied,
    /// The DataPlane has no usable admin keys.
    NoStoreKeys,
    /// The DataPlane has no usable `stsSecretRef`.
    NoStsKeys,
    /// A bucket of this name exists.
    Exists,
    /// The bucket is gone.
    NoSuchBucket,
    /// The bucket holds objects or versions.
    NotEmpty,
    /// The store does not take what the spec asks for.
    StoreRefused,
}

impl Trouble {
    /// The kernel's class.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::StoreUnreachable | Self::StoreBusy => Class::Transient,
            Self::StoreDenied | Self::NoStoreKeys | Self::NoStsKeys => Class::Forbidden,
            Self::Exists | Self::NoSuchBucket | Self::NotEmpty => Class::Waiting,
            Self::StoreRefused => Class::Invalid,
        }
    }
}

impl Trouble {
    /// The reason that conditions give for it.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::StoreUnreachable => Reason::StoreUnreachable,
            Self::StoreBusy => Reason::StoreBusy,
            Self::StoreDenied => Reason::StoreDenied,
            Self::NoStoreKeys => Reason::NoStoreKeys,
            Self::NoStsKeys => Reason::NoStsKeys,
            Self::Exists => Reason::Exists,
            Self::NoSuchBucket => Reason::NoSuchBucket,
            Self::NotEmpty => Reason::NotEmpty,
            Self::StoreRefused => Reason::StoreRefused,
        }
    }
}

/// One failed call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    /// What kind of trouble.
    pub trouble: Trouble,
    /// Which call, on what, and the store's words.
    pub message: String,
}

impl StoreError {
    /// An error from its parts.
    #[must_use]
    pub fn new(trouble: Trouble, message: impl Into<String>) -> Self {
        Self { trouble, message: message.into() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(error.trouble.class(), error.trouble.reason(), error.message)
    }
}
