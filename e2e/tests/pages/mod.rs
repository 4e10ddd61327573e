//! The pages of the kinds, `docs/kinds/`, and the manifests on them.

use std::{collections::BTreeMap, path::Path};

use crate::walk::texts;

/// Every page by its name, which is its kind in small letters.
pub(crate) fn pages() -> BTreeMap<String, String> {
    let name = |path: &str| Path::new(path).file_stem().unwrap().to_string_lossy().into_owned();
    texts(&["docs/kinds"], |path| path.ends_with(".md")).into_iter().map(|(path, text)| (name(&path), text)).collect()
}

/// The manifests of a page, or of a part of it, as one stream of documents.
pub(crate) fn yaml(text: &str) -> String {
    let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    blocks.collect::<Vec<_>>().join("\n---\n")
}
