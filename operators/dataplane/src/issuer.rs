//! Whether a store still knows the credentials it has issued: one credential per DataPlane, which may do nothing, is tried
//! every 20 s.
//!
//! A store that refuses it before its time has forgotten what it issued (MinIO without its IAM store), or its own keys were
//! changed; then those of all grants count for nothing either. It is kept in a Secret of the operator's own namespace, so
//! that a restart of both, as of a node, does not hide it; and it lives for days, so that idle costs no write.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::api::ObjectMeta;
use millrace_crds::DataPlane;
use millrace_kit::{Child, Effect, Failure, Key, Reader, Writer, later, names};
use serde::{Deserialize, Serialize};

use crate::{
    connect::Connections,
    probes::Probe,
    store::{Assume, Credentials, Facts, Store, StoreError, Trouble},
};

/// How often it is tried.
const EVERY: Duration = Duration::from_secs(20);
/// Its lifetime, where the store gives that.
const LIFE: Duration = Duration::from_secs(7 * 24 * 3_600);
/// It is replaced with this much left.
const MARGIN: Duration = Duration::from_secs(300);
/// A session policy that allows nothing: only whether the credential is known matters.
const NOTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::*"}]}"#;
/// Annotations of the Secret.
const ISSUED: &str = "millrace.dev/issued-at";
const EXPIRES: &str = "millrace.dev/expires-at";
/// Type of the Secret.
const TYPE: &str = "millrace.dev/probe";

/// How the issuer of credentials is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IssuerSeen {
    /// The DataPlane has no usable `stsSecretRef`.
    #[default]
    None,
    /// It did not say.
    Unknown,
    /// There is no credential of these keys to try yet, or it has run out.
    Due(Try),
    /// It knows what it has issued with the Secret of this resourceVersion.
    Knows(String),
    /// It does not know any more what it has issued.
    #[serde(rename_all = "camelCase")]
    Forgot {
        /// When the credential was issued that it does not know.
        issued: Timestamp,
        /// What to try from now on.
        next: Try,
    },
}

/// The intent to issue a credential to be tried from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// resourceVersion of the Secret with the keys it is issued with.
    pub keys: String,
}

impl Effect for Try {
    fn id(&self) -> String {
        "issue a credential to be tried".to_owned()
    }
}

/// Tries the credential of a DataPlane whose store answers, if it is time.
///
/// # Errors
/// The Kubernetes API failed.
pub(crate) async fn look(
    plane: &DataPlane,
    of: (&Connections, &dyn Store),
    reader: &Reader,
) -> Result<IssuerSeen, Failure> {
    let (at, store) = of;
    let name = plane.metadata.name.clone().unwrap_or_default();
    let Some(keys) = at.sts_version(&name) else { return Ok(IssuerSeen::None) };
    let now = reader.now();
    let known = at.probes.lock().get(&name).cloned();
    let held = match known {
        Some(held) => Some(held),
        None => read(plane, at, reader).await?,
    };
    let Some(held) = held.filter(|h| h.keys == keys && now < h.credentials.expires_at) else {
        return Ok(IssuerSeen::Due(Try { keys }));
    };
    if now < later(held.checked, EVERY) {
        return Ok(IssuerSeen::Knows(keys));
    }
    Ok(match store.knows(&held.credentials).await {
        Err(_) => IssuerSeen::Unknown,
        Ok(false) => IssuerSeen::Forgot { issued: held.issued, next: Try { keys } },
        Ok(true) if later(now, MARGIN) >= held.credentials.expires_at => IssuerSeen::Due(Try { keys }),
        Ok(true) => {
            at.probes.lock().insert(name, Probe { checked: now, ..held });
            IssuerSeen::Knows(keys)
        }
    })
}

