//! `reads`, `writes`, and where engines keep something of their own: all that a job needs access to.

use std::collections::BTreeMap;

use millrace_crds::{Access, JobSpec, data_grant::AccessRequest};
use millrace_kit::{
    names,
    refs::{self, DataRef},
};

use super::{engines::flink, findings::Findings, place::Prefix, references::readable};

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
    if let Some((name, prefix)) = spec.flink.as_ref().and_then(|own| flink::place(own, job)) {
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
