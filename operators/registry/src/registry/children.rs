//! Pure builders of a registry's children, one kind each.

pub(crate) mod bucket;
pub(crate) mod grant;
pub(crate) mod job;
pub(crate) mod login;
pub(crate) mod measure;
pub(crate) mod pod;
pub(crate) mod server;
pub(crate) mod service;

/// Port of the server and of its Service.
pub(crate) const PORT: i32 = 5_000;

/// Port on which a server's pods say what they were given.
pub(crate) const GIVEN_PORT: i32 = 5_001;
