//! The Secret with the login: for the server, and for whoever may read Secrets of the namespace.

use k8s_openapi::api::core::v1::Secret;
use kube::core::ObjectMeta;
use millrace_crds::{
    ModelRegistry,
    well_known::{LOGIN_KEY_PASSWORD, LOGIN_KEY_USERNAME},
};

use crate::{
    login::{Login, USERNAME},
    registry::names::labels,
};

/// Type of the Secret; the only one this operator may write.
pub(crate) const TYPE: &str = "millrace.dev/registry";
/// Key of the Secret: signs the server's forms.
pub(crate) const SESSION_KEY: &str = "sessionKey";
/// Key of the Secret: keys the fingerprints of what pods were given.
pub(crate) const GIVEN_KEY: &str = "givenKey";

/// The Secret.
pub(crate) fn secret(registry: &ModelRegistry, name: &str, login: &Login) -> Secret {
    let pairs = [
        (LOGIN_KEY_USERNAME, USERNAME),
        (LOGIN_KEY_PASSWORD, login.password.as_str()),
        (SESSION_KEY, login.session_key.as_str()),
        (GIVEN_KEY, login.given_key.as_str()),
    ];
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels(registry, "login")),
            ..ObjectMeta::default()
        },
        type_: Some(TYPE.to_owned()),
        string_data: Some(pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()),
        ..Secret::default()
    }
}
