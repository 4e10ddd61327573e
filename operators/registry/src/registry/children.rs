//! Pure builders of a registry's children, one kind each.

pub(crate) mod bucket;
pub(crate) mod grant;
pub(crate) mod job;
pub(crate) mod login;
pub(crate) mod pod;
pub(crate) mod server;
pub(crate) mod service;

/// Port of the server and of its Service.
pub(crate) const PORT: i32 = 5_000;
