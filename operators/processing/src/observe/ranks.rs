//! The pods of an attempt beside the first, and the Service by which they find each other.

use k8s_openapi::api::core::v1::{Pod, Service};
use kube::ResourceExt;
use millrace_kit::{Failure, Key, Reader};

use super::around::Around;
use crate::{
    job::{attempt, name},
    seen::{Observed, WorkloadView},
};

/// Looks for the pods from rank 1 on: those that were stored must be there or are proved to be gone, the others may be.
pub(super) async fn observe(around: &Around<'_>, seen: &mut Observed) -> Result<(), Failure> {
    let Around { job, attempt, reader, namespace, may_exist, .. } = *around;
    let uid = job.uid().unwrap_or_default();
    let service = reader.child::<Service>(&Key::new(namespace, name::service(&attempt.name)), &uid);
    seen.service = service.and_then(|s| s.uid());
    for rank in 1..attempt::size(attempt) {
        let name = name::rank(&attempt.name, rank);
        let key = Key::new(namespace, &name);
        let stored = attempt.ranks.get(rank - 1).filter(|short| !short.is_empty());
        let pod = match stored {
            Some(short) => same(reader, key, short).await?,
            None if may_exist => reader.owned_or_live::<Pod>(&key, &uid).await?,
            None => None,
        };
        match pod {
            Some(pod) => seen.ranks.push(WorkloadView::of(&pod)),
            None if stored.is_some() => seen.lost_ranks.push(name),
            None => {}
        }
    }
    if attempt.stop_reason.is_some() {
        look_again(reader, namespace, seen).await?;
    }
    Ok(())
}

/// The pod whose uid begins so: from the cache, or by a live GET. `None` proves that it is gone.
async fn same(reader: &Reader, key: Key, short: &str) -> Result<Option<Pod>, Failure> {
    let is = |pod: &Pod| pod.metadata.uid.as_ref().is_some_and(|uid| uid.starts_with(short));
    if let Some(cached) = reader.cached::<Pod>(&key).filter(|pod| is(pod)) {
        return Ok(Some((*cached).clone()));
    }
    Ok(reader.live::<Pod>(&key).await?.filter(is))
}

/// Pods that the cache shows at work while the attempt is being stopped. It may have been judged by a live GET that ran
/// ahead of the cache, and a pod that is over is kept; so what may be deleted is looked at again.
async fn look_again(reader: &Reader, namespace: &str, seen: &mut Observed) -> Result<(), Failure> {
    let working = seen.workload.iter_mut().chain(&mut seen.ranks).filter(|pod| !pod.over() && pod.deleted.is_none());
    for pod in working {
        let there = reader.live::<Pod>(&Key::new(namespace, &pod.name)).await?;
        if let Some(there) = there.filter(|there| there.metadata.uid.as_ref() == Some(&pod.uid)) {
            *pod = WorkloadView::of(&there);
        }
    }
    Ok(())
}
