//! An operator as it ships, on a local API server: a process with an account of its own, so that the audit log can tell
//! it from others, and what the kernel says it takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::audit::{Audit, Entry};
use crate::cluster::tool;
use crate::local::LocalApi;
use crate::ship;
use crate::stage::OPERATORS;
use crate::ui::{Failure, Outcome, Ui};
use crate::{http, parts};

/// Longest time for any single thing here.
pub(super) const END: Duration = Duration::from_secs(300);
/// How long nothing may be written before objects count as settled.
const QUIET: Duration = Duration::from_secs(3);

/// A process that ends with its handle.
pub(super) struct Running(pub(super) Child);

impl Running {
    /// Resident memory in MiB.
    pub(super) fn resident(&self) -> Outcome<f64> {
        let text = self.proc("status")?;
        let line = text.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or_default();
        let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse().unwrap_or(f64::NAN);
        Ok(kib / 1_024.0)
    }

    /// Processor time it has used, in seconds; the kernel counts in hundredths.
    pub(super) fn cpu(&self) -> Outcome<f64> {
        let text = self.proc("stat")?;
        let after = text.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
        let ticks: f64 = after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum();
        Ok(ticks / 100.0)
    }

    fn proc(&self, file: &str) -> Outcome<String> {
        let path = format!("/proc/{}/{file}", self.0.id());
        fs::read_to_string(&path).map_err(|e| Failure::because(format!("reading {path} failed"), e))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Builds operators as they ship, with these examples of theirs; the directory of the binaries.
pub(super) fn build(operators: &[&str], examples: &[&str], ui: &Ui) -> Outcome<PathBuf> {
    parts::ensure(&["rust-build"], ui)?;
    let repo = parts::repo_root()?;
    let step = ui.step(format!("building {}", operators.join(", ")), "as they ship");
    // Apart: an example takes what only tests need, and what ships must be without it.
    let binaries = ship::build(&repo, operators, &["--bins"])?;
    examples.iter().try_for_each(|name| ship::build(&repo, operators, &["--example", name]).map(drop))?;
    step.done("");
    Ok(binaries)
}

/// An API server with our kinds and these namespaces.
pub(super) fn server(namespaces: &[&str], ui: &Ui) -> Outcome<LocalApi> {
    let api = LocalApi::start(ui)?;
    let manifests = parts::repo_root()?.join("crds/manifests");
    api.target.run(&["apply", "--server-side", "-f", &manifests.display().to_string()])?;
    api.target.run(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"])?;
    for namespace in namespaces {
        api.target.run(&["create", "namespace", namespace])?;
    }
    Ok(api)
}

/// Starts an operator with every right and waits until it leads.
pub(super) fn operator(api: &LocalApi, (name, binaries): (&str, &Path), env: &[(&str, &str)]) -> Outcome<Running> {
    let kubeconfig = user(api, name)?;
    let (running, port) = start(&kubeconfig, name, binaries, env)?;
    answers(port, "/leading")?;
    Ok(running)
}

/// The kubeconfig of an operator that may do everything on this server.
pub(super) fn user(api: &LocalApi, name: &str) -> Outcome<PathBuf> {
    let user = account(name);
    let kubeconfig = api.user(name, &format!("/CN={user}"))?;
    all_rights(api, (name, &user))?;
    Ok(kubeconfig)
}

/// Starts one process of an operator, and says on which port it can be asked.
pub(super) fn start(kubeconfig: &Path, name: &str, binaries: &Path, env: &[(&str, &str)]) -> Outcome<(Running, u16)> {
    let [port] = tool::free_ports()?;
    let mut command = Command::new(binaries.join(format!("millrace-{name}")));
    command.env("KUBECONFIG", kubeconfig).env("POD_NAMESPACE", "default").env("RUST_LOG", "error");
    command.env("MILLRACE_LISTEN", format!("127.0.0.1:{port}")).envs(env.iter().copied());
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let running = child.map(Running).map_err(|e| Failure::because(format!("starting {name} failed"), e))?;
    Ok((running, port))
}

/// Waits until an operator says yes to this question.
pub(super) fn answers(port: u16, path: &str) -> Outcome<()> {
    let yes = || Ok(matches!(http::get(port, path, None), Ok((200, _))).then_some(()));
    tool::wait(END, yes, || Failure::because(format!("an operator does not answer {path}"), "in time"))
}

/// How an operator is called in the audit log.
pub(super) fn account(operator: &str) -> String {
    format!("system:serviceaccount:{OPERATORS}:millrace-{operator}")
}

/// Lets a user of this server do everything.
pub(super) fn all_rights(api: &LocalApi, (name, user): (&str, &str)) -> Outcome<()> {
    let (role, user) = (format!("bench-{name}"), format!("--user={user}"));
    api.target.run(&["create", "clusterrolebinding", &role, "--clusterrole=cluster-admin", &user]).map(drop)
}

/// `kubectl apply` of objects, by a request each.
pub(super) fn apply(api: &LocalApi, objects: &[Value]) -> Outcome<()> {
    apply_to(api, objects, &[])
}

/// The same for their statuses.
pub(super) fn apply_status(api: &LocalApi, objects: &[Value]) -> Outcome<()> {
    // A status alone lacks the spec that kubectl's own check of the schema wants; the server still decides.
    apply_to(api, objects, &["--subresource=status", "--force-conflicts", "--validate=false"])
}

fn apply_to(api: &LocalApi, objects: &[Value], more: &[&str]) -> Outcome<()> {
    let file = std::env::temp_dir().join(format!("millrace-bench-{}.json", std::process::id()));
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    fs::write(&file, list.to_string()).map_err(Failure::at("writing", &file))?;
    let path = file.display().to_string();
    let done = api.target.run(&[&["apply", "--server-side", "-f", &path][..], more].concat());
    let _ = fs::remove_file(&file);
    done.map(|_| ())
}

/// Waits until no operator writes any more, and returns what the audit log got in the meantime.
pub(super) fn settled(audit: &mut Audit) -> Outcome<Vec<Entry>> {
    let mut all = Vec::new();
    let mut last = Instant::now();
    let quiet = || {
        let more = audit.more()?;
        if more.iter().any(|e| e.ours() && e.writes() && !e.lease()) {
            last = Instant::now();
        }
        all.extend(more);
        Ok((last.elapsed() > QUIET).then_some(()))
    };
    tool::wait(END, quiet, || Failure::because("the operators do not come to rest", "they write without a pause"))?;
    Ok(all)
}
