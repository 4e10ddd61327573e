//! Pure builders of the objects that attempts of every engine have, one kind a file.

pub(crate) mod account;
pub(crate) mod common;
pub(crate) mod grant;
mod overrides;
pub(crate) mod revision;
