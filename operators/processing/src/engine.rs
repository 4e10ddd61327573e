//! How an attempt lives: all that differs between engines from its begin to its end. Beside it stands what a spec says
//! ([`crate::model::section`]).
//!
//! An engine is chosen once, by the spec, and stored with the attempt. What an attempt runs is its workload: a pod, or
//! an object that makes pods.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use millrace_crds::{
    ProcessingJobStatus,
    processing_job::{Attempt, StopReason},
};
use millrace_kit::{Action, Child, Failure, Key, Kind, Object, Reader, Watch, access::Access, async_trait};

use crate::{
    build::BuildContext,
    diagnosis,
    engines::flink::rest::FlinkCall,
    job::{
        name::{self, Account},
        outcome::{Obstacle, Outcome, Trouble},
    },
    model::section::SectionParser,
    pass::Pass,
    seen::{ChildView, Observed, WorkloadView},
};

/// What is asked of an engine itself, beside the Kubernetes API; only Flink can be asked for anything.
pub(crate) type EngineCall = FlinkCall;

/// Bucket and key of something in a bucket.
pub(crate) type BucketKey = (String, String);

/// Whether an object of this kind and name is of another attempt than the live one.
pub(crate) type Others<'a> = dyn Fn(&str, &str) -> bool + Sync + 'a;

/// The workloads of this kind that other attempts left. An attempt may have been judged by a live GET that ran ahead of
/// the cache, and a workload that is over is kept; so what the cache still shows at work is looked at again.
///
/// # Errors
/// The API server gave no answer.
pub(crate) async fn left<K: Object>(
    reader: &Reader,
    owner: &str,
    others: &Others<'_>,
    over: fn(&K) -> bool,
) -> Result<Vec<ChildView>, Failure> {
    let kind = Kind::of::<K>().kind;
    let mut all = Vec::new();
    for cached in reader.cache.owned::<K>(owner) {
        let key = Key::of(&*cached);
        if !others(&kind, &key.name) {
            continue;
        }
        if over(&cached) {
            all.push(ChildView::of(&kind, &*cached, true));
            continue;
        }
        let there = reader.live::<K>(&key).await?.filter(|there| there.meta().uid == cached.meta().uid);
        all.extend(there.map(|there| ChildView::of(&kind, &there, over(&there))));
    }
    Ok(all)
}

/// One engine. What it does not say is as for a pod whose end is the attempt's.
#[async_trait]
pub(crate) trait Engine: SectionParser + Sync {
    /// Whether it made this attempt, which stores no engine: an older Millrace did not.
    fn began(&self, attempt: &Attempt) -> bool;

    /// The objects of an attempt that are not there yet, in order of creation, the workload last.
    fn objects(&self, context: &BuildContext<'_>) -> Vec<Child>;

    /// One of the pods that the application asks for itself, as it would ask for it, without a name.
    fn worker(&self, _: &BuildContext<'_>) -> Option<Pod> {
        None
    }

    /// The account its pods run under, if they need one.
    fn account(&self) -> Option<&'static Account> {
        None
    }

    /// Name of an attempt's ConfigMap.
    fn config(&self, attempt: &str) -> String {
        name::config(attempt)
    }

