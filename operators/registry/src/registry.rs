//! ModelRegistry: one MLflow server on PostgreSQL and a bucket, migrated before it serves, never open.
//!
//! The order is bucket, grant and login, then the migration's Job, then the server. A server that runs serves until its
//! successor answers, unless the schema must change under it. Never reads a Secret: pods get them by reference, and tell
//! by keyed fingerprints that one has changed.

mod decide;
pub(crate) mod effect;
mod migrate;
pub(crate) mod names;
mod observe;
pub(crate) mod operator;
mod pass;
pub(crate) mod seen;
mod serve;
pub(crate) mod spec;
