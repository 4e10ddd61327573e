//! The API server's audit log: who wrote what, since a moment.
//!
//! One JSON line per finished request. Its own time stamps are the clock of the stories and figures that count writes.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use crate::stage::{OPERATORS, Stage, at};
use crate::ui::{Failure, Outcome};

/// What the stories need of a line.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) user: String,
    pub(crate) verb: String,
    pub(crate) resource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) code: i64,
    pub(crate) at: Timestamp,
    /// Whether it only asks what would become of it.
    dry: bool,
}

impl Entry {
    fn parse(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let own = |pointer: &str| at(&value, pointer).to_owned();
        let part = own("/objectRef/subresource");
        let resource = own("/objectRef/resource");
        Some(Self {
            user: own("/user/username"),
            verb: own("/verb"),
            resource: if part.is_empty() { resource } else { format!("{resource}/{part}") },
            namespace: own("/objectRef/namespace"),
            name: own("/objectRef/name"),
            code: value.pointer("/responseStatus/code").and_then(Value::as_i64).unwrap_or(0),
            at: at(&value, "/stageTimestamp").parse().ok()?,
            dry: at(&value, "/requestURI").contains("dryRun="),
        })
    }

    /// Whether it asks for a change.
    pub(crate) fn writes(&self) -> bool {
        !self.dry && ["create", "update", "patch", "delete", "deletecollection"].contains(&self.verb.as_str())
    }

    /// Whether it made an object of this resource. The trial of one (`dryRun`) is answered 201 as well and makes none.
    pub(crate) fn made(&self, resource: &str) -> bool {
        self.verb == "create" && self.resource == resource && self.code == 201 && !self.dry
    }

    /// Whether it comes from one of our operators.
    pub(crate) fn ours(&self) -> bool {
        self.user.starts_with(&format!("system:serviceaccount:{OPERATORS}:millrace-"))
    }

    /// Whether it is a lease of the leaders, the one thing they write when idle.
    pub(crate) fn lease(&self) -> bool {
        self.resource == "leases"
    }

    /// For people.
    pub(crate) fn line(&self) -> String {
        let who = self.user.rsplit(':').next().unwrap_or_default();
        format!("{} {who} {} {} {}/{} -> {}", self.at, self.verb, self.resource, self.namespace, self.name, self.code)
    }
}

/// A place in the log; each [`Audit::more`] gives what came since the last one.
pub(crate) struct Audit {
    file: PathBuf,
    read: u64,
}

impl Audit {
    /// From now on.
    pub(crate) fn now(stage: &Stage) -> Outcome<Self> {
        let Some(file) = &stage.audit_log else {
            return Err(Failure::new(
                "counting writes needs the API server's audit log",
                "only the local cluster has one",
                "run it without --context",
            ));
        };
        Self::of(file)
    }

    /// From now on, where there is one: a story that has other proof too goes on without.
    pub(crate) fn where_shown(stage: &Stage) -> Outcome<Option<Self>> {
        stage.audit_log.as_deref().map(Self::of).transpose()
    }

    /// From now on, of this file.
    pub(crate) fn of(file: &Path) -> Outcome<Self> {
        let read = file.metadata().map_err(Failure::at("reading", file))?.len();
        Ok(Self { file: file.to_path_buf(), read })
    }

    /// The entries since the last call. Half a line at the end is left for the next one.
    pub(crate) fn more(&mut self) -> Outcome<Vec<Entry>> {
        let mut file = File::open(&self.file).map_err(Failure::at("opening", &self.file))?;
        let long = file.metadata().map_err(Failure::at("reading", &self.file))?.len();
        if long < self.read {
            self.read = 0; // rotated
        }
        file.seek(SeekFrom::Start(self.read)).map_err(Failure::at("reading", &self.file))?;
        let mut reader = BufReader::new(file);
        let mut all = Vec::new();
        let mut line = String::new();
        loop {
            line.clear();
            let count = reader.read_line(&mut line).map_err(Failure::at("reading", &self.file))?;
            if count == 0 || !line.ends_with('\n') {
                return Ok(all);
            }
            self.read += count as u64;
            all.extend(Entry::parse(&line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(uri: &str, code: i64) -> Entry {
        let line = serde_json::json!({
            "verb": "create",
            "requestURI": uri,
            "objectRef": {"resource": "pods", "namespace": "team", "name": "a"},
            "responseStatus": {"code": code},
            "stageTimestamp": "2026-11-27T00:00:00Z",
        });
        Entry::parse(&line.to_string()).unwrap()
    }

    #[test]
    fn a_trial_makes_and_writes_nothing() {
        let pods = "/api/v1/namespaces/team/pods";
        assert!(entry(pods, 201).made("pods"));
        assert!(!entry(pods, 201).made("secrets"));
        assert!(!entry(pods, 403).made("pods"));
        let trial = entry(&format!("{pods}?dryRun=All&fieldManager=m"), 201);
        assert!(!trial.made("pods") && !trial.writes());
    }
}
