//! Pure builders of what registries and versions create, one kind each.

pub(crate) mod bucket;
pub(crate) mod grant;
pub(crate) mod job;
pub(crate) mod login;
pub(crate) mod measure;
pub(crate) mod pod;
pub(crate) mod server;
pub(crate) mod service;
