//! A real Kubernetes cluster on this machine, built from packages, in a network namespace of its own.
//!
//! One node with everything a cluster has: etcd, API server with an audit log, controller-manager, scheduler,
//! kubelet, kube-proxy, containerd, CNI, CoreDNS. No packet can leave the machine, since the namespace has no way
//! out; the host reaches the API server through [`forward`], and everything behind it with [`PortForward`].

mod cgroup;
mod components;
mod config;
mod daemon;
mod down;
mod facts;
pub mod files;
pub mod forward;
mod images;
pub mod keeper;
mod layout;
mod net;
pub mod pki;
mod port_forward;
mod rehearsal;
mod status;
pub mod target;
pub mod tool;
mod up;

use std::path::PathBuf;

pub use down::leftovers;
pub use layout::Layout;
pub use port_forward::PortForward;
pub use rehearsal::rehearse;
pub use target::Target;

use crate::parts;
use crate::ui::{Failure, Outcome, Ui};

/// Brings the user's local cluster up, or what is missing of it.
///
/// # Errors
/// What failed, with the log of the component.
pub fn up(ui: &Ui) -> Outcome<Target> {
    up::up(&Layout::of_user()?, ui)
}

/// [`up`] for the cluster of this layout.
///
/// # Errors
/// As [`up`].
pub fn up_at(layout: &Layout, ui: &Ui) -> Outcome<Target> {
    up::up(layout, ui)
}

/// [`down`] for the cluster of this layout.
///
/// # Errors
/// As [`down`].
pub fn down_at(layout: &Layout, ui: &Ui) -> Outcome<()> {
    down::down(layout, ui)
}

/// Removes the user's local cluster with its data.
///
/// # Errors
/// What is left.
pub fn down(ui: &Ui) -> Outcome<()> {
    down::down(&Layout::of_user()?, ui)
}

/// Prints the state of the user's local cluster.
///
/// # Errors
/// Something is not running or not ready.
pub fn status() -> Outcome<()> {
    let (lines, well) = status::status(&Layout::of_user()?)?;
    lines.iter().for_each(|l| println!("{l}"));
    if well { Ok(()) } else { Err(Failure::new("the cluster is not well", "see above", "`cargo xtask up`")) }
}

/// Imports image files into the user's local cluster, skipping those imported before.
///
/// # Errors
/// The cluster is not up, or a file is not an image.
pub fn import_images(tars: &[PathBuf], ui: &Ui) -> Outcome<()> {
    images::import(&Layout::of_user()?, tars, ui)
}

/// The user's local cluster, whether it runs or not.
///
/// # Errors
/// There is no home directory, or the recipes cannot be read.
pub fn local_target() -> Outcome<Target> {
    Ok(Target::local(&Layout::of_user()?.kubeconfig(), &parts::place("kubernetes")?))
}

/// Prints how to use the cluster.
pub fn tell(target: &Target) {
    if let Some(file) = &target.kubeconfig {
        println!("export KUBECONFIG={}", file.display());
    }
    println!("# kubectl: {}", target.program.display());
}

#[cfg(test)]
mod tests;
