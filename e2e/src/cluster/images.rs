//! Images from files into the cluster's containerd; there is no registry to pull from.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::layout::Layout;
use super::{files, tool};
use crate::ui::{Failure, Outcome, Ui};

/// Imports image files (`docker-archive` tars) under the names they carry. A file that was imported before is
/// skipped: parts never change in place, so path, size and time of change tell a file.
///
/// # Errors
/// containerd is not running, or refuses a file.
pub(super) fn import(layout: &Layout, tars: &[PathBuf], ui: &Ui) -> Outcome<()> {
    for tar in tars {
        let mark = layout.file("images").join(identity(tar)?);
        if mark.exists() {
            continue;
        }
        let step = ui.step(format!("importing {}", tar.display()), "");
        let mut ctr = Command::new("ctr");
        ctr.arg("--address").arg(layout.containerd()).args(["--namespace", "k8s.io", "images", "import"]).arg(tar);
        let said = tool::run(&mut ctr, &format!("importing {}", tar.display()))?;
        files::write(&mark, &said, 0o600)?;
        step.done("");
    }
    Ok(())
}

fn identity(tar: &Path) -> Outcome<String> {
    let meta = fs::metadata(tar).map_err(Failure::at("reading", tar))?;
    let text = format!("{}\0{}\0{}\0{}", tar.display(), meta.len(), meta.mtime(), meta.mtime_nsec());
    Ok(Sha256::digest(text).iter().take(8).map(|b| format!("{b:02x}")).collect())
}
