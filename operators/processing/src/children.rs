//! Pure builders of the objects of an attempt, one kind a file.

pub(crate) mod account;
pub(crate) mod budget;
pub(crate) mod conf;
pub(crate) mod driver;
pub(crate) mod event_log;
pub(crate) mod executor;
pub(crate) mod flink;
pub(crate) mod grant;
pub(crate) mod log;
pub(crate) mod main_pod;
pub(crate) mod parts;
pub(crate) mod properties;
pub(crate) mod ranks;
pub(crate) mod revision;
pub(crate) mod stream;
mod wishes;
