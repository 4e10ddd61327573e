//! A real API server without a node: etcd and kube-apiserver as processes on loopback, for the second rung of tests.
//!
//! Nothing outlives the handle: dropping it ends both processes and removes their directory, and the kernel ends
//! them when this process dies in any other way. There is no controller-manager, so nothing is garbage-collected
//! and no ServiceAccounts appear by themselves; admission does not ask for them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::cluster::keeper::{Child, Keeper};
use crate::cluster::pki::Pki;
use crate::cluster::target::{Target, write_kubeconfig};
use crate::cluster::{files, tool};
use crate::parts;
use crate::ui::{Failure, Outcome, Ui};

/// Runs a local API server until this process is ended, and prints its kubeconfig.
///
/// # Errors
/// As [`LocalApi::start`], or one of the two processes ended.
pub fn serve(ui: &Ui) -> Outcome<()> {
    let step = ui.step("starting etcd and kube-apiserver", "");
    let api = LocalApi::start(ui)?;
    step.done("ready; Ctrl-C ends both");
    println!("export KUBECONFIG={}", api.kubeconfig.display());
    println!("# kubectl: {}", api.target.program.display());
    println!("# audit log: {}", api.audit_log.display());
    let name = api.keeper.as_ref().map_or("it", Keeper::wait);
    Err(Failure::because("the local API server is gone", format!("{name} ended by itself")))
}

/// How long both may take to come up before that is a failure. Usually it is three seconds.
const START: Duration = Duration::from_secs(90);

/// Numbers the directories of one process.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A running API server with its etcd.
#[derive(Debug)]
pub struct LocalApi {
    /// Points at it, with every right.
    pub kubeconfig: PathBuf,
    /// One JSON line per finished request.
    pub audit_log: PathBuf,
    /// The same as `kubeconfig`, ready for use.
    pub target: Target,
    /// Where it listens.
    pub url: String,
    dir: PathBuf,
    keeper: Option<Keeper>,
}

impl LocalApi {
    /// Builds what is missing, starts both on random loopback ports and waits until the server is ready.
    ///
    /// # Errors
    /// A part that cannot be built, or a process that ends or is not ready in time; the failure shows its log.
    pub fn start(ui: &Ui) -> Outcome<Self> {
        let parts = parts::ensure(&["etcd", "kubernetes"], ui)?;
        let part = |name: &str| parts.get(name).cloned().unwrap_or_default();
        remove_stale();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("millrace-api-{}-{number}", std::process::id()));
        fs::create_dir_all(&dir).map_err(Failure::at("creating", &dir))?;
        let kubeconfig = dir.join("kubeconfig");
        let target = Target::local(&kubeconfig, &part("kubernetes"));
        let ports: [u16; 3] = tool::free_ports()?;
        let [.., secure] = ports;
        let url = format!("https://127.0.0.1:{secure}");
        let mut api = Self { kubeconfig, audit_log: dir.join("audit.log"), target, url, dir, keeper: None };
        let commands = api.commands(&part("etcd"), &part("kubernetes"), ports)?;
        api.keeper = Some(Keeper::start(commands, &api.dir)?);
        api.wait()?;
        Ok(api)
    }

    /// The certificate of the authority that signed the server's.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.dir.join("pki/ca.crt")
    }

    /// A kubeconfig for another user of this server, for example with the subject `/CN=somebody`.
    ///
    /// # Errors
    /// openssl fails, or the file cannot be written.
    pub fn user(&self, name: &str, subject: &str) -> Outcome<PathBuf> {
        let pki = Pki::open(&self.dir.join("pki"))?;
        pki.issue(name, subject, "")?;
        let file = self.dir.join(format!("kubeconfig-{name}"));
        write_kubeconfig(&file, &pki, name, &self.url)?;
        Ok(file)
    }

    fn commands(&self, etcd: &Path, kubernetes: &Path, [client, peer, secure]: [u16; 3]) -> Outcome<Vec<Child>> {
        let pki = Pki::open(&self.dir.join("pki"))?;
        pki.issue("apiserver", "/CN=kube-apiserver", "DNS:localhost,IP:127.0.0.1")?;
        pki.issue("admin", "/O=system:masters/CN=admin", "")?;
        write_kubeconfig(&self.kubeconfig, &pki, "admin", &self.url)?;
        let policy = self.dir.join("audit-policy.json");
        files::write(&policy, files::AUDIT_POLICY, 0o600)?;
        let (client, peer) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
        let path = |p: PathBuf| p.display().to_string();
        let etcd_args = vec![
            format!("--data-dir={}", path(self.dir.join("etcd"))),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
        ];
        let api_args = vec![
            format!("--etcd-servers={client}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={secure}"),
            format!("--tls-cert-file={}", path(pki.crt("apiserver"))),
            format!("--tls-private-key-file={}", path(pki.key("apiserver"))),
            format!("--client-ca-file={}", path(pki.crt("ca"))),
            format!("--service-account-key-file={}", path(pki.path("sa.pub"))),
            format!("--service-account-signing-key-file={}", path(pki.key("sa"))),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--authorization-mode=RBAC".to_owned(),
            // Nobody here makes the default ServiceAccount of a namespace.
            "--disable-admission-plugins=ServiceAccount".to_owned(),
            // Tests count the lines after a request has been answered.
            "--audit-log-mode=blocking".to_owned(),
            format!("--audit-log-path={}", self.audit_log.display()),
            format!("--audit-policy-file={}", path(policy)),
        ];
        Ok(vec![
            Child { name: "etcd", program: etcd.join("etcd"), args: etcd_args },
            Child { name: "kube-apiserver", program: kubernetes.join("kube-apiserver"), args: api_args },
        ])
    }

    fn wait(&mut self) -> Outcome<()> {
        let log = |name: &str| self.dir.join(format!("{name}.log"));
        let logs = ["etcd", "kube-apiserver"].map(log);
        let why = || logs.iter().map(|l| format!("{}:\n{}\n", l.display(), parts::tail(l, 8))).collect::<String>();
        let failed = |what: &str| Failure::new(what, why(), "look at these lines; the directory is removed");
        let keeper = self.keeper.as_ref();
        tool::wait(
            START,
            || match keeper.and_then(Keeper::ended) {
                Some(name) => Err(failed(&format!("{name} ended while starting"))),
                None => Ok(self.target.ready().then_some(())),
            },
            || failed(&format!("the local API server was not ready within {} s", START.as_secs())),
        )
    }
}

impl Drop for LocalApi {
    fn drop(&mut self) {
        drop(self.keeper.take());
        // What cannot be removed lies in the temporary directory, where it harms nobody.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Removes directories of processes that ended without dropping their handle.
fn remove_stale() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix("millrace-api-").and_then(|rest| rest.split_once('-')).map(|(pid, _)| pid);
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests;
