//! Golden folders: `object.yaml` and `observed.yaml` in, `decision.yaml` out. `UPDATE=1` writes the last one anew.

use std::{collections::BTreeSet, fs, path::Path};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    diff::{Sides, unified},
    drive::Outcome,
    world::EPOCH,
};
use crate::{Operator, Seen};

#[derive(Deserialize)]
struct Observed<T> {
    now: Option<Timestamp>,
    #[serde(flatten)]
    seen: Seen<T>,
}

/// Checks every case folder below `dir`; returns how many there were.
///
/// # Errors
/// A line per case that is unreadable or differs.
pub fn check<O: Operator>(dir: &Path) -> Result<usize, String> {
    let mut cases: Vec<_> = fs::read_dir(dir).map_err(|e| format!("{}: {e}", dir.display()))?.flatten().collect();
    cases.sort_by_key(fs::DirEntry::file_name);
    let cases: Vec<_> = cases.into_iter().map(|c| c.path()).filter(|p| p.is_dir()).collect();
    let faults: Vec<String> = cases.iter().filter_map(|case| one::<O>(case).err()).collect();
    if cases.is_empty() {
        return Err(format!("{}: no cases", dir.display()));
    }
    if faults.is_empty() { Ok(cases.len()) } else { Err(faults.join("\n")) }
}

/// Checks that the chart's rules of an operator are those its code declares: `charts/millrace/access/<name>.yaml`.
///
/// # Errors
/// The file is missing or differs; `UPDATE=1` writes it anew.
pub fn access(name: &str, access: &[crate::access::Access]) -> Result<(), String> {
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/millrace/access");
    same(&chart.join(format!("{name}.yaml")), &yaml(&crate::access::document(access))?)
}

/// Checks the reasons that recorded runs gave, one word a line: `tests/reached/<name>.txt` of the crate whose directory
/// this is.
///
/// # Errors
/// The file is missing or differs; `UPDATE=1` writes it anew.
pub fn reached(of: &str, name: &str, runs: impl IntoIterator<Item = Outcome>) -> Result<(), String> {
    let reasons: BTreeSet<String> = runs.into_iter().flat_map(|run| run.reasons).collect();
    let lines: String = reasons.iter().map(|word| format!("{word}\n")).collect();
    same(&Path::new(of).join(format!("tests/reached/{name}.txt")), &lines)
}

fn one<O: Operator>(case: &Path) -> Result<(), String> {
    let object: O::Object = read(&case.join("object.yaml"))?;
    let observed: Observed<O::Observed> = read(&case.join("observed.yaml"))?;
    let now = observed.now.unwrap_or_else(|| Timestamp::from_second(EPOCH).unwrap_or(Timestamp::UNIX_EPOCH));
    let have = yaml(&O::decide(&object, &observed.seen, now))?;
    same(&case.join("decision.yaml"), &have)
}

fn same(path: &Path, have: &str) -> Result<(), String> {
    if std::env::var_os("UPDATE").is_some() {
        return fs::write(path, have).map_err(|e| format!("{}: {e}", path.display()));
    }
    let want = fs::read_to_string(path).map_err(|e| format!("{}: {e}; run with UPDATE=1", path.display()))?;
    if want == have {
        Ok(())
    } else {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let diff = unified(&want, have, Sides { want: &name, have: "now" });
        Err(format!("{} differs (UPDATE=1 writes it anew):\n{diff}", path.display()))
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_saphyr::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
}

fn yaml<T: Serialize>(value: &T) -> Result<String, String> {
    // Through JSON values, so that maps come out in one order.
    let value = serde_json::to_value(value).map_err(|e| e.to_string())?;
    serde_saphyr::to_string(&value).map_err(|e| e.to_string())
}
