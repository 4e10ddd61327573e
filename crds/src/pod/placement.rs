//! Where the scheduler may put pods, in the words of Kubernetes, bounded.
//!
//! Written as Kubernetes writes it, so that a manifest can be pasted and is rendered as it stands. What is left out
//! looks at other namespaces or at fields of nodes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

const VALUES: &str =
    "self.operator in ['Exists', 'DoesNotExist'] ? !has(self.values) : has(self.values) && self.values.size() > 0";
const VALUES_HINT: &str = "give values, but none for Exists and DoesNotExist";

/// Nodes and neighbours the pods need, prefer or avoid.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Affinity {
    /// Which nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_affinity: Option<NodeAffinity>,
    /// Beside which pods of this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_affinity: Option<PodAffinity>,
    /// Away from which pods of this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_anti_affinity: Option<PodAffinity>,
}

/// Nodes by their labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeAffinity {
    /// A node must match one of the terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_during_scheduling_ignored_during_execution: Option<NodeTerms>,
    /// Nodes that match are preferred, by weight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(8))]
    pub preferred_during_scheduling_ignored_during_execution: Vec<PreferredNodes>,
}

/// Terms of which one must match.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeTerms {
    /// The terms, at least one.
    #[schemars(transform = schema::list(8), length(min = 1))]
    pub node_selector_terms: Vec<NodeTerm>,
}

/// Expressions that must all match.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeTerm {
    /// Expressions over the node's labels, at least one.
    #[schemars(transform = schema::list(8), length(min = 1))]
    pub match_expressions: Vec<NodeExpression>,
}

/// Nodes that are preferred.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreferredNodes {
    /// How much, from 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub weight: i32,
    /// Which nodes.
    pub preference: NodeTerm,
}

/// One expression over a node's labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [schema::rule(VALUES, VALUES_HINT)]))]
pub struct NodeExpression {
    /// Key of the label.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt`.
    #[schemars(length(max = 16), extend("enum" = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]))]
    pub operator: String,
    /// Values of the label; none for Exists and DoesNotExist, one whole number for Gt and Lt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(32, 63))]
    pub values: Vec<String>,
}

/// Pods of this namespace, by their labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodAffinity {
    /// All terms must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(8))]
    pub required_during_scheduling_ignored_during_execution: Vec<PodTerm>,
    /// Terms that are preferred, by weight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(8))]
    pub preferred_during_scheduling_ignored_during_execution: Vec<PreferredPods>,
}

/// Pods, and what counts as the same place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodTerm {
    /// Which pods. Default: those of this job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<LabelSelector>,
    /// Nodes with the same value of this label are one place, for example `kubernetes.io/hostname`.
    #[schemars(length(min = 1, max = 317))]
    pub topology_key: String,
}

/// Pods that are preferred.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreferredPods {
    /// How much, from 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub weight: i32,
    /// Which pods, and what is near.
    pub pod_affinity_term: PodTerm,
}

/// Pods by their labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels they must carry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = schema::map(8, 63))]
    pub match_labels: BTreeMap<String, String>,
    /// Expressions that must all match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::list(8))]
    pub match_expressions: Vec<LabelExpression>,
}

/// One expression over a pod's labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [schema::rule(VALUES, VALUES_HINT)]))]
pub struct LabelExpression {
    /// Key of the label.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    #[schemars(length(max = 16), extend("enum" = ["In", "NotIn", "Exists", "DoesNotExist"]))]
    pub operator: String,
    /// Values of the label; none for Exists and DoesNotExist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::texts(32, 63))]
    pub values: Vec<String>,
}

/// How evenly pods are spread.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopologySpread {
    /// By how many pods two places may differ, at least 1.
    #[schemars(range(min = 1, max = 1_000))]
    pub max_skew: i32,
    /// Nodes with the same value of this label are one place, for example `topology.kubernetes.io/zone`.
    #[schemars(length(min = 1, max = 317))]
    pub topology_key: String,
    /// `DoNotSchedule` or `ScheduleAnyway`.
    #[schemars(length(max = 16), extend("enum" = ["DoNotSchedule", "ScheduleAnyway"]))]
    pub when_unsatisfiable: String,
    /// Which pods are counted. Default: those of this job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<LabelSelector>,
}
