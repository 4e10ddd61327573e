//! The DataGrants of a job: one for each attempt, and one that outlives them for what is kept.

use kube::ResourceExt;
use millrace_crds::{
    Access, DataGrant, DataGrantSpec, ProcessingJob,
    data_grant::{AccessRequest, Holder},
};
use millrace_kit::{Child, names};

use super::common;
use crate::{job::name, model::Work};

/// The attempt's access to data, as its work asks for it, once what it is restored from is there.
pub(crate) fn build(job: &ProcessingJob, work: &Work, attempt: (&str, i64), from: Option<(String, String)>) -> Child {
    let (base, number) = attempt;
    let mut access = work.access.clone();
    need(&mut access, from);
    let mut grant = DataGrant::new(&name::grant(base), spec(job, work, access));
    grant.metadata.labels = Some(common::labels(job, number));
    Child::of(job, &grant)
}

/// What speaks for the job's state while no attempt does; another place is another grant. `None` if it keeps nothing.
pub(crate) fn keeper(job: &ProcessingJob, work: &Work) -> Option<(String, Child)> {
    let kept = work.access.iter().filter(|asked| asked.protect).cloned();
    let access: Vec<AccessRequest> = kept.map(|asked| AccessRequest { mode: Access::Read, ..asked }).collect();
    if access.is_empty() {
        return None;
    }
    let places: Vec<String> = access.iter().map(|a| format!("{:?} {:?}", a.bucket, a.prefix)).collect();
    let hash = names::hash(&[&work.plane, &places.join("\n")], 8);
    let name = name::grant(&names::child(&job.name_any(), &job.uid().unwrap_or_default(), &["keeps", &hash]));
    let mut grant = DataGrant::new(&name, DataGrantSpec { protect_only: true, ..spec(job, work, access) });
    grant.metadata.labels = Some(common::owner_labels(job));
    Some((name, Child::of(job, &grant)))
}

fn spec(job: &ProcessingJob, work: &Work, access: Vec<AccessRequest>) -> DataGrantSpec {
    DataGrantSpec {
        data_plane: work.plane.clone(),
        holder: Holder { kind: "ProcessingJob".to_owned(), name: job.name_any(), uid: job.uid().unwrap_or_default() },
        access,
        ..DataGrantSpec::default()
    }
}

/// Asks for the key where the job has access to it.
fn need(access: &mut [AccessRequest], from: Option<(String, String)>) {
    let Some((bucket, key)) = from else { return };
    let covers = |asked: &&mut AccessRequest| {
        asked.bucket.as_ref() == Some(&bucket) && key.starts_with(asked.prefix.as_deref().unwrap_or_default())
    };
    if let Some(asked) = access.iter_mut().find(covers) {
        asked.requires = Some(key);
    }
}
