//! The files of the checkout.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The top of the checkout.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The texts below some directories of the files for which this holds, by path.
pub(crate) fn texts(dirs: &[&str], fits: fn(&str) -> bool) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut open: Vec<PathBuf> = dirs.iter().map(|d| repository().join(d)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().flatten().map(|e| e.path()));
        } else if fits(&path.to_string_lossy()) {
            all.insert(path.display().to_string(), fs::read_to_string(path).unwrap());
        }
    }
    all
}
