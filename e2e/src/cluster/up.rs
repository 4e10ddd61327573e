//! Bringing the cluster up, or what is missing of it: every step looks first and does only what is not done.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use super::daemon::{self, Spec};
use super::layout::{Built, Layout, NODE};
use super::target::Target;
use super::{cgroup, components, config, facts, files, images, net, tool};
use crate::parts;
use crate::ui::{Failure, Outcome, Ui};

/// The parts the cluster is made of.
const PARTS: [&str; 5] = ["etcd", "kubernetes", "node", "pause", "coredns"];

/// How long a stage may take on a busy machine before that is a failure. Usually it is seconds.
const LIMIT: Duration = Duration::from_secs(180);

/// Directories that components make outside ours, noted when they were not there before.
const FOREIGN: [&str; 3] = ["/var/lib/kubelet", "/var/lib/cni", "/var/log/containers"];

/// Brings the cluster up and returns it. Running it again is quick and changes nothing; after an interruption it
/// goes on where it stood.
///
/// # Errors
/// The machine is not fit, a part cannot be built, or a component does not come up; the failure shows its log.
pub(super) fn up(layout: &Layout, ui: &Ui) -> Outcome<Target> {
    facts::tell(layout, ui)?;
    let _lock = lock(layout)?;
    let running = daemon::processes(&layout.state);
    ui.say(match running.iter().any(|p| p.component == "kube-apiserver") {
        true => format!("cluster {}: running, checking it", layout.name),
        false => format!(
            "cluster {}: will start a one-node Kubernetes 1.34 in a network namespace without a way out; files in {}, sockets in {}",
            layout.name,
            layout.state.display(),
            layout.run.display()
        ),
    });
    let built = Built(parts::ensure(&PARTS, ui)?);
    prepare(layout)?;
    let port = port(layout, running.iter().any(|p| p.component == "forward"))?;
    let pki = config::write(layout, port)?;
    let specs = components::specs(layout, &built, &pki, port);
    let here = Here { layout, ui };
    let mut started = 0;
    let target = Target::local(&layout.kubeconfig(), &built.file("kubernetes", ""));
    let stages: [(&str, &[&str]); 2] = [
        ("control plane", &["forward", "etcd", "containerd", "kube-apiserver"]),
        ("node", &["kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"]),
    ];
    for (stage, names) in stages {
        for spec in specs.iter().filter(|s| names.contains(&s.name)) {
            started += usize::from(ensure(layout, spec)?);
        }
        let watched: Vec<&Spec> = specs.iter().filter(|s| names.contains(&s.name)).collect();
        match stage {
            "control plane" => {
                await_all(here, &watched, "the API server", || Ok(target.ready() && layout.containerd().exists()))?;
                images::import(layout, &[built.file("pause", "image.tar"), built.file("coredns", "image.tar")], ui)?;
            }
            _ => await_all(here, &watched, "the node", || node_ready(&target))?,
        }
    }
    started += usize::from(dns(layout, &target)?);
    await_all(here, &[], "cluster DNS", || dns_ready(&target))?;
    ui.say(if started == 0 {
        "already up; nothing to do".to_owned()
    } else {
        format!("up; started {started} components")
    });
    Ok(target)
}

/// Held while the cluster is changed; the kernel releases it when this process ends.
pub(super) fn lock(layout: &Layout) -> Outcome<fs::File> {
    fs::create_dir_all(&layout.state).map_err(Failure::at("creating", &layout.state))?;
    let path = layout.state.with_extension("lock");
    let file = fs::File::create(&path).map_err(Failure::at("creating", &path))?;
    file.try_lock().map_err(|_| {
        Failure::new(
            "the cluster is being changed",
            format!("another run holds {}", path.display()),
            "wait until it is done",
        )
    })?;
    Ok(file)
}

fn prepare(layout: &Layout) -> Outcome<()> {
    for dir in
        ["logs", "audit", "cni", "kubelet", "pod-logs", "bin"].map(|d| layout.file(d)).iter().chain([&layout.run])
    {
        fs::create_dir_all(dir).map_err(Failure::at("creating", dir))?;
    }
    let made = layout.file("made-directories");
    if !made.exists() {
        let absent: String = FOREIGN.iter().filter(|d| !Path::new(d).exists()).map(|d| format!("{d}\n")).collect();
        files::write(&made, &absent, 0o600)?;
    }
    net::ensure(layout)?;
    cgroup::ensure(layout)
}

