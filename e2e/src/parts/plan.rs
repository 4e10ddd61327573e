//! The order of building: named parts and what they need, needed parts first, each with its hash and place.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::recipe::{self, Recipe};
use crate::ui::{Failure, Outcome};

/// One part with its place in the cache.
#[derive(Debug, Clone)]
pub struct Part {
    /// The folder's name below `e2e/parts`.
    pub name: String,
    /// The header of its `build.sh`.
    pub recipe: Recipe,
    /// Where its recipe lives.
    pub folder: PathBuf,
    /// Where its output is, or will be.
    pub out: PathBuf,
    /// The directory of all its outputs, its log and its last duration.
    pub home: PathBuf,
    hash: String,
}

impl Part {
    /// Whether the output is in the cache.
    #[must_use]
    pub fn built(&self) -> bool {
        self.out.is_dir()
    }

    /// How long the last build on this machine took.
    #[must_use]
    pub fn last(&self) -> Option<Duration> {
        let text = fs::read_to_string(self.home.join("last-seconds")).ok()?;
        text.trim().parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok())
    }

    /// The output of its last build.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.home.join("build.log")
    }
}

/// Parts in an order in which each comes after those it needs.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The parts, needed ones first.
    pub parts: Vec<Part>,
    /// The checkout.
    pub repo: PathBuf,
}

impl Plan {
    /// Resolves names into a plan. `cache` is the directory above `parts/`.
    ///
    /// # Errors
    /// An unknown name, a circle of needs, an unreadable file.
    pub fn make(repo: &Path, cache: &Path, names: &[&str]) -> Outcome<Self> {
        let mut work = Work { repo, cache, done: BTreeMap::new(), parts: Vec::new(), path: Vec::new() };
        names.iter().try_for_each(|name| work.visit(name))?;
        Ok(Self { parts: work.parts, repo: repo.to_path_buf() })
    }

    /// The part of that name, if it is in the plan.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|p| p.name == name)
    }
}

struct Work<'a> {
    repo: &'a Path,
    cache: &'a Path,
    done: BTreeMap<String, String>,
    parts: Vec<Part>,
    path: Vec<String>,
}

impl Work<'_> {
    fn visit(&mut self, name: &str) -> Outcome<()> {
        if self.done.contains_key(name) {
            return Ok(());
        }
        if self.path.iter().any(|p| p == name) {
            let why = format!("{} -> {name}", self.path.join(" -> "));
            return Err(Failure::new("parts need each other in a circle", why, "remove one `# needs:`"));
        }
        let recipe = recipe::read(self.repo, name)?;
        self.path.push(name.to_owned());
        recipe.needs.iter().try_for_each(|n| self.visit(n))?;
        self.path.pop();
        let needed: Vec<String> = recipe.needs.iter().filter_map(|n| self.done.get(n).cloned()).collect();
        let hash = recipe::hash(self.repo, name, &recipe, &needed)?;
        let home = self.cache.join("parts").join(name);
        self.done.insert(name.to_owned(), hash.clone());
        let folder = recipe::folder(self.repo, name);
        self.parts.push(Part { name: name.to_owned(), recipe, folder, out: home.join(&hash), home, hash });
        Ok(())
    }
}

impl Part {
    /// Sixteen hexadecimal digits over everything the part is built from.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }
}
