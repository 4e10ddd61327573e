//! Another parallelism for a job that runs: what the spec wants beside what Flink was asked for, made equal.
//!
//! Flink does not tell which vertices the program gave a parallelism of their own. Those that did not begin with the
//! attempt's are taken for such; they are stored before anything is asked for.

use std::collections::BTreeMap;

use millrace_crds::{Reason, processing_job::Attempt};

use super::{savepoint, spec};
use crate::{
    engines::flink::layout,
    engines::flink::rest::{FlinkCall, FlinkView, VertexView, rescale_id},
    job::attempt,
    pass::Pass,
};

/// The most vertices that are stored.
const PINNED: usize = 500;

/// Stores which vertices have a parallelism of their own, once Flink tells of them.
pub(crate) fn learn(pass: &mut Pass<'_>, view: &FlinkView) {
    let Some(own) = attempt::live_mut(&mut pass.status).and_then(|a| a.flink.as_mut()) else { return };
    let (Some(began), None) = (own.parallelism, &own.pinned) else { return };
    if view.vertices.is_empty() {
        return;
    }
    let differs = |vertex: &&VertexView| vertex.bounds.1 != began.min(vertex.limit);
    own.pinned = Some(view.vertices.iter().filter(differs).take(PINNED).map(|vertex| vertex.id.clone()).collect());
}

/// The tasks that each vertex shall have at most, by the spec. `None` if the attempt is not one that is rescaled.
fn wanted<'v>(pass: &Pass<'_>, attempt: &Attempt, view: &'v FlinkView) -> Option<Vec<(&'v VertexView, i32)>> {
    let pinned = attempt.flink.as_ref()?.pinned.as_ref()?;
    if attempt.spec_hash.as_ref() != Some(&pass.model.hash) {
        return None;
    }
    let parallelism = spec(pass)?.parallelism;
    let most = |vertex: &VertexView| {
        if pinned.contains(&vertex.id) { vertex.bounds.1 } else { parallelism.min(vertex.limit) }
    };
    Some(view.vertices.iter().map(|vertex| (vertex, most(vertex))).collect())
}

/// What has to be asked of Flink now.
pub(crate) fn call(pass: &Pass<'_>, attempt: &Attempt) -> Option<FlinkCall> {
    // A change of the tasks would spoil the savepoint.
    if attempt.stop_reason.is_some() || savepoint::busy(attempt) {
        return None;
    }
    let seen = &pass.seen.data;
    let wanted = wanted(pass, attempt, seen.flink.as_ref()?)?;
    if wanted.iter().all(|(vertex, most)| vertex.bounds.1 == *most) {
        return None;
    }
    let bounds = wanted.iter().map(|(vertex, most)| (vertex.id.clone(), (vertex.bounds.0.min(*most), *most)));
    Some(FlinkCall::Rescale {
        url: layout::url(seen.workload.as_ref()?)?,
        job: attempt.flink.as_ref()?.job_id.clone(),
        bounds: bounds.collect::<BTreeMap<_, _>>(),
    })
}

/// What is to be told of a job that does not have the tasks the spec wants: a reason and a sentence.
pub(crate) fn behind(pass: &Pass<'_>, attempt: &Attempt, view: &FlinkView) -> Option<(Reason, String)> {
    let wanted = wanted(pass, attempt, view)?;
    let parallelism = spec(pass)?.parallelism;
    if wanted.iter().all(|(vertex, most)| vertex.tasks == *most) {
        return None;
    }
    let id = rescale_id(&attempt.flink.as_ref()?.job_id);
    if let Some(last) = pass.seen.failures.of(&id) {
        let told = format!("Flink does not accept parallelism {parallelism}: {}", last.failure.message);
        return Some((Reason::RescaleRefused, told));
    }
    let told =
        format!("rescaling to parallelism {parallelism}; if it takes long, check capacity and quota for its pods");
    Some((Reason::Rescaling, told))
}
