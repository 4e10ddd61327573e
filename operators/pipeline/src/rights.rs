//! Sets of API verbs that more than one rule of the operator's role grants.

/// Makes objects and keeps them as declared.
pub(crate) const KEEP: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];
/// Makes objects that never change.
pub(crate) const MAKE: &[&str] = &["get", "list", "watch", "create", "delete"];
/// Looks at objects of others.
pub(crate) const LOOK: &[&str] = &["list", "watch"];
