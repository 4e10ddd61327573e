//! The ServiceAccounts of Spark drivers and of Flink's JobManagers, one of each per namespace, and their bindings.
//!
//! They belong to no job and stay: their rights end at the admission policies that come with their ClusterRoles.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        core::v1::ServiceAccount,
        rbac::v1::{RoleBinding, RoleRef, Subject},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use millrace_kit::Child;

use crate::{build::BuildContext, job::name::Account};

/// What the watches of both select by.
pub(crate) const SELECTOR: &str = "app.kubernetes.io/managed-by=millrace";

/// Metadata of what all jobs of a namespace share; [`SELECTOR`] finds it.
pub(crate) fn shared(name: &str, namespace: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(namespace.to_owned()),
        labels: Some(BTreeMap::from([("app.kubernetes.io/managed-by".to_owned(), "millrace".to_owned())])),
        ..ObjectMeta::default()
    }
}

/// The account; pods that do not ask for its token do not get it.
pub(crate) fn service_account(account: &Account, namespace: &str) -> ServiceAccount {
    ServiceAccount {
        metadata: shared(account.name, namespace),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}

/// Its binding.
pub(crate) fn role_binding(account: &Account, namespace: &str) -> RoleBinding {
    let group = "rbac.authorization.k8s.io".to_owned();
    RoleBinding {
        metadata: shared(account.name, namespace),
        role_ref: RoleRef { api_group: group, kind: "ClusterRole".to_owned(), name: account.role.to_owned() },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name: account.name.to_owned(),
            namespace: Some(namespace.to_owned()),
            ..Subject::default()
        }]),
    }
}

/// The account and its binding, as far as the namespace has none.
pub(crate) fn missing(context: &BuildContext<'_>, account: &Account) -> Vec<Child> {
    let namespace = context.job.metadata.namespace.clone().unwrap_or_default();
    let seen = context.seen;
    let one = (!seen.account).then(|| Child::free(&service_account(account, &namespace)));
    let two = (!seen.binding).then(|| Child::free(&role_binding(account, &namespace)));
    one.into_iter().chain(two).collect()
}
