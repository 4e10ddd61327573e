//! The second rung's part for people who write Python: the unit tests of the examples, with what their image has.

use std::fs;
use std::path::{Path, PathBuf};

use super::check::{Check, Counts};
use super::scratch::Scratch;
use crate::budget::Needs;
use crate::cluster::tool;
use crate::parts;
use crate::ui::{Failure, Outcome, Ui};

/// Some of them start a Spark of their own.
const SPARK: Needs = Needs::new(1_000, 2_048);

/// One check for every folder of `examples/` with Python tests.
pub(super) fn examples() -> Outcome<Vec<Check>> {
    let all = parts::repo_root()?.join("examples");
    let mut folders: Vec<PathBuf> = fs::read_dir(&all)
        .map_err(Failure::at("reading", &all))?
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.join("tests/__init__.py").is_file())
        .collect();
    folders.sort();
    let name = |p: &Path| p.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let check = |folder: PathBuf| -> Check {
        let title = format!("Python of the example {}", name(&folder));
        Check::new(2, title, SPARK, Box::new(move |ui| unittest(&folder, ui)))
    };
    Ok(folders.into_iter().map(check).collect())
}

fn unittest(example: &Path, ui: &Ui) -> Outcome<Counts> {
    let image = parts::file("image-flights", "image.tar", ui)?;
    let scratch = Scratch::new("python")?;
    let script = parts::repo_root()?.join("e2e/images/python-tests.sh");
    let args = [script, image, example.to_path_buf(), scratch.0.clone()];
    count(&tool::call("bash", &args, "the Python tests")?)
}

/// `Ran 11 tests in 12.3s`, then `OK`; a skipped test is a failure, as everywhere.
fn count(said: &str) -> Outcome<Counts> {
    let ran = said.lines().find_map(|l| l.strip_prefix("Ran ")?.split(' ').next()?.parse().ok());
    match (ran, said.lines().any(|l| l == "OK")) {
        (Some(passed), true) if passed > 0 => Ok(Counts { passed, ..Counts::default() }),
        _ => Err(Failure::because("not every Python test ran well", said)),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn tests_are_counted_and_none_may_be_skipped() {
        let said = "......\n-----\nRan 6 tests in 7.123s\n\nOK\n";
        assert_eq!(super::count(said).unwrap().passed, 6);
        assert!(super::count("Ran 6 tests in 7.123s\n\nOK (skipped=1)\n").is_err());
        assert!(super::count("Ran 0 tests in 0s\n\nOK\n").is_err());
    }
}
