//! The ServiceAccount of Spark drivers, one per namespace, and the binding to its ClusterRole.
//!
//! They belong to no job and stay: their rights end at the admission policy that comes with the role.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        core::v1::ServiceAccount,
        rbac::v1::{RoleBinding, RoleRef, Subject},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

/// Name of the ServiceAccount and of its RoleBinding.
pub(crate) const ACCOUNT: &str = "millrace-spark";
/// Name of the ClusterRole the chart brings.
pub(crate) const ROLE: &str = "millrace-spark-driver";
/// What the watches of both select by.
pub(crate) const SELECTOR: &str = "app.kubernetes.io/managed-by=millrace";

fn meta(namespace: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(ACCOUNT.to_owned()),
        namespace: Some(namespace.to_owned()),
        labels: Some(BTreeMap::from([("app.kubernetes.io/managed-by".to_owned(), "millrace".to_owned())])),
        ..ObjectMeta::default()
    }
}

/// The account; pods that do not ask for its token do not get it.
pub(crate) fn service_account(namespace: &str) -> ServiceAccount {
    ServiceAccount {
        metadata: meta(namespace),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}

/// Its binding.
pub(crate) fn role_binding(namespace: &str) -> RoleBinding {
    let group = "rbac.authorization.k8s.io".to_owned();
    RoleBinding {
        metadata: meta(namespace),
        role_ref: RoleRef { api_group: group, kind: "ClusterRole".to_owned(), name: ROLE.to_owned() },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name: ACCOUNT.to_owned(),
            namespace: Some(namespace.to_owned()),
            ..Subject::default()
        }]),
    }
}
