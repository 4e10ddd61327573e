//! Uniform access to what every status carries, so that the kernel can write it without knowing the kind.
//!
//! The condition type is Kubernetes' own; the lists are list-maps by `type`.
//! Never decide here what a condition says.

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// What the kernel reads and writes in every status.
pub trait HasConditions {
    /// The generation the last pass saw; -1 when no operator has seen the object yet.
    fn observed_generation(&self) -> i64;
    /// Sets the generation this pass has seen.
    fn set_observed_generation(&mut self, generation: i64);
    /// The conditions, at most one of each type.
    fn conditions(&self) -> &Vec<Condition>;
    /// The conditions, to be changed.
    fn conditions_mut(&mut self) -> &mut Vec<Condition>;
    /// The last value of the annotation `reconcile.fluxcd.io/requestedAt` a pass has answered, to be changed.
    fn last_handled_reconcile_at_mut(&mut self) -> &mut Option<String>;
}

/// What a status holds before any operator has written it, for serde.
#[must_use]
pub const fn unseen() -> i64 {
    -1
}

macro_rules! has_conditions {
    ($status:ty) => {
        impl $crate::conditions::HasConditions for $status {
            fn observed_generation(&self) -> i64 {
                self.observed_generation
            }
            fn set_observed_generation(&mut self, generation: i64) {
                self.observed_generation = generation;
            }
            fn conditions(&self) -> &Vec<$crate::conditions::Condition> {
                &self.conditions
            }
            fn conditions_mut(&mut self) -> &mut Vec<$crate::conditions::Condition> {
                &mut self.conditions
            }
            fn last_handled_reconcile_at_mut(&mut self) -> &mut Option<String> {
                &mut self.last_handled_reconcile_at
            }
        }
    };
}
pub(crate) use has_conditions;
