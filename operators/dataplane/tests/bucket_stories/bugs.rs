//! Seeded bugs of the operator itself, as wrappers around the sound one.

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use millrace_crds::{DataBucket, DataBucketStatus};
use millrace_dataplane::{
    bucket::{Buckets, Intent, Look, Observed, model},
    store::Store,
};
use millrace_kit::{
    Action, Controller, DecisionOf, Env, Failure, Kernel, Note, Operator, Reader, Seen, Watch, Writer, async_trait,
    sim::{World, faults::KernelBug},
};

use super::Plot;
use crate::store_sim::{Open, state};

/// A rule of the operator that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    None,
    /// No finalizer although the bucket has to be deleted.
    DropHold,
    /// The creation's intent is not stored.
    ForgetIntent,
    /// A name that differs from pass to pass.
    RandomName,
    /// Any bucket of the right name is taken for its own.
    AdoptByName,
    /// Deletes without looking at the tags.
    DeleteByName,
    /// A store that is away is taken to have no buckets.
    AwayIsAbsent,
    /// Every expiry rule is replaced, not only the managed ones.
    ReplaceAllRules,
    /// Waits for ever for what cannot be deleted.
    NeverGiveUp,
    /// Drops versioning that others have switched on.
    ForgetManaged,
    /// What grants keep is not looked at.
    IgnoreKept,
    /// Every pass begins its wait anew.
    EndlessWait,
    /// A claim drops the tags of others.
    ReplaceAllTags,
}

/// Every bug with the plot that brings it to light.
pub(crate) fn mutants() -> Vec<(Plot, Option<KernelBug>, Bug)> {
    let kernel = [
        (Plot::Edit, KernelBug::UnconditionalStatus),
        (Plot::Edit, KernelBug::ActAfterConflict),
        (Plot::Create, KernelBug::ActBeforeStatus),
        (Plot::DeleteEarly, KernelBug::LateFinalizer),
        (Plot::Create, KernelBug::ActBeforeListed),
    ];
    let own = [
        (Plot::DeleteAll, Bug::DropHold),
        (Plot::Create, Bug::ForgetIntent),
        (Plot::Create, Bug::RandomName),
        (Plot::Foreign, Bug::AdoptByName),
        (Plot::ForeignTagged, Bug::AdoptByName),
        (Plot::ClaimedThenDeleted, Bug::DeleteByName),
        (Plot::AwayWhileReady, Bug::AwayIsAbsent),
        (Plot::Drift, Bug::ReplaceAllRules),
        (Plot::AwayAtDeletion, Bug::NeverGiveUp),
        (Plot::Change, Bug::ForgetManaged),
        (Plot::Kept, Bug::IgnoreKept),
        (Plot::PlaneVeryLate, Bug::EndlessWait),
        (Plot::External, Bug::ReplaceAllTags),
    ];
    let kernel = kernel.into_iter().map(|(plot, mutation)| (plot, Some(mutation), Bug::None));
    kernel.chain(own.into_iter().map(|(plot, bug)| (plot, None, bug))).collect()
}

/// The controller with the bug.
pub(crate) fn mutant(bug: Bug, of: (Buckets, &World), env: &Env) -> Box<dyn Controller> {
    let (inner, world) = of;
    let world = world.clone();
    let reader = env.reader.clone();
    match bug {
        Bug::None => Box::new(Kernel::new(inner, reader)),
        Bug::DropHold => Box::new(Kernel::new(Mutant::<1> { inner, world }, reader)),
        Bug::ForgetIntent => Box::new(Kernel::new(Mutant::<2> { inner, world }, reader)),
        Bug::RandomName => Box::new(Kernel::new(Mutant::<3> { inner, world }, reader)),
        Bug::AdoptByName => Box::new(Kernel::new(Mutant::<4> { inner, world }, reader)),
        Bug::DeleteByName => Box::new(Kernel::new(Mutant::<5> { inner, world }, reader)),
        Bug::AwayIsAbsent => Box::new(Kernel::new(Mutant::<6> { inner, world }, reader)),
        Bug::ReplaceAllRules => Box::new(Kernel::new(Mutant::<7> { inner, world }, reader)),
        Bug::NeverGiveUp => Box::new(Kernel::new(Mutant::<8> { inner, world }, reader)),
        Bug::ForgetManaged => Box::new(Kernel::new(Mutant::<9> { inner, world }, reader)),
        Bug::IgnoreKept => Box::new(Kernel::new(Mutant::<10> { inner, world }, reader)),
        Bug::EndlessWait => Box::new(Kernel::new(Mutant::<11> { inner, world }, reader)),
        Bug::ReplaceAllTags => Box::new(Kernel::new(Mutant::<12> { inner, world }, reader)),
    }
}

