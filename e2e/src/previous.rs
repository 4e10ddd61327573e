//! The previous landing, its operators and its chart, built from this clone's own history.
//!
//! `e2e/previous` names the commit. What is built is cached under it, so a landing is built once on a machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cluster::tool;
use crate::parts;
use crate::ship;
use crate::ui::{Failure, Outcome, Ui};

/// The image's name in the cluster, without its tag, which is `dev`.
pub const IMAGE: &str = "docker.io/millrace/operators-previous";

/// What is kept of a landing.
#[derive(Debug)]
pub struct Landing {
    /// Its four programs, `millrace-NAME`.
    pub binaries: PathBuf,
    /// Its chart `millrace`.
    pub chart: PathBuf,
}

/// The previous landing; none, said aloud, where neither this clone nor its origin has the commit.
///
/// # Errors
/// It does not build.
pub fn landing(ui: &Ui) -> Outcome<Option<Landing>> {
    let repo = parts::repo_root()?;
    let file = repo.join("e2e/previous");
    let text = fs::read_to_string(&file).map_err(Failure::at("reading", &file))?;
    let commit = text.split_whitespace().next().unwrap_or_default().to_owned();
    let home = parts::cache_root()?.join("previous").join(&commit);
    let whole = home.join("landing");
    let landing = Landing { binaries: whole.join("binaries"), chart: whole.join("charts/millrace") };
    if whole.is_dir() {
        return Ok(Some(landing));
    }
    if let Err(missing) = fetch(&repo, &commit) {
        ui.say(missing);
        ui.say("NOT against the previous landing: this checkout takes its place");
        return Ok(None);
    }
    let step = ui.step(format!("building the landing {}", commit.get(..7).unwrap_or(&commit)), "a few minutes, once");
    let source = home.join("source");
    unpack((&repo, &commit), &source)?;
    let built = ship::build(&source, &ship::OPERATORS, &["--bins"])?;
    // Whole or not at all.
    let part = home.join("part");
    let binaries = part.join("binaries");
    fs::create_dir_all(&binaries).map_err(Failure::at("creating", &binaries))?;
    for name in ship::OPERATORS.map(|name| format!("millrace-{name}")) {
        let copy = binaries.join(&name);
        fs::copy(built.join(&name), &copy).map_err(Failure::at("writing", &copy))?;
    }
    let (from, to) = (source.join("charts"), part.join("charts"));
    fs::rename(&from, &to).map_err(Failure::at("moving", &from))?;
    fs::rename(&part, &whole).map_err(Failure::at("renaming", &part))?;
    let _ = fs::remove_dir_all(&source);
    step.done("");
    Ok(Some(landing))
}

impl Landing {
    /// An image file with its operators.
    ///
    /// # Errors
    /// It cannot be packed.
    pub fn image(&self) -> Outcome<PathBuf> {
        let out = self.binaries.with_file_name("image");
        let image = out.join("image.tar");
        if !image.is_file() {
            let pack = parts::repo_root()?.join("e2e/images/operators/pack.sh");
            let authorities = Path::new("/etc/ssl/certs/ca-certificates.crt");
            let arguments = [&pack, &self.binaries, &out, authorities, Path::new("operators-previous")];
            tool::run(Command::new("bash").args(arguments), "packing the previous landing")?;
        }
        Ok(image)
    }
}

fn git(repo: &Path, args: &[&str], what: &str) -> Outcome<String> {
    tool::run(Command::new("git").args(args).current_dir(repo), what)
}

/// A clone without its history asks where it came from.
fn fetch(repo: &Path, commit: &str) -> Outcome<()> {
    if git(repo, &["cat-file", "-e", &format!("{commit}^{{tree}}")], "looking for the previous landing").is_ok() {
        return Ok(());
    }
    let fetched = git(repo, &["fetch", "--quiet", "--depth=1", "origin", commit], "fetching the previous landing");
    fetched.map(|_| ()).map_err(|f| {
        let why = format!("this clone is shallow, and its origin does not give the commit: {}", f.why);
        Failure::new(format!("the previous landing {commit} is not here"), why, "git fetch --unshallow")
    })
}

/// The files of a commit.
fn unpack((repo, commit): (&Path, &str), to: &Path) -> Outcome<()> {
    fs::create_dir_all(to).map_err(Failure::at("creating", to))?;
    let archive = to.with_extension("tar");
    let file = archive.display().to_string();
    git(repo, &["archive", "--output", &file, commit], "reading the previous landing")?;
    tool::call("tar", &["--extract", "--file", &file, "--directory", &to.display().to_string()], "unpacking it")?;
    fs::remove_file(&archive).map_err(Failure::at("removing", &archive))
}
