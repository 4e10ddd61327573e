//! The intents towards the store, and their execution.
//!
//! Each may be repeated after a crash. Whatever claims or deletes a bucket looks at its tags live first: a decision may
//! be half a minute old.

use std::collections::BTreeMap;

use millrace_crds::{DataBucket, Reason};
use millrace_kit::{Class, Effect, Failure};
use serde::Serialize;

use super::{
    buckets::Buckets,
    model::{TAG_UID, Whose, whose},
};
use crate::store::{Expiry, Store, StoreError, Trouble};

/// One intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Intent {
    /// Create the bucket; one that exists is a failure, for the next pass to look at.
    Create {
        /// Name on the store.
        bucket: String,
    },
    /// Write the identity tags: a claim.
    Claim {
        /// Name on the store.
        bucket: String,
        /// The identity tags.
        tags: BTreeMap<String, String>,
    },
    /// Switch versioning on, or suspend it.
    Versioning {
        /// Name on the store.
        bucket: String,
        /// On, or suspended.
        on: bool,
    },
    /// Change the expiry rules.
    Expire {
        /// Name on the store.
        bucket: String,
        /// The change.
        change: Expiry,
    },
    /// Delete the bucket if it still carries these tags, uid included.
    Delete {
        /// Name on the store.
        bucket: String,
        /// The identity tags.
        tags: BTreeMap<String, String>,
        /// Whether to delete its objects first, a bounded number per pass.
        contents: bool,
    },
}

impl Intent {
    /// Name on the store.
    #[must_use]
    pub fn bucket(&self) -> &str {
        match self {
            Self::Create { bucket }
            | Self::Claim { bucket, .. }
            | Self::Versioning { bucket, .. }
            | Self::Expire { bucket, .. }
            | Self::Delete { bucket, .. } => bucket,
        }
    }
}

impl Effect for Intent {
    fn id(&self) -> String {
        let verb = match self {
            Self::Create { .. } => "create",
            Self::Claim { .. } => "tag",
            Self::Versioning { .. } => "set versioning of",
            Self::Expire { .. } => "set expiry of",
            Self::Delete { .. } => "delete",
        };
        format!("{verb} bucket {}", self.bucket())
    }
}

pub(super) async fn perform(this: &Buckets, object: &DataBucket, intent: &Intent) -> Result<(), Failure> {
    let plane = &object.spec.data_plane;
    let store = this.client(plane).await??;
    // Before: whatever happens, the next look is live. After: a look of another pass may have run in between.
    this.view.forget(plane, intent.bucket());
    let done = carry_out(store.as_ref(), intent).await;
    this.view.forget(plane, intent.bucket());
    done.map_err(|refused| match refused {
        Refused::Store(error) => {
            this.suspect(plane, &error);
            error.into()
        }
        Refused::Taken(failure) => failure,
    })
}

enum Refused {
    Store(StoreError),
    Taken(Failure),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn carry_out(store: &dyn Store, intent: &Intent) -> Result<(), Refused> {
    match intent {
        Intent::Create { bucket } => store.create(bucket).await?,
        Intent::Claim { bucket, tags } => {
            // Also of a bucket that was just created: a store may take the creation of a bucket of its own for granted.
            let mut all = store.tags(bucket).await?;
            if whose(tags, &all) == Whose::Other {
                let message = format!("bucket {bucket} has just been tagged for another owner; it is left alone");
                return Err(Refused::Taken(Failure::new(Class::Invalid, Reason::NameTaken, message)));
            }
            all.extend(tags.clone());
            store.tag(bucket, &all).await?;
        }
        Intent::Versioning { bucket, on } => store.versioning(bucket, *on).await?,
        Intent::Expire { bucket, change } => store.expire(bucket, change).await?,
        Intent::Delete { bucket, tags, contents } => {
            let there = match store.tags(bucket).await {
                Err(gone) if gone.trouble == Trouble::NoSuchBucket => return Ok(()),
                other => other?,
            };
            if whose(tags, &there) != Whose::Ours || !tags.contains_key(TAG_UID) {
                // Claimed by another incarnation in the meantime: the next pass sees it and lets go.
                return Ok(());
            }
            if !*contents || store.empty(bucket).await? {
                store.delete(bucket).await?;
            }
        }
    }
    Ok(())
}
