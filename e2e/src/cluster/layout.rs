//! Where everything of the local cluster is: files, addresses, names.
//!
//! All names derive from the state directory, so two clusters with different state directories do not meet.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::parts;
use crate::ui::Outcome;

/// The node's own address inside the namespace; it exists nowhere else.
pub(super) const NODE_IP: &str = "10.90.0.2";
/// The name of the only node.
pub(super) const NODE: &str = "node";
/// Addresses of pods.
pub(super) const POD_CIDR: &str = "10.244.0.0/16";
/// Addresses of Services.
pub(super) const SERVICE_CIDR: &str = "10.96.0.0/16";
/// The Service of CoreDNS.
pub(super) const DNS_IP: &str = "10.96.0.10";

/// The places of one cluster.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Everything it keeps. Removing it forgets the cluster.
    pub state: PathBuf,
    /// Sockets and mounts; short, since socket paths may not be longer than 107 bytes.
    pub run: PathBuf,
    /// The name of its network namespace and its control group.
    pub name: String,
}

impl Layout {
    /// The cluster of this user.
    ///
    /// # Errors
    /// There is no home directory.
    pub fn of_user() -> Outcome<Self> {
        Ok(Self::at(&parts::state_root()?.join("cluster")))
    }

    /// The cluster that keeps its files in `state`.
    #[must_use]
    pub fn at(state: &Path) -> Self {
        let hash = Sha256::digest(state.as_os_str().as_encoded_bytes());
        let name = format!("millrace-{}", hash.iter().take(3).map(|b| format!("{b:02x}")).collect::<String>());
        Self { state: state.to_path_buf(), run: Path::new("/run").join(&name), name }
    }

    /// A file of the state directory.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.state.join(name)
    }

    /// The same as text, for arguments and configuration.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }

    /// The network namespace, as `ip netns` names it.
    #[must_use]
    pub fn netns(&self) -> PathBuf {
        Path::new("/run/netns").join(&self.name)
    }

    /// containerd's socket.
    #[must_use]
    pub fn containerd(&self) -> PathBuf {
        self.run.join("containerd.sock")
    }

    /// What containerd knows of registries: `<host>/hosts.toml`, as its documentation says. Empty unless somebody fills it.
    #[must_use]
    pub fn registries(&self) -> PathBuf {
        self.file("registries")
    }

    /// The kubeconfig for the host.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.file("kubeconfig")
    }

    /// One JSON line per finished request to the API server.
    #[must_use]
    pub fn audit_log(&self) -> PathBuf {
        self.file("audit/audit.log")
    }

    /// The output of a component.
    #[must_use]
    pub fn log(&self, component: &str) -> PathBuf {
        self.file("logs").join(format!("{component}.log"))
    }
}

/// The output directories of the parts the cluster is made of.
#[derive(Debug, Clone)]
pub(super) struct Built(pub(super) BTreeMap<String, PathBuf>);

impl Built {
    /// A file of a part; a part that is not there gives a path that does not exist.
    #[must_use]
    pub(super) fn file(&self, part: &str, file: &str) -> PathBuf {
        self.0.get(part).map(|dir| dir.join(file)).unwrap_or_default()
    }
}
