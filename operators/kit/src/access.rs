//! The rights an operator needs, as data: the chart's roles are generated from it and a test proves them sufficient.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

/// Where a right is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Reach {
    /// In every namespace (ClusterRole and ClusterRoleBinding).
    Cluster,
    /// Only in the operator's own namespace (Role and RoleBinding).
    Own,
}

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Access {
    /// Where.
    pub reach: Reach,
    /// API group; empty for core.
    pub group: &'static str,
    /// Resource or `resource/subresource`.
    pub resource: &'static str,
    /// Verbs, no wildcard.
    pub verbs: &'static [&'static str],
    /// Only these objects; an empty list means all of them, so it must be a choice that `why` explains.
    pub names: &'static [&'static str],
    /// What breaks without it.
    pub why: &'static str,
}

impl Access {
    /// A rule for all objects of a resource in the whole cluster.
    #[must_use]
    pub const fn cluster(
        group: &'static str,
        resource: &'static str,
        verbs: &'static [&'static str],
        why: &'static str,
    ) -> Self {
        Self { reach: Reach::Cluster, group, resource, verbs, names: &[], why }
    }

    /// A rule for all objects of a resource in the operator's own namespace.
    #[must_use]
    pub const fn own(
        group: &'static str,
        resource: &'static str,
        verbs: &'static [&'static str],
        why: &'static str,
    ) -> Self {
        Self { reach: Reach::Own, group, resource, verbs, names: &[], why }
    }

    /// Narrows the rule to named objects.
    #[must_use]
    pub const fn named(mut self, names: &'static [&'static str]) -> Self {
        self.names = names;
        self
    }
}

/// What the kernel itself needs, in every operator.
pub const KERNEL: &[Access] = &[
    Access::own("coordination.k8s.io", "leases", &["get", "create", "update"], "leader lease"),
    Access::own("", "pods", &["get"], "a leader whose pod is gone is not waited for"),
    Access::cluster("events.k8s.io", "events", &["create"], "tell of warnings and ends"),
];

/// What [`crate::warnings`] needs.
pub const WARNINGS: Access = Access::cluster(
    "",
    "events",
    &["list"],
    "why a pod does not start stands in its Events; asked for by its uid only",
);

/// The rules of an operator, the kernel's included, as the chart reads them: `{cluster: [...], own: [...]}`, each a list of
/// RBAC rules with the reason beside it; what several controllers need of one resource is one rule.
#[must_use]
pub fn document(access: &[Access]) -> Value {
    let rules = |reach: Reach| -> Vec<Value> {
        let mut all: BTreeMap<_, (BTreeSet<&str>, Vec<&str>)> = BTreeMap::new();
        for a in KERNEL.iter().chain(access).filter(|a| a.reach == reach) {
            let (verbs, reasons) = all.entry((a.group, a.resource, a.names)).or_default();
            verbs.extend(a.verbs);
            reasons.push(a.why);
        }
        let mut rules = Vec::new();
        for ((group, resource, names), (verbs, reasons)) in all {
            let mut rule = json!({"apiGroups": [group], "resources": [resource], "verbs": verbs});
            // An empty `resourceNames` would mean all objects, so it is never written.
            if let (false, Some(slot)) = (names.is_empty(), rule.as_object_mut()) {
                slot.insert("resourceNames".into(), json!(names));
            }
            rules.push(json!({"why": reasons.join("; "), "rule": rule}));
        }
        rules
    };
    json!({"cluster": rules(Reach::Cluster), "own": rules(Reach::Own)})
}
