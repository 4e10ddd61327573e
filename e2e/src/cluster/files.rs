//! Small files, written whole or not at all.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::ui::{Failure, Outcome};

/// Writes a file with these permissions, by renaming a complete one into place. The directory is made if missing.
///
/// # Errors
/// The directory or file cannot be written.
pub fn write(path: &Path, text: &str, mode: u32) -> Outcome<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(Failure::at("creating", dir))?;
    }
    let half = path.with_extension("half");
    fs::write(&half, text).map_err(Failure::at("writing", &half))?;
    fs::set_permissions(&half, fs::Permissions::from_mode(mode)).map_err(Failure::at("protecting", &half))?;
    fs::rename(&half, path).map_err(Failure::at("writing", path))
}

/// What the API server notes of every request: who, what, on which object, with which answer, once per request.
pub const AUDIT_POLICY: &str = r#"{
  "apiVersion": "audit.k8s.io/v1",
  "kind": "Policy",
  "omitStages": ["RequestReceived", "ResponseStarted"],
  "omitManagedFields": true,
  "rules": [{"level": "Metadata"}]
}
"#;
