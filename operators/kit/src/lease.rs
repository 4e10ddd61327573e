//! Leadership by a `coordination.k8s.io` Lease, written only with the resourceVersion last read.
//!
//! Another holder's lease is judged by how long *we* have seen it unchanged, on our own monotonic clock: no two
//! machines' clocks are ever compared. Who fails to renew in time ends the process.

use std::time::{Duration, Instant};

use jiff::{Timestamp, fmt::temporal::DateTimePrinter};
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client, api::PostParams};
use serde_json::json;

/// How long an unchanged lease counts as held. Effects time out sooner than this minus [`RENEW`].
pub const HOLD: Duration = Duration::from_secs(20);
/// How often the holder writes.
pub const RENEW: Duration = Duration::from_secs(5);

/// A lease that this process wants or has.
pub struct Keeper {
    api: Api<Lease>,
    name: String,
    identity: String,
}

impl Keeper {
    /// A keeper for lease `name` in `namespace`, as `identity` (unique per process).
    #[must_use]
    pub fn new(client: Client, at: &crate::Key, identity: String) -> Self {
        Self { api: Api::namespaced(client, &at.namespace), name: at.name.clone(), identity }
    }

    /// Waits until this process holds the lease.
    pub async fn acquire(&self) {
        let mut seen: Option<(String, Instant)> = None;
        loop {
            match self.try_take(&mut seen).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, lease = self.name, "lease not readable"),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn try_take(&self, seen: &mut Option<(String, Instant)>) -> Result<bool, kube::Error> {
        let Some(lease) = self.api.get_opt(&self.name).await? else {
            return Ok(self.put(None).await.is_ok());
        };
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let holder = lease.spec.as_ref().and_then(|s| s.holder_identity.clone()).unwrap_or_default();
        if holder.is_empty() || holder == self.identity {
            return Ok(self.put(Some(version)).await.is_ok());
        }
        match seen {
            Some((old, since)) if *old == version => {
                Ok(since.elapsed() > HOLD && self.put(Some(version)).await.is_ok())
            }
            _ => {
                *seen = Some((version, Instant::now()));
                Ok(false)
            }
        }
    }

    /// Renews until renewal has failed for longer than is safe, or `stop` resolves; then gives the lease back if it
    /// still can.
    pub async fn keep(&self, stop: impl Future<Output = ()>) {
        let mut last = Instant::now();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => {
                    let _ = self.write(None, "").await;
                    return;
                }
                () = tokio::time::sleep(RENEW) => {}
            }
            match self.put(None).await {
                Ok(()) => last = Instant::now(),
                Err(error) => tracing::warn!(%error, lease = self.name, "lease not renewed"),
            }
            if last.elapsed() + RENEW > HOLD {
                return;
            }
        }
    }

    /// Writes us as holder: on the version given, or on the one read now if it is still ours or absent.
    async fn put(&self, version: Option<String>) -> Result<(), kube::Error> {
        self.write(version, &self.identity).await
    }

    async fn write(&self, version: Option<String>, holder: &str) -> Result<(), kube::Error> {
        let current = tokio::time::timeout(RENEW, self.api.get_opt(&self.name)).await.map_err(|_| late())??;
        let ours = |l: &Lease| l.spec.as_ref().and_then(|s| s.holder_identity.as_deref()) == Some(&self.identity);
        let read = current.as_ref().and_then(|l| l.metadata.resource_version.clone());
        if version.is_some() && version != read || version.is_none() && current.as_ref().is_some_and(|l| !ours(l)) {
            return Err(kube::Error::Service("the lease has another holder".into()));
        }
        #[expect(clippy::disallowed_methods, reason = "the lease is not an object any controller decides on")]
        let lease: Lease = serde_json::from_value(json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": self.name, "resourceVersion": read},
            "spec": {
                "holderIdentity": holder, "leaseDurationSeconds": HOLD.as_secs(),
                "renewTime": DateTimePrinter::new().precision(Some(6)).timestamp_to_string(&Timestamp::now()),
            },
        }))
        .map_err(kube::Error::SerdeError)?;
        let params = PostParams::default();
        let call = async {
            #[expect(clippy::disallowed_methods, reason = "see above")]
            if current.is_some() {
                self.api.replace(&self.name, &params, &lease).await
            } else {
                self.api.create(&params, &lease).await
            }
        };
        tokio::time::timeout(RENEW, call).await.map_err(|_| late())?.map(|_| ())
    }
}

fn late() -> kube::Error {
    kube::Error::Service("no answer from the API server in time".into())
}
