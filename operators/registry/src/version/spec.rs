//! A ModelVersion's spec parsed into what cannot be wrong; all findings at once, each with its field.

use std::collections::BTreeMap;

use kube::ResourceExt;
use millrace_crds::ModelVersion;

use crate::mlflow::{NewVersion, TAG_UID};

/// Tags that begin so are ours.
const OURS: &str = "millrace.dev/";

/// A URI in an object store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// Bucket on the store.
    pub(crate) bucket: String,
    /// Key, never empty.
    pub(crate) path: String,
}

impl Source {
    /// Parses `s3://BUCKET/PATH`; Spark's `s3a://` means the same.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            |why: &str| Err(format!("spec.source: {why}; write s3://BUCKET/PATH, as $(bucket.NAME)/PATH gives it"));
        let Some(rest) = text.strip_prefix("s3://").or_else(|| text.strip_prefix("s3a://")) else {
            return wrong(&format!("{text} is not in a bucket"));
        };
        let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.trim_end_matches('/');
        if bucket.is_empty() || path.is_empty() {
            return wrong(&format!("{text} names no files"));
        }
        if path.split('/').any(|part| part.is_empty() || part == "." || part == "..")
            || text.contains(['?', '#', '%', '\\'])
        {
            return wrong(&format!("{text} is not a plain path"));
        }
        Ok(Self { bucket: bucket.to_owned(), path: path.to_owned() })
    }

    /// As MLflow reads it.
    pub(crate) fn uri(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.path)
    }
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) source: Source,
    pub(crate) new: NewVersion,
    pub(crate) aliases: Vec<String>,
}

/// Parses the spec.
pub(crate) fn parse(version: &ModelVersion) -> Result<Plan, Vec<String>> {
    let spec = &version.spec;
    let mut findings = Vec::new();
    let source = Source::parse(&spec.source).map_err(|why| findings.push(why)).ok();
    let odd = |name: &str| name.contains(['/', ':']) || name.trim() != name || matches!(name, "." | "..");
    if odd(&spec.model) {
        findings.push(format!("spec.model: {} is not a valid MLflow model name; remove / and :", spec.model));
    }
    for alias in &spec.aliases {
        if reserved(alias) {
            findings.push(format!("spec.aliases: {alias} is reserved by MLflow; choose another, such as candidate"));
        }
    }
    for key in spec.tags.keys().filter(|key| key.starts_with(OURS)) {
        findings
            .push(format!("spec.tags: {key} is reserved by Millrace; choose a key that does not start with {OURS}"));
    }
    match source {
        Some(source) if findings.is_empty() => {
            let new = NewVersion {
                model: spec.model.clone(),
                source: source.uri(),
                description: spec.description.clone().unwrap_or_default(),
                run_link: run_link(version),
                tags: tags(version),
            };
            Ok(Plan { source, new, aliases: spec.aliases.clone() })
        }
        _ => Err(findings),
    }
}

/// MLflow keeps `latest` and `v<number>` for itself.
fn reserved(alias: &str) -> bool {
    let number = alias.strip_prefix(['v', 'V']).is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()));
    number || alias.eq_ignore_ascii_case("latest")
}

fn run_link(version: &ModelVersion) -> String {
    let namespace = version.namespace().unwrap_or_default();
    version.spec.run.as_ref().map_or_else(String::new, |run| format!("millrace:{namespace}/{}/{}", run.name, run.step))
}

/// The user's tags, and ours: whose it is and where it came from.
fn tags(version: &ModelVersion) -> BTreeMap<String, String> {
    let mut tags = version.spec.tags.clone();
    let mut ours = |key: &str, value: String| tags.insert(key.to_owned(), value);
    ours(TAG_UID, version.uid().unwrap_or_default());
    ours("millrace.dev/object", format!("{}/{}", version.namespace().unwrap_or_default(), version.name_any()));
    if let Some(run) = &version.spec.run {
        ours("millrace.dev/pipeline", run.pipeline.clone());
        ours("millrace.dev/run", run.name.clone());
        ours("millrace.dev/step", run.step.clone());
    }
    tags
}

#[cfg(test)]
mod tests;
