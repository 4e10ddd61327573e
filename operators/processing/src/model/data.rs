//! `reads`, `writes` and the references to them.

use std::collections::{BTreeMap, BTreeSet};

use millrace_crds::{Access, JobSpec, data_grant::AccessRequest};
use millrace_kit::{
    names,
    refs::{self, DataRef, Head},
};

use super::{Findings, engines};

/// A part of a bucket that an engine keeps something of its own in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    /// Name of the bucket, as the user knows it.
    pub bucket: String,
    /// Empty, or ends with a slash.
    pub prefix: String,
}

impl Prefix {
    /// A place for this job alone, where a whole bucket was named: two jobs in one would read each other's progress.
    pub(super) fn or_of(mut self, job: &str) -> Self {
        if self.prefix.is_empty() {
            self.prefix = format!("spark/{job}/");
        }
        self
    }

    /// Reads `bucket/NAME[/prefix]`; the slash at the end need not be written.
    pub(super) fn of(text: &str) -> Option<Self> {
        match DataRef::parse(refs::plain(text).trim_end_matches('/')) {
            Ok(DataRef::Bucket { name, prefix }) if prefix.is_empty() => Some(Self { bucket: name, prefix }),
            Ok(DataRef::Bucket { name, prefix }) => Some(Self { bucket: name, prefix: format!("{prefix}/") }),
            _ => None,
        }
    }
}

/// The field that says where a streaming Spark application keeps its progress.
const CHECKPOINT: &str = "spark.checkpoint";

/// The field that says where Spark writes its event log: nothing is read back from it, so it may expire.
const EVENT_LOG: &str = "spark.eventLog";

/// What is done with a target, and whether it is state that must not expire.
#[derive(Clone, Copy, Default)]
struct Use {
    mode: Access,
    keep: bool,
}

/// What the job of this name reads, writes and keeps, each target once with the stronger mode, in order of name.
pub(super) fn access(spec: &JobSpec, job: &str, findings: &mut Findings) -> Vec<AccessRequest> {
    let mut all: BTreeMap<DataRef, Use> = BTreeMap::new();
    if let Some((name, prefix)) = spec.flink.as_ref().and_then(|own| engines::flink::place(own, job)) {
        if let Some(problem) = refs::unsound(&prefix) {
            findings.note("flink.state.bucket", problem);
        }
        all.insert(DataRef::Bucket { name, prefix }, Use { mode: Access::Write, keep: true });
    }
    for (field, list, mode) in [("reads", &spec.reads, Access::Read), ("writes", &spec.writes, Access::Write)] {
        for (at, text) in list.iter().enumerate() {
            let field = format!("{field}[{at}]");
            readable(&field, text, findings);
            match DataRef::parse(&refs::plain(text)) {
                Ok(target) => {
                    let slot = &mut all.entry(target).or_default().mode;
                    *slot = (*slot).max(mode);
                }
                Err(bad) => findings.note(&field, bad.to_string()),
            }
        }
    }
    for (field, text) in kept(spec) {
        readable(field, text, findings);
        match Prefix::of(text).map(|own| if field == CHECKPOINT { own.or_of(job) } else { own }) {
            Some(Prefix { bucket: name, prefix }) => {
                if field != EVENT_LOG {
                    let prefix = if prefix.is_empty() { runs(job) } else { prefix.clone() };
                    let target = DataRef::Bucket { name: name.clone(), prefix };
                    *all.entry(target).or_default() = Use { mode: Access::Write, keep: true };
                }
                all.entry(DataRef::Bucket { name, prefix }).or_default().mode = Access::Write;
            }
            None => findings.note(field, format!("{text}: write bucket/NAME or bucket/NAME/prefix")),
        }
    }
    all.into_iter().map(|(target, used)| request(target, used)).collect()
}

/// What the places of all of a container's runs begin with, where it was given a whole bucket.
fn runs(job: &str) -> String {
    let run = names::child(job, "", &[]);
    run.rsplit_once('-').map_or_else(String::new, |(stem, _)| format!("{stem}-"))
}

/// Where engines keep something of their own, with the fields that say so.
fn kept(spec: &JobSpec) -> impl Iterator<Item = (&'static str, &str)> {
    let (container, spark) = (spec.container.as_ref(), spec.spark.as_ref());
    let fields = [
        ("container.checkpoint", container.and_then(|c| c.checkpoint.as_deref())),
        (CHECKPOINT, spark.and_then(|s| s.checkpoint.as_deref())),
        (EVENT_LOG, spark.and_then(|s| s.event_log.as_deref())),
    ];
    fields.into_iter().filter_map(|(field, text)| Some((field, text?)))
}

fn readable(field: &str, text: &str, findings: &mut Findings) {
    match refs::find(text) {
        Ok(found) => {
            for reference in found {
                findings.note(field, unresolved(&reference));
            }
        }
        Err(bad) => findings.note(field, bad.to_string()),
    }
}

fn request(target: DataRef, used: Use) -> AccessRequest {
    let Use { mode, keep } = used;
    match target {
        DataRef::Bucket { name, prefix } => {
            let prefix = (!prefix.is_empty()).then_some(prefix);
            AccessRequest { bucket: Some(name), prefix, mode, keep, ..AccessRequest::default() }
        }
        DataRef::Topic { name } => AccessRequest { topic: Some(name), mode, ..AccessRequest::default() },
    }
}

/// The buckets and topics that may be named in strings.
pub(super) struct Names {
    buckets: BTreeSet<String>,
    topics: BTreeSet<String>,
}

impl Names {
    pub(super) fn of(access: &[AccessRequest]) -> Self {
        Self {
            buckets: access.iter().filter_map(|a| a.bucket.clone()).collect(),
            topics: access.iter().filter_map(|a| a.topic.clone()).collect(),
        }
    }

    /// Every reference in `text` must name something the job reads or writes.
    pub(super) fn check(&self, field: &str, text: &str, findings: &mut Findings) {
        let found = match refs::find(text) {
            Ok(found) => found,
            Err(bad) => return findings.note(field, bad.to_string()),
        };
        for reference in found {
            let (known, what) = match reference.head {
                Head::Bucket => (&self.buckets, "bucket"),
                Head::Topic => (&self.topics, "topic"),
                _ => {
                    findings.note(field, unresolved(&reference));
                    continue;
                }
            };
            match reference.path.as_slice() {
                [name] if known.contains(name) => {}
                [name] => findings.note(field, format!("{reference}: add {what}/{name} to reads or writes")),
                _ => findings.note(field, format!("{reference}: write $({what}.NAME)")),
            }
        }
    }
}

fn unresolved(reference: &refs::Reference) -> String {
    let head = reference.head;
    match head {
        Head::Bucket | Head::Topic => format!("{reference} has no value here; write the name itself"),
        _ => format!(
            "{reference} has a value only in a step of an MLPipeline; write the value, or $$({head}… for the text"
        ),
    }
}

/// Whether a Secret's name has the form of those a DataGrant fills: `NAME-xxxxxxxx-data` with eight letters of the
/// alphabet derived names are spelled in.
pub(super) fn looks_like_grant(name: &str) -> bool {
    let hash = name.strip_suffix("-data").and_then(|base| base.rsplit_once('-')).map(|(_, hash)| hash);
    hash.is_some_and(|h| h.len() == 8 && h.chars().all(|c| "bcdfghjkmnpqrstv".contains(c)))
}
