//! What may happen around registries and versions, by subject.

pub mod giveups;
pub mod inputs;
pub mod registries;
pub mod versions;

use millrace_kit::sim::Scenario;

/// The scenarios for the whole operator.
pub fn whole() -> Vec<Scenario> {
    [registries::scenarios(), inputs::scenarios(), giveups::polled(), versions::polled()].concat()
}

/// The scenarios for the controller of ModelVersions alone.
pub fn of_versions() -> Vec<Scenario> {
    [giveups::scenarios(), versions::scenarios()].concat()
}