/// `decide` has no receiver, so the bug is a number in the type.
struct Mutant<const BUG: u8> {
    inner: Buckets,
    world: World,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl<const BUG: u8> Mutant<BUG> {
    fn blind(object: &DataBucket, seen: &mut Observed) {
        if BUG == 10 {
            seen.kept.clear();
        }
        let want = seen.plane.as_ref().and_then(|plane| model::Model::parse(object, plane).ok());
        match (&mut seen.look, want) {
            (Look::There(bucket), Some(model)) if matches!(BUG, 4 | 5) => bucket.tags = model.tags,
            (look @ Look::Failed(_), _) if BUG == 6 => *look = Look::Absent,
            _ => {}
        }
    }

    fn spoil(decision: &mut DecisionOf<Buckets>, dying: bool) {
        match BUG {
            1 => decision.hold = false,
            2 => decision.status.creating = None,
            3 => {
                for action in &mut decision.actions {
                    if let Action::Effect(Intent::Create { bucket } | Intent::Claim { bucket, .. }) = action {
                        *bucket = format!("b{}", COUNT.fetch_add(1, Ordering::Relaxed));
                    }
                }
            }
            8 if dying => decision.hold = true,
            9 => {
                decision.status.managed_versioning = None;
                decision.status.managed_expire_prefixes.clear();
            }
            _ => {}
        }
    }
}

#[async_trait]
impl<const BUG: u8> Operator for Mutant<BUG> {
    type Object = DataBucket;
    type Observed = Observed;
    type Effect = Intent;
    const NAME: &'static str = "databucket";

    fn watches(&self) -> Vec<Watch> {
        self.inner.watches()
    }

    async fn observe(&self, object: &DataBucket, reader: &Reader) -> Result<Observed, Failure> {
        let mut seen = self.inner.observe(object, reader).await?;
        Self::blind(object, &mut seen);
        Ok(seen)
    }

    fn decide(object: &DataBucket, seen: &Seen<Observed>, now: Timestamp) -> DecisionOf<Self> {
        let mut object = object.clone();
        if BUG == 11 {
            let started = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now);
            let conditions = &mut object.status.get_or_insert_default().conditions;
            conditions.iter_mut().for_each(|c| c.last_transition_time = started.clone());
        }
        let object = &object;
        let mut decision = Buckets::decide(object, seen, now);
        Self::spoil(&mut decision, object.metadata.deletion_timestamp.is_some());
        decision
    }

    async fn effect(&self, object: &DataBucket, intent: &Intent, writer: &Writer) -> Result<(), Failure> {
        match intent {
            Intent::Claim { bucket, tags } if BUG == 4 => {
                let store = Open(self.world.clone()).client();
                let mut all = store.tags(bucket).await?;
                all.extend(tags.clone());
                Ok(store.tag(bucket, &all).await?)
            }
            Intent::Claim { bucket, tags } if BUG == 12 => {
                Ok(Open(self.world.clone()).client().tag(bucket, tags).await?)
            }
            Intent::Delete { bucket, .. } if BUG == 5 => {
                let store = Open(self.world.clone()).client();
                while !store.empty(bucket).await? {}
                Ok(store.delete(bucket).await?)
            }
            Intent::Expire { bucket, change } if BUG == 7 => {
                if let Some(stored) = state(&self.world).lock().buckets.get_mut(bucket) {
                    stored.bucket.expire.clone_from(&change.set);
                }
                Ok(())
            }
            _ => self.inner.effect(object, intent, writer).await,
        }
    }

    fn notes(old: &DataBucketStatus, new: &DataBucketStatus) -> Vec<Note> {
        Buckets::notes(old, new)
    }
}
