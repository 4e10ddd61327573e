//! The object store as the operator meets it: a small port of bucket calls and one of short-lived credentials.
//!
//! [`s3`] is the adapter over the AWS SDK; tests have a store in memory with faults. [`view`] keeps what was seen
//! for a while, so that idle buckets cost few calls. A credential leaves this module only as [`Credentials`], which prints
//! nothing of it.

mod error;
pub mod facts;
mod port;
pub mod s3;
pub mod view;

pub use error::{StoreError, Trouble};
pub use facts::Facts;
pub use port::{
    Assume, Bucket, Credentials, DEFAULT_REGION, Expiry, Keys, OpenStore, Settings, Store, StoreKeys, Versioning,
};
pub use view::View;
