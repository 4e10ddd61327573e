//! Issuing: AssumeRole with the grant's session policy, then the Secret. The one place where a credential passes.
//!
//! The intent carries names and the policy only; the credential goes from the answer of STS into the Secret's body and
//! nowhere else: not into a status, an event, a log line or memory.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;
use millrace_crds::{
    DataGrant, DataPlane,
    well_known::{GRANT_KEY_AWS_CONFIG, GRANT_KEY_CREDENTIALS, GRANT_MOUNT_PATH, GRANT_SECRET_TYPE},
};
use millrace_kit::{Child, Effect, Failure, Key, Writer, names};
use serde::Serialize;
use serde_json::json;

use super::{
    grants::Grants,
    issued::{Early, Issued},
};
use crate::store::{Assume, Credentials, Settings, StoreError, Trouble};

/// Fetch credentials and write them into the Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    /// Name of the Secret, in the grant's namespace.
    pub secret: String,
    /// The session policy.
    pub policy: String,
    /// Lifetime of the credentials, in seconds.
    pub seconds: u64,
    /// Where the store is, for the AWS config.
    pub store: Settings,
    /// Why this is done before its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<Early>,
}

impl Issue {
    /// A hash by which a Secret is known to answer this very intent.
    #[must_use]
    pub fn digest(&self) -> String {
        let text = serde_json::to_string(&Self { because: None, ..self.clone() }).unwrap_or_default();
        names::hash(&[&text], 32)
    }
}

impl Effect for Issue {
    fn id(&self) -> String {
        format!("issue Secret {}", self.secret)
    }
}

pub(super) async fn perform(this: &Grants, of: (&DataGrant, &Issue), writer: &Writer) -> Result<(), Failure> {
    let (object, issue) = of;
    let plane = &object.spec.data_plane;
    let Some(found) = this.reader.cached::<DataPlane>(&Key::new("", plane)) else {
        return Err(StoreError::new(Trouble::NoStsKeys, format!("DataPlane {plane} is gone")).into());
    };
    let store = this.connections.store(&found, &this.reader).await??;
    let ask =
        Assume { policy: issue.policy.clone(), duration: Duration::from_secs(issue.seconds), session: session(object) };
    let at = writer.now();
    let credentials = store.assume(&ask).await.map_err(|error| {
        if error.trouble == Trouble::StoreDenied {
            this.connections.invalidate_credentials(plane);
        }
        Failure::from(error)
    })?;
    let version = writer.put(&secret(object, issue, &credentials)).await?;
    let uid = object.metadata.uid.as_deref().unwrap_or_default();
    let (expires_at, because) = (credentials.expires_at, issue.because);
    let issued = Issued { expires_at, intent: issue.digest(), at, version, because };
    this.remember(uid, issued, writer.now());
    Ok(())
}

/// A session's name: up to 64 of the characters STS takes.
fn session(object: &DataGrant) -> String {
    let meta = &object.metadata;
    let namespace = meta.namespace.as_deref().unwrap_or_default();
    let text = format!("{namespace}.{}", meta.name.as_deref().unwrap_or_default());
    text.chars().take(64).collect()
}

/// The grant's Secret by name and type, without its data.
pub(super) fn bare(object: &DataGrant, name: &str) -> Child {
    let body = Secret {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        type_: Some(GRANT_SECRET_TYPE.to_owned()),
        ..Secret::default()
    };
    Child::of(object, &body)
}

/// The grant's Secret: an AWS config that prints the credentials file, and that file.
fn secret(object: &DataGrant, issue: &Issue, credentials: &Credentials) -> Child {
    let data: BTreeMap<String, String> = [
        (GRANT_KEY_AWS_CONFIG.to_owned(), config(&issue.store)),
        (GRANT_KEY_CREDENTIALS.to_owned(), document(credentials)),
    ]
    .into();
    let body = Secret {
        metadata: ObjectMeta { name: Some(issue.secret.clone()), ..ObjectMeta::default() },
        type_: Some(GRANT_SECRET_TYPE.to_owned()),
        string_data: Some(data),
        ..Secret::default()
    };
    Child::of(object, &body)
}

/// The AWS config: SDKs read the profile, run the process, and run it again when the credentials near their end.
#[must_use]
pub fn config(store: &Settings) -> String {
    let clean = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
    let mut text = format!("[default]\nregion = {}\nendpoint_url = {}\n", clean(&store.region), clean(&store.endpoint));
    if store.path_style {
        text.push_str("s3 =\n    addressing_style = path\n");
    }
    text.push_str(&format!("credential_process = /bin/cat {GRANT_MOUNT_PATH}/{GRANT_KEY_CREDENTIALS}\n"));
    text
}

/// What a `credential_process` prints.
fn document(credentials: &Credentials) -> String {
    let whole = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at);
    json!({
        "Version": 1,
        "AccessKeyId": credentials.access_key,
        "SecretAccessKey": credentials.secret_key,
        "SessionToken": credentials.session_token,
        "Expiration": whole(credentials.expires_at).to_string(),
    })
    .to_string()
}
