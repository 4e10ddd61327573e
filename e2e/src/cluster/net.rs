//! The cluster's network: a namespace without a way out, and the node's address in it.
//!
//! The namespace holds a loopback and a bridge without ports that carries the node's address and the default route,
//! so every packet ends inside it. Nothing connects it with the host; [`super::forward`] crosses over by sockets.

use std::process::Command;

use super::layout::{Layout, NODE_IP};
use super::tool;
use crate::ui::{Failure, Outcome};

/// Sets the namespace up; what is there already is kept.
const SETUP: &str = r#"
set -eu
ip link set lo up
if ! ip link show node0 >/dev/null 2>&1; then ip link add node0 type bridge; fi
ip addr replace "$NODE_IP/24" dev node0
ip link set node0 up
ip route replace default dev node0
echo 1 > /proc/sys/net/ipv4/ip_forward
"#;

/// Makes the namespace unless it is there.
///
/// # Errors
/// The kernel refuses: no root, or no network namespaces or bridges.
pub(super) fn ensure(layout: &Layout) -> Outcome<()> {
    let why = |f: Failure| {
        Failure::new("the network namespace could not be made", f.why, "run this as root, on a kernel with bridges")
    };
    if !layout.netns().exists() {
        tool::call("ip", &["netns", "add", &layout.name], "making a network namespace").map_err(why)?;
    }
    let mut setup = Command::new("nsenter");
    setup.arg(format!("--net={}", layout.netns().display())).args(["sh", "-c", SETUP]).env("NODE_IP", NODE_IP);
    tool::run(&mut setup, "setting up the network").map(drop).map_err(why)
}

/// Removes the namespace and with it every interface and rule in it.
///
/// # Errors
/// Something still holds it.
pub(super) fn remove(layout: &Layout) -> Outcome<()> {
    if layout.netns().exists() {
        tool::call("ip", &["netns", "delete", &layout.name], "removing the network namespace")?;
    }
    Ok(())
}
