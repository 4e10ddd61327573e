//! `reads`, `writes`, and where engines keep something of their own: all that a job needs access to.

use std::collections::BTreeMap;

use millrace_crds::{Access, JobSpec, data_grant::AccessRequest};
use millrace_kit::refs::{self, DataRef};

use super::{findings::Findings, place::Place, references::readable};

/// What is done with a target, and whether it is state that must not expire.
#[derive(Clone, Copy, Default)]
struct Use {
    mode: Access,
    protect: bool,
}

/// What the job reads, writes and keeps in these places, each target once with the stronger mode, in order of name.
pub(crate) fn access(spec: &JobSpec, places: Vec<Place>, findings: &mut Findings) -> Vec<AccessRequest> {
    let mut all: BTreeMap<DataRef, Use> = BTreeMap::new();
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
    for place in places {
        let name = place.at.bucket;
        if let Some(prefix) = place.protected {
            let target = DataRef::Bucket { name: name.clone(), prefix };
            *all.entry(target).or_default() = Use { mode: Access::Write, protect: true };
        }
        all.entry(DataRef::Bucket { name, prefix: place.at.prefix }).or_default().mode = Access::Write;
    }
    all.into_iter().map(|(target, used)| request(target, used)).collect()
}

fn request(target: DataRef, used: Use) -> AccessRequest {
    let Use { mode, protect } = used;
    match target {
        DataRef::Bucket { name, prefix } => {
            let prefix = (!prefix.is_empty()).then_some(prefix);
            AccessRequest { bucket: Some(name), prefix, mode, protect, ..AccessRequest::default() }
        }
        DataRef::Topic { name } => AccessRequest { topic: Some(name), mode, ..AccessRequest::default() },
    }
}