    /// Every right that its workloads and objects need beside those that all engines share.
    fn access(&self) -> &'static [Access] {
        &[]
    }

    /// What is watched for it beside pods.
    fn watches(&self) -> Vec<Watch> {
        Vec::new()
    }

    /// The kind of its workload.
    fn workload_kind(&self) -> Kind {
        Kind::of::<Pod>()
    }

    /// The workload of this name that the job of `owner` owns. Where `stored` is a uid, only the one with that uid, and
    /// `None` proves that it is gone.
    ///
    /// # Errors
    /// The API server gave no answer.
    async fn workload(
        &self,
        reader: &Reader,
        key: &Key,
        owner: &str,
        stored: Option<&str>,
    ) -> Result<Option<WorkloadView>, Failure> {
        Ok(match stored {
            Some(uid) => reader.proved::<Pod>(key, uid).await?.map(|pod| WorkloadView::of(&pod)),
            None => reader.owned_or_live::<Pod>(key, owner).await?.map(|pod| WorkloadView::of(&pod)),
        })
    }

    /// Workloads of this owner that are no pods, of other attempts than the live one; see [`left`].
    ///
    /// # Errors
    /// The API server gave no answer.
    async fn left(&self, _: &Reader, _owner: &str, _: &Others<'_>) -> Result<Vec<ChildView>, Failure> {
        Ok(Vec::new())
    }

    /// The engine's own page, once the workload has an address.
    fn url(&self, _: &WorkloadView) -> Option<String> {
        None
    }

    /// Whether a running application has a health of its own, which its condition Healthy tells.
    fn has_health(&self) -> bool {
        false
    }

    /// Whether the workload asks for other pods itself.
    fn asks_for_workers(&self) -> bool {
        false
    }

    /// Whether the application itself says that it has all the pods it wants.
    fn has_all_workers(&self, _: &Observed) -> bool {
        false
    }

    /// Whether the last attempt, which is over, holds up the next one.
    fn holds_up_the_next(&self, _: &mut Pass<'_>) -> bool {
        false
    }

    /// Adds what it stores itself to an attempt that is about to be stored.
    ///
    /// # Errors
    /// Why the attempt may not begin.
    fn begin(&self, _: &mut Pass<'_>, _attempt: &mut Attempt) -> Result<(), Trouble> {
        Ok(())
    }

    /// The same for an attempt that is only tried, as a dry run.
    fn begin_dry_run(&self, _attempt: &mut Attempt) {}

    /// The file that a new spec starts from and that must be there before a running attempt makes room for it.
    fn starts_from(&self, _: &Pass<'_>) -> Option<BucketKey> {
        None
    }

    /// The file that must be there before this attempt's workload is made.
    fn needs(&self, _: &Attempt, _: &Observed) -> Option<BucketKey> {
        None
    }

    /// Takes over what the last look has brought; asked first in every pass.
    fn hear(&self, _: &mut Pass<'_>) {}

    /// Whether the application does its work, where its pods do not tell.
    fn runs(&self, _: &Pass<'_>) -> Option<bool> {
        None
    }

    /// What an application whose pods run waits for before it does its work.
    fn waits_for(&self, _: &Pass<'_>) -> Option<Obstacle> {
        None
    }

    /// How often it is looked at while something is about to happen.
    fn pace(&self, _: &Observed) -> Option<Duration> {
        None
    }

    /// How the application ended by one of its workloads, if it did.
    fn outcome(&self, workload: &WorkloadView, _: &Pass<'_>) -> Option<Outcome> {
        diagnosis::outcome(workload)
    }

    /// How the application says itself that it ended.
    fn told(&self, _: &Observed) -> Option<Outcome> {
        None
    }

    /// Whether a workload whose application has ended has nothing left to do, so that nothing has to be stopped before
    /// the end is recorded.
    fn ends_at_once(&self) -> bool {
        false
    }

    /// Looks after an attempt that runs; why it must stop, if it must.
    fn tend(&self, _: &mut Pass<'_>) -> Option<StopReason> {
        None
    }

    /// Prepares a stop that was asked for.
    fn prepare_stop(&self, _: &mut Pass<'_>, _: StopReason) {}

    /// Goes on with a stop that was prepared.
    fn tend_stop(&self, _: &mut Pass<'_>, _: &Attempt) {}

    /// Until when a workload that is being stopped must be left alone; `None` if it need not.
    fn stops_until(&self, _: &Pass<'_>, _: &Attempt) -> Option<Timestamp> {
        None
    }

    /// Whether a stop has gone so far that what comes after is no end of the application's own.
    fn stopped_half_way(&self, _: &Attempt) -> bool {
        false
    }

    /// The end of an attempt that was stopped for a reason of the engine's own.
    fn stopped_for(&self, _: StopReason) -> Option<Outcome> {
        None
    }

    /// How many grace periods a stop takes: one for each thing that has to be waited for.
    fn stop_periods(&self) -> u32 {
        1
    }

    /// Stores what the attempt that ends so leaves to the next one.
    fn settle(&self, _: &mut Pass<'_>, _: &Attempt, _: &Outcome) {}

    /// What has to be asked of the application now.
    fn call(&self, _: &Pass<'_>, _: &Attempt) -> Option<EngineCall> {
        None
    }

    /// Deletes what earlier attempts left and nobody owns.
    fn clean(&self, _: &mut Pass<'_>) -> Vec<Action<EngineCall>> {
        Vec::new()
    }

    /// Whether something of the job has to be undone before it may be forgotten.
    fn holds(&self, _: &ProcessingJobStatus) -> bool {
        false
    }
}
