//! Images from files into the cluster's containerd; there is no registry to pull from.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::layout::Layout;
use super::{files, tool};
use crate::ui::{Failure, Outcome, Ui};

/// Files that are imported at once: a large one is mostly unpacked by one thread.
const AT_ONCE: usize = 2;

/// Imports image files (`docker-archive` tars) under the names they carry. A file that was imported before is
/// skipped: parts never change in place, so path, size and time of change tell a file.
///
/// # Errors
/// containerd is not running, or refuses a file.
pub(super) fn import(layout: &Layout, tars: &[PathBuf], ui: &Ui) -> Outcome<()> {
    let mut new = Vec::new();
    for tar in tars {
        let mark = layout.file("images").join(identity(tar)?);
        if !mark.exists() {
            new.push((tar, mark));
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    let many = new.len();
    let step = ui.step(format!("importing {many} image{}", if many == 1 { "" } else { "s" }), "");
    let said = tool::in_turn(new, AT_ONCE, |(tar, mark)| {
        let mut ctr = Command::new("ctr");
        ctr.arg("--address").arg(layout.containerd()).args(["--namespace", "k8s.io", "images", "import"]).arg(tar);
        tool::run(&mut ctr, &format!("importing {}", tar.display())).map(|said| (said, mark))
    });
    for said in said {
        let (said, mark) = said?;
        forget_namesakes(layout, &names(&said));
        files::write(&mark, &said, 0o600)?;
    }
    step.done("");
    Ok(())
}

/// The names in what `ctr` says: `unpacking docker.io/local/x:1 (sha256:…)...done`.
fn names(said: &str) -> Vec<&str> {
    said.lines().filter_map(|l| l.strip_prefix("unpacking ")?.split(' ').next()).collect()
}

/// A name now means this file. The file it meant before must be imported again when it is asked for again.
fn forget_namesakes(layout: &Layout, new: &[&str]) {
    for entry in fs::read_dir(layout.file("images")).into_iter().flatten().flatten() {
        let said = fs::read_to_string(entry.path()).unwrap_or_default();
        if names(&said).iter().any(|n| new.contains(n)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn identity(tar: &Path) -> Outcome<String> {
    let meta = fs::metadata(tar).map_err(Failure::at("reading", tar))?;
    let text = format!("{}\0{}\0{}\0{}", tar.display(), meta.len(), meta.mtime(), meta.mtime_nsec());
    Ok(Sha256::digest(text).iter().take(8).map(|b| format!("{b:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_moves_to_another_file_is_imported_again() {
        let layout = Layout::at(&std::env::temp_dir().join(format!("millrace-images-{}", std::process::id())));
        let mark = |name: &str| layout.file("images").join(name);
        files::write(&mark("one"), "unpacking docker.io/local/x:1 (sha256:1)...done\n", 0o600).unwrap();
        files::write(&mark("two"), "unpacking docker.io/local/y:1 (sha256:2)...done\n", 0o600).unwrap();
        forget_namesakes(&layout, &names("unpacking docker.io/local/x:1 (sha256:3)...done\n"));
        assert!(!mark("one").exists());
        assert!(mark("two").exists());
        fs::remove_dir_all(&layout.state).unwrap();
    }
}
