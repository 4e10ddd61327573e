//! The disruption budget of drivers, one per namespace: a drain waits for them, for a driver takes its run with it.
//!
//! Streaming drivers are left out: a drain would wait for ever, and they go on from their checkpoint. It belongs to no
//! job and stays. The eviction API counts running pods only, so a finished driver never holds a node up.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    apimachinery::pkg::{
        apis::meta::v1::{LabelSelector, LabelSelectorRequirement},
        util::intstr::IntOrString,
    },
};
use millrace_crds::well_known::LABEL_ROLE;

use crate::{job::name::BUDGET, objects::account};

/// The label of drivers that go on where they were.
pub(crate) const STREAMING: &str = "millrace.dev/streaming";

/// The budget. `maxUnavailable: 0` would ask the pods' owner for its scale, which a job has not; more pods than there
/// can be is the same without that question.
pub(crate) fn build(namespace: &str) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: account::shared(BUDGET, namespace),
        spec: Some(PodDisruptionBudgetSpec {
            min_available: Some(IntOrString::Int(i32::MAX)),
            selector: Some(LabelSelector {
                match_labels: Some(BTreeMap::from([(LABEL_ROLE.to_owned(), "driver".to_owned())])),
                match_expressions: Some(vec![LabelSelectorRequirement {
                    key: STREAMING.to_owned(),
                    operator: "DoesNotExist".to_owned(),
                    values: None,
                }]),
            }),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    }
}
