//! Reading a recipe: the header comments of `e2e/parts/<name>/build.sh` and the hash of what it is built from.
//!
//! `# about:` one line of text, `# needs:` other parts, `# debian:` packages, `# uses:` repository paths whose
//! content counts. A header may be repeated; its words add up.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::ui::{Failure, Outcome};

/// Raised when the engine changes in a way that makes old outputs wrong.
const ENGINE: &str = "millrace-parts-1";

/// The header of one `build.sh`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipe {
    /// What the part is, in one line.
    pub about: String,
    /// The parts whose output it reads.
    pub needs: Vec<String>,
    /// Debian packages it needs to build or to run.
    pub debian: Vec<String>,
    /// Repository paths whose content counts.
    pub uses: Vec<String>,
}

impl Recipe {
    /// Reads the comments at the head of a script, up to its first command.
    #[must_use]
    pub fn parse(script: &str) -> Self {
        let mut recipe = Self::default();
        for line in script.lines().take_while(|l| l.is_empty() || l.starts_with('#')) {
            let Some((key, value)) = line.trim_start_matches('#').split_once(':') else { continue };
            let words = || value.split([' ', ',', '\t']).filter(|w| !w.is_empty()).map(str::to_owned);
            match key.trim() {
                "about" => recipe.about = value.trim().to_owned(),
                "needs" => recipe.needs.extend(words()),
                "debian" => recipe.debian.extend(words()),
                "uses" => recipe.uses.extend(words()),
                _ => {}
            }
        }
        recipe
    }
}

/// The folder of a part's recipe.
pub(super) fn folder(repo: &Path, name: &str) -> PathBuf {
    repo.join("e2e/parts").join(name)
}

/// Every folder with a `build.sh`, sorted.
pub(super) fn names(repo: &Path) -> Outcome<Vec<String>> {
    let dir = repo.join("e2e/parts");
    let mut names: Vec<String> = fs::read_dir(&dir)
        .map_err(Failure::at("reading", &dir))?
        .flatten()
        .filter(|e| e.path().join("build.sh").is_file())
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

pub(super) fn read(repo: &Path, name: &str) -> Outcome<Recipe> {
    let path = folder(repo, name).join("build.sh");
    match fs::read_to_string(&path) {
        Ok(script) => Ok(Recipe::parse(&script)),
        Err(e) => Err(Failure::new(
            format!("there is no part named {name}"),
            format!("{}: {e}", path.display()),
            "see `cargo xtask parts --list`",
        )),
    }
}

/// The hash of everything a part is built from, sixteen hexadecimal digits.
pub(super) fn hash(repo: &Path, name: &str, recipe: &Recipe, needed: &[String]) -> Outcome<String> {
    let mut sha = Sha256::new();
    field(&mut sha, ENGINE.as_bytes());
    let dir = folder(repo, name);
    add(&mut sha, &dir, &dir)?;
    for used in &recipe.uses {
        let path = repo.join(used);
        if !path.exists() {
            return Err(Failure::new(
                format!("part {name} uses a path that does not exist"),
                path.display().to_string(),
                format!("correct `# uses:` in {}", dir.join("build.sh").display()),
            ));
        }
        add(&mut sha, repo, &path)?;
    }
    needed.iter().for_each(|h| field(&mut sha, h.as_bytes()));
    Ok(sha.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect())
}

fn add(sha: &mut Sha256, base: &Path, path: &Path) -> Outcome<()> {
    let meta = fs::symlink_metadata(path).map_err(Failure::at("reading", path))?;
    let name = path.strip_prefix(base).unwrap_or(path);
    if meta.is_dir() {
        let mut inside: Vec<PathBuf> =
            fs::read_dir(path).map_err(Failure::at("reading", path))?.flatten().map(|e| e.path()).collect();
        inside.sort();
        inside.iter().filter(|p| !ignored(p)).try_for_each(|p| add(sha, base, p))
    } else if meta.is_symlink() {
        let to = fs::read_link(path).map_err(Failure::at("reading", path))?;
        field(sha, name.as_os_str().as_encoded_bytes());
        field(sha, to.as_os_str().as_encoded_bytes());
        Ok(())
    } else {
        field(sha, name.as_os_str().as_encoded_bytes());
        field(sha, if meta.permissions().mode() & 0o111 == 0 { b"-" } else { b"x" });
        field(sha, &fs::read(path).map_err(Failure::at("reading", path))?);
        Ok(())
    }
}

/// What tools leave behind and no build reads.
fn ignored(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    matches!(name.as_str(), "target" | ".git" | "__pycache__") || name.ends_with(".pyc") || name.ends_with('~')
}

/// Length first, so that no two lists of fields hash alike.
fn field(sha: &mut Sha256, bytes: &[u8]) {
    sha.update((bytes.len() as u64).to_le_bytes());
    sha.update(bytes);
}
