//! Which cluster a command works on, and `kubectl` pointed at it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::pki::Pki;
use super::tool;
use crate::ui::{Failure, Outcome};

/// The name of the only context in the kubeconfig files made here.
pub const CONTEXT: &str = "millrace";

/// A cluster to work on: the local one, or any other by the name of a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The kubeconfig file; `None` means kubectl's own default (`KUBECONFIG`, then the user's file).
    pub kubeconfig: Option<PathBuf>,
    /// The context in that file.
    pub context: String,
    /// Whether it is a cluster made here, which takes images from files instead of registries.
    pub local: bool,
    /// The kubectl to use: the part's own for a local cluster, `kubectl` on the path otherwise.
    pub program: PathBuf,
}

impl Target {
    /// An existing cluster, by a context of the user's kubeconfig.
    #[must_use]
    pub fn existing(context: &str) -> Self {
        Self { kubeconfig: None, context: context.to_owned(), local: false, program: PathBuf::from("kubectl") }
    }

    /// A cluster made here, by its kubeconfig and the directory of the part `kubernetes`.
    #[must_use]
    pub fn local(kubeconfig: &Path, kubernetes: &Path) -> Self {
        Self {
            kubeconfig: Some(kubeconfig.to_path_buf()),
            context: CONTEXT.to_owned(),
            local: true,
            program: kubernetes.join("kubectl"),
        }
    }

    /// `kubectl` for this cluster, without arguments yet.
    #[must_use]
    pub fn kubectl(&self) -> Command {
        let mut kubectl = Command::new(&self.program);
        if let Some(file) = &self.kubeconfig {
            kubectl.arg(format!("--kubeconfig={}", file.display()));
        }
        kubectl.arg(format!("--context={}", self.context));
        kubectl
    }

    /// Runs `kubectl` with these arguments and returns what it prints.
    ///
    /// # Errors
    /// kubectl's own message.
    pub fn run(&self, args: &[&str]) -> Outcome<String> {
        tool::run(self.kubectl().args(args), &format!("kubectl {}", args.join(" ")))
    }

    /// Whether the API server says that it is ready.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.run(&["get", "--raw=/readyz", "--request-timeout=2s"]).is_ok_and(|said| said.trim() == "ok")
    }

    /// The arguments that point `helm` at this cluster.
    #[must_use]
    pub fn helm_args(&self) -> Vec<String> {
        let file = self.kubeconfig.iter().map(|f| format!("--kubeconfig={}", f.display()));
        file.chain([format!("--kube-context={}", self.context)]).collect()
    }
}

/// Writes a kubeconfig for the certificate `user` of `pki`, readable by its owner only.
///
/// # Errors
/// The file cannot be written.
pub fn write_kubeconfig(file: &Path, pki: &Pki, user: &str, server: &str) -> Outcome<()> {
    let config = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [{"name": CONTEXT, "cluster": {"server": server, "certificate-authority": pki.crt("ca")}}],
        "users": [{"name": user, "user": {"client-certificate": pki.crt(user), "client-key": pki.key(user)}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": user}}],
    });
    super::files::write(file, &format!("{config:#}\n"), 0o600)
}

impl Target {
    /// A failure about this cluster.
    #[must_use]
    pub fn failure(&self, what: &str, why: impl std::fmt::Display) -> Failure {
        let todo = if self.local { "see `cargo xtask status`" } else { "see `kubectl cluster-info`" };
        Failure::new(format!("{what} (context {})", self.context), why.to_string(), todo)
    }
}
