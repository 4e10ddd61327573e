//! `cargo xtask push`: our images, built from packages, into a registry that a cluster pulls from. No Docker.

use std::path::Path;
use std::process::Command;

use crate::cluster::tool;
use crate::ui::{Outcome, Ui};
use crate::{parts, stage};

/// Builds the images and pushes them as `PREFIX/operators:dev`, `PREFIX/flights:dev`, `PREFIX/streams:dev` and
/// `PREFIX/mlflow:dev`. A login is taken from where Docker keeps it; a registry on loopback is spoken to without TLS.
///
/// # Errors
/// An image that cannot be built, or what the registry answered.
pub fn push(prefix: &str, ui: &Ui) -> Outcome<()> {
    for (name, tar) in stage::own_images(ui)? {
        one(&tar, &format!("{prefix}/{name}:dev"), ui)?;
    }
    Ok(())
}

/// Pushes one image file under this name.
///
/// # Errors
/// What the registry answered.
pub fn one(tar: &Path, name: &str, ui: &Ui) -> Outcome<()> {
    let crane = parts::file("crane", "crane", ui)?;
    let step = ui.step(format!("pushing {name}"), "");
    tool::run(Command::new(crane).arg("push").arg(tar).arg(name), &format!("pushing {name}"))?;
    step.done("");
    Ok(())
}