/// Issues the credential that is tried from now on, and keeps it.
pub(crate) async fn perform(of: (&DataPlane, &Try), at: &Connections, with: (&Reader, &Writer)) -> Result<(), Failure> {
    let (plane, intent) = of;
    let (reader, writer) = with;
    let name = plane.metadata.name.clone().unwrap_or_default();
    let store = at.store(plane, reader).await??;
    let now = writer.now();
    let credentials = assume(store.as_ref(), plane).await.map_err(|error| {
        if error.trouble == Trouble::StoreDenied {
            // Perhaps the Secret was rotated.
            at.invalidate_credentials(&name);
        }
        Failure::from(error)
    })?;
    let held = Probe { keys: intent.keys.clone(), credentials, issued: whole(now), checked: now };
    writer.put(&secret(plane, at, &held)).await?;
    at.probes.lock().insert(name, held);
    Ok(())
}

async fn assume(store: &dyn Store, plane: &DataPlane) -> Result<Credentials, StoreError> {
    let ask = |duration| Assume { policy: NOTHING.to_owned(), duration, session: "millrace-probe".to_owned() };
    match store.assume(&ask(LIFE)).await {
        // A role has a longest session; that of the grants is within it.
        Err(error) if error.trouble == Trouble::StoreRefused => {
            let seconds = Facts::of(plane, &BTreeMap::new()).lifetime_seconds;
            store.assume(&ask(Duration::from_secs(seconds))).await
        }
        other => other,
    }
}

fn address(plane: &DataPlane, at: &Connections) -> Key {
    let uid = plane.metadata.uid.as_deref().unwrap_or_default();
    let readable = format!("probe-{}", plane.metadata.name.as_deref().unwrap_or_default());
    Key::new(at.namespace(), names::child(&readable, uid, &["probe"]))
}

fn secret(plane: &DataPlane, at: &Connections, held: &Probe) -> Child {
    let Probe { keys, credentials: given, issued, .. } = held;
    let Key { namespace, name } = address(plane, at);
    let times = [(ISSUED, issued), (EXPIRES, &given.expires_at)];
    let data = [
        ("resourceVersion", keys),
        ("accessKey", &given.access_key),
        ("secretKey", &given.secret_key),
        ("sessionToken", &given.session_token),
    ];
    let bytes = |text: &str| ByteString(text.as_bytes().to_vec());
    let body = Secret {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: Some(namespace),
            annotations: Some(times.map(|(key, at)| (key.to_owned(), at.to_string())).into()),
            ..ObjectMeta::default()
        },
        type_: Some(TYPE.to_owned()),
        data: Some(data.map(|(key, text)| (key.to_owned(), bytes(text))).into()),
        ..Secret::default()
    };
    Child::of(plane, &body)
}

/// What a process before this one kept. It is tried at once.
async fn read(plane: &DataPlane, at: &Connections, reader: &Reader) -> Result<Option<Probe>, Failure> {
    let Some(secret) = reader.live::<Secret>(&address(plane, at)).await? else { return Ok(None) };
    let notes = secret.metadata.annotations.unwrap_or_default();
    let time = |key: &str| notes.get(key).and_then(|at| at.parse::<Timestamp>().ok());
    let data = secret.data.unwrap_or_default();
    let word = |key: &str| data.get(key).and_then(|bytes| String::from_utf8(bytes.0.clone()).ok());
    let held = || {
        let credentials = Credentials {
            access_key: word("accessKey")?,
            secret_key: word("secretKey")?,
            session_token: word("sessionToken")?,
            expires_at: time(EXPIRES)?,
        };
        let issued = time(ISSUED)?;
        Some(Probe { keys: word("resourceVersion")?, credentials, issued, checked: Timestamp::MIN })
    };
    Ok(held())
}

/// The next whole second: what the API server keeps of a time.
pub(crate) fn whole(at: Timestamp) -> Timestamp {
    let up = i64::from(at.subsec_nanosecond() > 0);
    Timestamp::from_second(at.as_second().saturating_add(up)).unwrap_or(at)
}
