//! The pods of an attempt beside the first, and the Service by which they find each other.

use k8s_openapi::api::core::v1::{Pod, Service};
use kube::ResourceExt;
use millrace_crds::processing_job::Attempt;
use millrace_kit::{Failure, Key, Reader};

use super::{Observed, look, owned_by, view};
use crate::engine;

/// Looks for the pods from rank 1 on: those that were stored must be there or are proved to be gone, the others may be.
pub(super) async fn observe(
    (attempt, may_exist): (&Attempt, bool),
    (reader, namespace, uid): (&Reader, &str, &str),
    seen: &mut Observed,
) -> Result<(), Failure> {
    let service = reader.cached::<Service>(&Key::new(namespace, engine::service_name(&attempt.name)));
    seen.service = service.filter(|s| owned_by(&**s, uid)).and_then(|s| s.uid());
    for rank in 1..engine::size(attempt) {
        let name = engine::rank_name(&attempt.name, rank);
        let key = Key::new(namespace, &name);
        let stored = attempt.ranks.get(rank - 1).filter(|short| !short.is_empty());
        let pod = match stored {
            Some(short) => same(reader, key, short).await?,
            None if may_exist => look::<Pod>(reader, key, uid).await?,
            None => None,
        };
        match pod {
            Some(pod) => seen.ranks.push(view(&pod)),
            None if stored.is_some() => seen.lost_ranks.push(name),
            None => {}
        }
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
pub(super) async fn look_again((reader, namespace): (&Reader, &str), seen: &mut Observed) -> Result<(), Failure> {
    let working = seen.pod.iter_mut().chain(&mut seen.ranks).filter(|pod| !pod.over() && pod.deleted.is_none());
    for pod in working {
        let there = reader.live::<Pod>(&Key::new(namespace, &pod.name)).await?;
        if let Some(there) = there.filter(|there| there.metadata.uid.as_ref() == Some(&pod.uid)) {
            *pod = view(&there);
        }
    }
    Ok(())
}
