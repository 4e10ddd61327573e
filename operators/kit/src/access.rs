//! The rights an operator needs, as data: the chart's roles are generated from it and a test proves them sufficient.

use serde::Serialize;

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
    Access::cluster("events.k8s.io", "events", &["create"], "tell of warnings and ends"),
];
