//! The operators, built as they ship: for the images, the benchmarks and the previous landing.

use std::path::{Path, PathBuf};

use crate::checkout::cargo;
use crate::cluster::tool;
use crate::parts;
use crate::ui::Outcome;

/// All operators; the crate and the program of each is `millrace-NAME`.
pub const OPERATORS: [&str; 4] = ["dataplane", "processing", "pipeline", "registry"];

/// Builds `what`, cargo's words such as `--bins`, of these operators of a checkout; the directory of the programs.
///
/// # Errors
/// It does not build; the failure has cargo's words.
pub fn build(checkout: &Path, operators: &[&str], what: &[&str]) -> Outcome<PathBuf> {
    let target = parts::target_of(checkout)?;
    let mut cargo = cargo();
    cargo.args(["build", "--quiet", "--profile", "image"]).args(what).arg("--target-dir").arg(&target);
    for name in operators {
        cargo.args(["--package", &format!("millrace-{name}")]);
    }
    tool::run(cargo.current_dir(checkout), "building the operators")?;
    Ok(target.join("image"))
}
