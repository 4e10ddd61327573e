//! What runs and what does not, and what to do about it.

use super::daemon;
use super::layout::Layout;
use super::target::Target;
use super::up::{dns_ready, node_ready};
use crate::parts;
use crate::ui::Outcome;

/// The components that are processes of their own, in the order of starting.
pub(super) const COMPONENTS: [&str; 8] = [
    "forward",
    "etcd",
    "containerd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
];

/// The state of the cluster: lines to print, and whether all is well.
///
/// # Errors
/// The recipes cannot be read. What cannot be asked counts as not well.
pub(super) fn status(layout: &Layout) -> Outcome<(Vec<String>, bool)> {
    let all = daemon::processes(&layout.state);
    if all.is_empty() && !layout.state.exists() {
        return Ok((vec!["no cluster here".to_owned(), "do: `cargo xtask up`".to_owned()], false));
    }
    let mut well = true;
    let mut lines = Vec::new();
    let mut line = |name: &str, good: bool, text: String| {
        well &= good;
        lines.push(format!("{} {name:<24} {text}", if good { "ok" } else { "XX" }));
    };
    for name in COMPONENTS {
        let program = if name == "forward" { "xtask" } else { name };
        match all.iter().find(|p| p.component == name && p.program == program) {
            Some(p) => line(name, true, format!("pid {}", p.pid)),
            None => line(name, false, format!("not running, log {}", layout.log(name).display())),
        }
    }
    let target = Target::local(&layout.kubeconfig(), &parts::place("kubernetes")?);
    let api = target.ready();
    line("API server", api, said(api, "ready", "does not answer"));
    let node = api && node_ready(&target)?;
    line("node", node, said(node, "ready", "not ready, see the kubelet's log"));
    let dns = api && dns_ready(&target)?;
    line("cluster DNS", dns, said(dns, "ready", "not ready, see `kubectl --namespace=kube-system describe pods`"));
    lines.push(format!("kubeconfig {}", layout.kubeconfig().display()));
    lines.push(format!("audit log  {}", layout.audit_log().display()));
    lines.push(if well {
        "all is well".to_owned()
    } else {
        "do: `cargo xtask up` starts what is missing; `cargo xtask down` removes all".to_owned()
    });
    Ok((lines, well))
}

fn said(good: bool, yes: &str, no: &str) -> String {
    if good { yes } else { no }.to_owned()
}
