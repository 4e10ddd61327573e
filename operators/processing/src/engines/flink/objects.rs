//! The objects of a Flink attempt: its settings, the Deployment that owns its TaskManagers, its JobManager.

pub(crate) mod config_map;
pub(crate) mod manager;
mod mounts;
pub(crate) mod owner;
mod settings;
pub(crate) mod worker;
