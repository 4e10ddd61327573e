//! The pages of the kinds, `docs/kinds/`, and the manifests that stand on them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/kinds")
}

/// Every page by its name, which is its kind in small letters.
pub(crate) fn pages() -> BTreeMap<String, String> {
    let page = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    fs::read_dir(folder()).unwrap().map(|entry| page(entry.unwrap().path())).collect()
}

/// The manifests of a page, or of a part of it, as one stream of documents.
pub(crate) fn yaml(text: &str) -> String {
    let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    blocks.collect::<Vec<_>>().join("\n---\n")
}
