//! The operators, built as they ship: for the images, the benchmarks and the previous landing.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::checkout::cargo;
use crate::cluster::{files, tool};
use crate::parts;
use crate::ui::{Failure, Outcome, Ui};

/// All operators; the crate and the program of each is `millrace-NAME`.
pub const OPERATORS: [&str; 4] = ["dataplane", "processing", "pipeline", "registry"];

/// Builds `what`, cargo's words such as `--bins`, of these operators of a checkout; the directory of the programs.
///
/// # Errors
/// It does not build; the failure has cargo's words.
pub fn build(checkout: &Path, operators: &[&str], what: &[&str]) -> Outcome<PathBuf> {
    let target = parts::target_of(checkout)?;
    let mut cargo = cargo();
    cargo.args(["build", "--quiet", "--profile", "image"]).args(what).arg("--target-dir").arg(&target);
    for name in operators {
        cargo.args(["--package", &format!("millrace-{name}")]);
    }
    tool::run(cargo.current_dir(checkout), "building the operators")?;
    Ok(target.join("image"))
}

/// Writes the bill of materials of each operator, `millrace-NAME.cdx.json` in CycloneDX 1.6, into a directory. The same
/// crates make the same file.
///
/// # Errors
/// cargo-sbom cannot be had or fails.
pub fn bills(checkout: &Path, into: &Path, ui: &Ui) -> Outcome<()> {
    let program = parts::file("cargo-sbom", "cargo-sbom", ui)?;
    for name in OPERATORS {
        let package = format!("millrace-{name}");
        let mut sbom = Command::new(&program);
        sbom.args(["--cargo-package", &package, "--output-format", "cyclone_dx_json_1_6"]).current_dir(checkout);
        let said = tool::run(&mut sbom, "writing the bill of materials")?;
        let mut bill: Value =
            serde_json::from_str(&said).map_err(|e| Failure::because("the bill of materials is not JSON", e))?;
        // A random number, and who built it, where and when.
        if let Some(bill) = bill.as_object_mut() {
            bill.remove("serialNumber");
        }
        if let Some(metadata) = bill.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|field, _| field == "component");
        }
        sort(&mut bill);
        files::write(&into.join(format!("{package}.cdx.json")), &format!("{bill:#}\n"), 0o644)?;
    }
    Ok(())
}

/// Puts every list in order: the tool's differs from run to run.
fn sort(value: &mut Value) {
    match value {
        Value::Array(all) => {
            all.iter_mut().for_each(sort);
            all.sort_by_cached_key(Value::to_string);
        }
        Value::Object(fields) => fields.values_mut().for_each(sort),
        _ => {}
    }
}
