//! A real Kubernetes cluster on this machine, built from packages, in a network namespace of its own.

pub mod files;
pub mod pki;
pub mod target;
pub mod tool;

pub use target::Target;