/// The loopback port of the API server: the one used before, unless somebody else has taken it meanwhile.
fn port(layout: &Layout, forwarding: bool) -> Outcome<u16> {
    let path = layout.file("port");
    let before: Option<u16> = fs::read_to_string(&path).ok().and_then(|t| t.trim().parse().ok());
    match before {
        Some(port) if forwarding || TcpListener::bind(("127.0.0.1", port)).is_ok() => Ok(port),
        _ => {
            let [port] = tool::free_ports()?;
            files::write(&path, &format!("{port}\n"), 0o600)?;
            Ok(port)
        }
    }
}

/// Starts a component unless it runs with the same arguments; one with others is ended first.
fn ensure(layout: &Layout, spec: &Spec) -> Outcome<bool> {
    if let Some(running) = spec.find(&daemon::processes(&layout.state)) {
        if running.spec == spec.hash() {
            return Ok(false);
        }
        daemon::end(&layout.state, |p| p.pid == running.pid, Duration::from_secs(20))?;
    }
    if spec.name == "forward" {
        // A copy, and of what runs now: the file of this program may be replaced by the next build at any time.
        let this = Path::new("/proc/self/exe");
        let half = layout.file("bin/half");
        fs::copy(this, &half).map_err(Failure::at("copying", this))?;
        fs::rename(&half, &spec.program).map_err(Failure::at("writing", &spec.program))?;
    }
    spec.start(layout)?;
    Ok(true)
}

/// The cluster, and where to say what happens.
#[derive(Debug, Clone, Copy)]
struct Here<'a> {
    layout: &'a Layout,
    ui: &'a Ui,
}

/// Waits for `ready`, as long as the watched components live.
fn await_all(here: Here<'_>, watched: &[&Spec], what: &str, mut ready: impl FnMut() -> Outcome<bool>) -> Outcome<()> {
    let Here { layout, ui } = here;
    if ready()? {
        return Ok(());
    }
    let step = ui.step(format!("waiting for {what}"), "");
    let gone = |spec: &Spec| {
        let log = layout.log(spec.name);
        Failure::new(
            format!("{} ended while {what} was coming up, log {}", spec.name, log.display()),
            format!("the log ends with\n{}", parts::tail(&log, 10)),
            "correct the cause and run `cargo xtask up` again",
        )
    };
    tool::wait(
        LIMIT,
        || {
            let all = daemon::processes(&layout.state);
            // Just after its start a component still is the program that starts it.
            let dead = watched.iter().find(|s| step.elapsed() > Duration::from_secs(1) && s.find(&all).is_none());
            match dead {
                Some(spec) => Err(gone(spec)),
                None => Ok(ready()?.then_some(())),
            }
        },
        || {
            let why = format!("not ready within {} s; logs in {}", LIMIT.as_secs(), layout.text("logs"));
            Failure::new(format!("{what} did not come up"), why, "run `cargo xtask status`")
        },
    )?;
    step.done("");
    Ok(())
}

pub(super) fn node_ready(target: &Target) -> Outcome<bool> {
    let path = "--output=jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
    Ok(target.run(&["get", "node", NODE, path]).is_ok_and(|status| status == "True"))
}

pub(super) fn dns_ready(target: &Target) -> Outcome<bool> {
    let path = "--output=jsonpath={.status.readyReplicas}";
    Ok(target.run(&["--namespace=kube-system", "get", "deployment", "coredns", path]).is_ok_and(|n| n == "1"))
}

/// Applies CoreDNS unless this very manifest was applied before.
fn dns(layout: &Layout, target: &Target) -> Outcome<bool> {
    const MANIFEST: &str = include_str!("coredns.yaml");
    let path = layout.file("coredns.yaml");
    if fs::read_to_string(&path).is_ok_and(|before| before == MANIFEST) {
        return Ok(false);
    }
    let new = layout.file("coredns-new.yaml");
    files::write(&new, MANIFEST, 0o600)?;
    target.run(&["apply", "--filename", &new.display().to_string()])?;
    fs::rename(&new, &path).map_err(Failure::at("writing", &path))?;
    Ok(true)
}
