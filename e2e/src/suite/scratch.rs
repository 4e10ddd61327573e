//! A folder for one check, gone with it.

use std::fs;
use std::path::PathBuf;

use crate::ui::{Failure, Outcome};

/// A directory that goes with its handle.
#[derive(Debug)]
pub(super) struct Scratch(pub(super) PathBuf);

impl Scratch {
    pub(super) fn new(name: &str) -> Outcome<Self> {
        let dir = std::env::temp_dir().join(format!("millrace-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).map_err(Failure::at("creating", &dir))?;
        Ok(Self(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
