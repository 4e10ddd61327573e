//! The objects of a Flink attempt: its settings, the Deployment that owns its TaskManagers, its JobManager.

pub(crate) mod anchor;
pub(crate) mod conf;
mod mounts;
pub(crate) mod pod;
mod settings;
pub(crate) mod worker;
