//! The command of another checkout: two checkouts that share a target directory get each other's binaries, since cargo
//! knows a crate by its path inside the workspace and a file by its time of change.

use std::{env, path::Path, process::Command};

use crate::{
    parts,
    ui::{Failure, Outcome},
};

/// Set for the second start, which must not lead to a third.
const REBUILT: &str = "MILLRACE_REBUILT";

/// Where this binary was built from another checkout than the one it is called in: builds it anew and runs that with the
/// same arguments.
///
/// # Returns
/// The exit code of the new one; `None` if this binary is the right one.
///
/// # Errors
/// The old build cannot be forgotten, or cargo cannot be started.
pub fn run_own_build() -> Outcome<Option<u8>> {
    // `cargo run` sets both; a test of another crate that starts this binary sets them to its own.
    let ours = env::var_os("CARGO_PKG_NAME").is_some_and(|name| name == env!("CARGO_PKG_NAME"));
    let called_in = env::var_os("CARGO_MANIFEST_DIR").filter(|_| ours);
    let elsewhere = called_in.is_some_and(|dir| Path::new(&dir) != Path::new(env!("CARGO_MANIFEST_DIR")));
    if !elsewhere || env::var_os(REBUILT).is_some() {
        return Ok(None);
    }
    let binary = env::current_exe().map_err(|cause| Failure::because("finding this binary", cause))?;
    if let Some(profile) = binary.parent() {
        parts::forget_builds(profile)?;
    }
    let mut cargo = cargo();
    cargo.arg("xtask").args(env::args_os().skip(1)).env(REBUILT, "1");
    let status = cargo.status().map_err(|cause| Failure::because("starting cargo xtask again", cause))?;
    Ok(Some(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// The cargo that runs this binary, to be run once more.
#[must_use]
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Set by the cargo that runs this binary; it would point the inner one at this package.
    cargo.env_remove("CARGO_MANIFEST_DIR");
    cargo
}
