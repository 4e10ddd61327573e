//! The check that `up` can be interrupted anywhere and `down` leaves nothing, on a second cluster beside the user's.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::daemon;
use super::layout::Layout;
use super::port_forward::PortForward;
use super::{down, status, tool, up};
use crate::ui::{Failure, Outcome, Ui, short};

/// The moments at which `up` is killed, one after the other, in milliseconds after its start.
const KILLS: [u64; 5] = [150, 400, 900, 1800, 4000];

/// Brings a cluster with a state directory of its own up and down: with `up` killed at several moments, a component
/// killed while it runs, a port forwarded into it, and `down` after an interruption too.
///
/// # Errors
/// The first thing that is not as promised.
pub fn rehearse(ui: &Ui) -> Outcome<()> {
    let root = std::env::temp_dir().join(format!("millrace-rehearsal-{}", std::process::id()));
    let layout = Layout::at(&root.join("millrace/cluster"));
    let result = play(&root, &layout, ui);
    let ended = down::down(&layout, ui);
    // Down has removed what matters; an empty directory in the temporary one harms nobody.
    let _ = std::fs::remove_dir_all(&root);
    result.and(ended)
}

fn play(root: &Path, layout: &Layout, ui: &Ui) -> Outcome<()> {
    for after in KILLS {
        let step = ui.step(format!("up, killed after {after} ms"), "");
        interrupted_up(root, Duration::from_millis(after))?;
        step.done(format!("{} processes left running", daemon::processes(&layout.state).len()));
        if after == 900 {
            down::down(layout, ui)?;
        }
    }
    let target = up::up(layout, ui)?;
    let begun = Instant::now();
    up::up(layout, ui)?;
    let again = begun.elapsed();
    let step = ui.step("killing a component", "");
    daemon::end(&layout.state, |p| p.program == "kube-scheduler", Duration::ZERO)?;
    let (lines, well) = status::status(layout)?;
    if well {
        return Err(Failure::new("status did not see a missing scheduler", lines.join("\n"), ""));
    }
    up::up(layout, ui)?;
    step.done("status told, up replaced it");
    let forward = PortForward::open(&target, "kube-system", "service/kube-dns", 53)?;
    std::net::TcpStream::connect(("127.0.0.1", forward.port))
        .map_err(|e| Failure::because("the forwarded port does not answer", e))?;
    no_way_out(layout)?;
    ui.say(format!("  ok up again takes {}; a forwarded port answers; there is no way out", short(again)));
    Ok(())
}

/// `up` of this very program in a process of its own, so that it can be killed.
fn interrupted_up(root: &Path, after: Duration) -> Outcome<()> {
    let mut child = Command::new("/proc/self/exe")
        .arg("up")
        .env("XDG_STATE_HOME", root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| Failure::because("starting `up` failed", e))?;
    std::thread::sleep(after);
    // It may be done already; then there is nothing to interrupt.
    let _ = child.kill();
    child.wait().map(drop).map_err(|e| Failure::because("waiting for `up` failed", e))
}

/// The namespace has two interfaces besides those of pods, and none of them leads anywhere.
fn no_way_out(layout: &Layout) -> Outcome<()> {
    let net = format!("--net={}", layout.netns().display());
    let links = tool::call("nsenter", &[&net, "ip", "-brief", "link"], "listing interfaces")?;
    let names = links.lines().filter_map(|l| l.split([' ', '@']).next());
    let strange: Vec<&str> = names.filter(|n| !(*n == "lo" || *n == "node0" || n.starts_with("veth"))).collect();
    if strange.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        "the cluster's namespace has unexpected interfaces",
        strange.join(", "),
        "see the cluster's net module",
    ))
}
