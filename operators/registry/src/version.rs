//! ModelVersion: one version, registered once, found again by the tag with our uid.
//!
//! Its files are counted before, by a pod with a grant. An object that is deleted while its registration may be on its way
//! stays until that is known, and takes it back. Aliases are taken when they are newly listed and put back when they are
//! lost, but never taken from a newer version, nor from one that declares them. A version deleted in MLflow is not made
//! again; deleting the object keeps the version.

mod aliases;
mod call;
mod decide;
pub(crate) mod effect;
mod giveup;
mod measure;
mod observe;
pub(crate) mod operator;
mod pass;
pub(crate) mod seen;
pub(crate) mod spec;
