//! Parts: what the cluster and the images are made of, each built once by `e2e/parts/<name>/build.sh`.
//!
//! A part is cached by content outside the checkout: its hash covers the files of its folder, the repository paths
//! it names in `# uses:` and the hashes of the parts it needs. A build fills a temporary directory that is renamed
//! when complete, so a part in the cache is always whole and an interrupted build is simply begun again.

mod apt;
mod build;
mod plan;
mod recipe;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ui::{Failure, Outcome, Ui, short};

pub(crate) use build::tail;
pub use plan::{Part, Plan};

/// What [`ensure`] returns on failure: what failed, why (with the end of the log), what to do.
pub type PartsError = Failure;

/// Builds whatever is missing of the named parts and the parts they need, and returns the output directory of each
/// (needed parts included). Debian packages of the named parts, and of those that must be built, are installed when
/// missing.
///
/// # Errors
/// An unknown name, a circle of needs, packages that cannot be installed, or a build that failed.
pub fn ensure(names: &[&str], ui: &Ui) -> Result<BTreeMap<String, PathBuf>, PartsError> {
    let plan = Plan::make(&repo_root()?, &cache_root()?, names)?;
    let missing: Vec<&Part> = plan.parts.iter().filter(|p| !p.built()).collect();
    let used = plan.parts.iter().filter(|p| !p.built() || names.contains(&p.name.as_str()));
    apt::install(used.flat_map(|p| p.recipe.debian.iter().cloned()).collect(), ui)?;
    if !missing.is_empty() {
        ui.say(format!("building {} of {} parts: {}", missing.len(), plan.parts.len(), estimate(&missing)));
    }
    for (at, part) in missing.iter().enumerate() {
        let left: Vec<&str> = missing.iter().skip(at + 1).map(|p| p.name.as_str()).collect();
        build::build(part, &plan, build::Place { at: at + 1, of: missing.len(), left: &left }, ui)?;
    }
    Ok(plan.parts.into_iter().map(|p| (p.name, p.out)).collect())
}

/// A file of a part, which is built if it is missing.
///
/// # Errors
/// As [`ensure`].
pub fn file(part: &str, path: &str, ui: &Ui) -> Outcome<PathBuf> {
    Ok(ensure(&[part], ui)?.get(part).map(|dir| dir.join(path)).unwrap_or_default())
}

/// Installs Debian packages that are missing, for what no part is made of.
///
/// # Errors
/// They cannot be installed.
pub fn packages(names: &[&str], ui: &Ui) -> Outcome<()> {
    apt::install(names.iter().map(|name| (*name).to_owned()).collect(), ui)
}

/// The output directory of a part as its recipe stands, whether it is built or not.
///
/// # Errors
/// An unknown name or an unreadable recipe.
pub fn place(name: &str) -> Outcome<PathBuf> {
    let plan = Plan::make(&repo_root()?, &cache_root()?, &[name])?;
    Ok(plan.get(name).map(|p| p.out.clone()).unwrap_or_default())
}

/// One line per part: name, whether it is built, how long the last build took, what it is.
///
/// # Errors
/// A recipe that cannot be read.
pub fn list() -> Outcome<Vec<String>> {
    let repo = repo_root()?;
    let names = recipe::names(&repo)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let plan = Plan::make(&repo, &cache_root()?, &names)?;
    let mut parts: Vec<&Part> = plan.parts.iter().collect();
    parts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(parts.into_iter().map(line).collect())
}

fn line(part: &Part) -> String {
    let state = if part.built() { "built" } else { "missing" };
    let last = part.last().map_or_else(|| "-".to_owned(), short);
    format!("{:<16} {state:<8} {last:>7}  {}", part.name, part.recipe.about)
}

/// All part names, sorted.
///
/// # Errors
/// The folder of parts cannot be read.
pub fn names() -> Outcome<Vec<String>> {
    recipe::names(&repo_root()?)
}

fn estimate(missing: &[&Part]) -> String {
    let known: Vec<Duration> = missing.iter().filter_map(|p| p.last()).collect();
    let total: Duration = known.iter().sum();
    match (known.len(), missing.len()) {
        (0, _) => "no earlier times known".to_owned(),
        (n, all) if n == all => format!("took {} last time", short(total)),
        (n, all) => format!("{} for {n} of them last time, {} never built here", short(total), all - n),
    }
}

/// The checkout this binary was built from, or `MILLRACE_REPO`.
///
/// # Errors
/// The checkout has moved since the build.
pub fn repo_root() -> Outcome<PathBuf> {
    let root = std::env::var_os("MILLRACE_REPO").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default(),
        PathBuf::from,
    );
    if root.join("e2e/parts").is_dir() {
        return Ok(root);
    }
    Err(Failure::new(
        "the checkout was not found",
        format!("no e2e/parts in {}", root.display()),
        "run `cargo xtask` in the checkout",
    ))
}

/// `${XDG_CACHE_HOME:-$HOME/.cache}/millrace`.
///
/// # Errors
/// Neither variable is set.
pub fn cache_root() -> Outcome<PathBuf> {
    home_dir("XDG_CACHE_HOME", ".cache")
}

/// Where this checkout's crates are built as they ship: shared by all checkouts, for the sake of what they depend on.
///
/// cargo knows a crate by its path inside the workspace and believes in times of change, so it would hand one checkout
/// what another one built; a change of checkout makes it forget our own crates.
///
/// # Errors
/// The directory cannot be written.
pub fn target_dir() -> Outcome<PathBuf> {
    target_of(&repo_root()?)
}

/// The same for another checkout.
///
/// # Errors
/// The directory cannot be written.
pub fn target_of(checkout: &Path) -> Outcome<PathBuf> {
    let target = cache_root()?.join("target");
    let mark = target.join("image/checkout");
    let here = checkout.display().to_string();
    if fs::read_to_string(&mark).is_ok_and(|last| last == here) {
        return Ok(target);
    }
    forget_builds(&target.join("image"))?;
    crate::cluster::files::write(&mark, &here, 0o644)?;
    Ok(target)
}

/// Makes cargo forget our own crates in this folder of builds, so that it builds them from the checkout it is called in.
///
/// # Errors
/// What it knows of one cannot be removed.
pub fn forget_builds(profile: &Path) -> Outcome<()> {
    let known = fs::read_dir(profile.join(".fingerprint")).into_iter().flatten().flatten();
    for entry in known.filter(|e| e.file_name().to_string_lossy().starts_with("millrace-")) {
        fs::remove_dir_all(entry.path()).map_err(Failure::at("removing", &entry.path()))?;
    }
    Ok(())
}

/// `${XDG_STATE_HOME:-$HOME/.local/state}/millrace`.
///
/// # Errors
/// Neither variable is set.
pub fn state_root() -> Outcome<PathBuf> {
    home_dir("XDG_STATE_HOME", ".local/state")
}

fn home_dir(var: &str, under_home: &str) -> Outcome<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set(var).or_else(|| set("HOME").map(|h| h.join(under_home))).map(|dir| dir.join("millrace")).ok_or_else(|| {
        Failure::new("no place to keep files", format!("neither {var} nor HOME is set"), format!("set {var}"))
    })
}

#[cfg(test)]
mod tests;
