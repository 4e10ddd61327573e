//! The DataGrant of one attempt.

use millrace_crds::{DataGrant, DataGrantSpec, ProcessingJob, data_grant::Holder};
use millrace_kit::Child;

use super::parts;
use crate::{engine, model::Work};

/// The attempt's access to data, as its work asks for it.
pub(crate) fn build(job: &ProcessingJob, work: &Work, attempt: (&str, i64)) -> Child {
    let (base, number) = attempt;
    let spec = DataGrantSpec {
        data_plane: work.plane.clone(),
        holder: Holder {
            kind: "ProcessingJob".to_owned(),
            name: job.metadata.name.clone().unwrap_or_default(),
            uid: job.metadata.uid.clone().unwrap_or_default(),
        },
        access: work.access.clone(),
    };
    let mut grant = DataGrant::new(&engine::grant_name(base), spec);
    grant.metadata.labels = Some(parts::labels(job, number));
    Child::of(job, &grant)
}
