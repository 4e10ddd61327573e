//! What a version's pass asks of MLflow.

use millrace_kit::Effect;
use serde::Serialize;

use super::seen::ServerRef;
use crate::mlflow::{Change, NewVersion};

/// A call to a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VersionEffect {
    /// The server.
    pub server: ServerRef,
    /// What it is asked to do.
    pub call: Call,
}

/// What a server is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Call {
    /// Registers the version, unless one with our uid is there, and gives it its first aliases.
    Register {
        /// The version.
        new: NewVersion,
        /// Aliases it takes.
        aliases: Vec<String>,
    },
    /// Changes the version or an alias.
    Change(Change),
    /// Takes back a registration whose object was given up.
    Withdraw(Withdrawal),
}

/// A registration to be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Withdrawal {
    /// Name of the registered model.
    pub model: String,
    /// Number of the version.
    pub version: i64,
    /// Aliases that go back to the versions that held them.
    pub aliases: Vec<(String, i64)>,
}

impl Effect for VersionEffect {
    fn id(&self) -> String {
        match &self.call {
            Call::Register { .. } => REGISTER.to_owned(),
            Call::Change(change) => change.to_string(),
            Call::Withdraw(_) => WITHDRAW.to_owned(),
        }
    }
}

/// Id of the effect that registers.
pub(super) const REGISTER: &str = "register";
/// Id of the effect that takes it back.
pub(super) const WITHDRAW: &str = "withdraw";
