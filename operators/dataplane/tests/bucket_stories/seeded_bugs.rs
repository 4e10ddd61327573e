//! Seeded bugs, of the kernel and of the operator of DataBuckets.

use std::sync::atomic::{AtomicU32, Ordering};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::DataBucket;
use millrace_dataplane::{
    bucket::{Buckets, Intent, Look, Observed, model},
    store::Store,
};
use millrace_kit::{
    Action, DecisionOf, Env, Failure, Operator, Reader, Writer, async_trait,
    sim::{
        Inputs, Seeded, SeededBug, World,
        faults::{self, KernelBug},
        with_bug,
    },
};

use super::{Plot, operator, sound};
use crate::store_sim::{Open, state};

/// All of them.
pub(crate) fn all() -> Vec<Seeded> {
    let kernel = [
        (Plot::Edit, KernelBug::UnconditionalStatus),
        (Plot::Edit, KernelBug::ActAfterConflict),
        (Plot::Create, KernelBug::ActBeforeStatus),
        (Plot::DeleteEarly, KernelBug::LateFinalizer),
        (Plot::Create, KernelBug::ActBeforeListed),
    ];
    let kernel = kernel.map(|(plot, bug)| {
        Seeded::new(format!("{bug:?}"), <&str>::from(plot), sound, move |env: &Env, world: &World| {
            vec![faults::kernel(bug, operator(env, world), env.reader.clone())]
        })
    });
    let own = [
        of::<DropHold>(),
        of::<ForgetIntent>(),
        of::<RandomName>(),
        of::<AdoptByName>(),
        of::<DeleteByName>(),
        of::<AwayIsAbsent>(),
        of::<ReplaceAllRules>(),
        of::<NeverGiveUp>(),
        of::<ForgetManaged>(),
        of::<IgnoreKept>(),
        of::<EndlessWait>(),
        of::<ReplaceAllTags>(),
        // Shown by a bucket with the tags of another owner too.
        Seeded::new(AdoptByName::NAME, <&str>::from(Plot::ForeignTagged), sound, broken::<AdoptByName>),
    ];
    kernel.into_iter().chain(own).collect()
}

fn broken<B: SeededBug<Of = Buckets>>(env: &Env, world: &World) -> Vec<Box<dyn millrace_kit::Controller>> {
    vec![with_bug::<B>(operator(env, world), env, world)]
}

fn of<B: SeededBug<Of = Buckets>>() -> Seeded {
    Seeded::of::<B>(sound, broken::<B>)
}

/// Makes a bucket look as if it had this object's tags.
fn wear_our_tags(observed: &mut Observed, object: &DataBucket) {
    let model = observed.plane.as_ref().and_then(|plane| model::Model::parse(object, plane).ok());
    if let (Look::There(bucket), Some(model)) = (&mut observed.look, model) {
        bucket.tags = model.tags;
    }
}

/// A finalizer stands where a bucket has to be deleted.
struct DropHold;

impl SeededBug for DropHold {
    type Of = Buckets;
    const NAME: &'static str = "never holds";
    const SCENARIO: &'static str = "deleted with everything in it";

    fn decision(decision: &mut DecisionOf<Buckets>, _: &Inputs<'_, Buckets>) {
        decision.hold = false;
    }
}

/// The intent to create is stored.
struct ForgetIntent;

impl SeededBug for ForgetIntent {
    type Of = Buckets;
    const NAME: &'static str = "stores no intent";
    const SCENARIO: &'static str = "created with versioning and an expiry rule";

    fn decision(decision: &mut DecisionOf<Buckets>, _: &Inputs<'_, Buckets>) {
        decision.status.creating = None;
    }
}

/// The name is the same in every pass.
struct RandomName;

impl SeededBug for RandomName {
    type Of = Buckets;
    const NAME: &'static str = "draws another name in every pass";
    const SCENARIO: &'static str = "created with versioning and an expiry rule";

    fn decision(decision: &mut DecisionOf<Buckets>, _: &Inputs<'_, Buckets>) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        for action in &mut decision.actions {
            if let Action::Effect(Intent::Create { bucket } | Intent::Claim { bucket, .. }) = action {
                *bucket = format!("b{}", COUNT.fetch_add(1, Ordering::Relaxed));
            }
        }
    }
}

/// A bucket is ours by its tags.
struct AdoptByName;

#[async_trait]
impl SeededBug for AdoptByName {
    type Of = Buckets;
    const NAME: &'static str = "takes any bucket of the name for its own";
    const SCENARIO: &'static str = "an untagged bucket of that name is there";

    fn observed(observed: &mut Observed, object: &DataBucket, _: &Reader) {
        wear_our_tags(observed, object);
    }

    async fn effect(
        operator: &Buckets,
        world: &World,
        object: &DataBucket,
        effect: &Intent,
        writer: &Writer,
    ) -> Result<(), Failure> {
        let Intent::Claim { bucket, tags } = effect else { return operator.effect(object, effect, writer).await };
        let store = Open(world.clone()).client();
        let mut all = store.tags(bucket).await?;
        all.extend(tags.clone());
        Ok(store.tag(bucket, &all).await?)
    }
}

/// The tags are looked at before a deletion.
struct DeleteByName;

#[async_trait]
impl SeededBug for DeleteByName {
    type Of = Buckets;
    const NAME: &'static str = "deletes without looking at the tags";
    const SCENARIO: &'static str = "deleted while another cluster has claimed it";

    fn observed(observed: &mut Observed, object: &DataBucket, _: &Reader) {
        wear_our_tags(observed, object);
    }

    async fn effect(
        operator: &Buckets,
        world: &World,
        object: &DataBucket,
        effect: &Intent,
        writer: &Writer,
    ) -> Result<(), Failure> {
        let Intent::Delete { bucket, .. } = effect else { return operator.effect(object, effect, writer).await };
        let store = Open(world.clone()).client();
        while !store.empty(bucket).await? {}
        Ok(store.delete(bucket).await?)
    }
}

/// A store that is away says nothing of its buckets.
struct AwayIsAbsent;

impl SeededBug for AwayIsAbsent {
    type Of = Buckets;
    const NAME: &'static str = "takes a store that is away for an empty one";
    const SCENARIO: &'static str = "the store is away for two minutes once the bucket is ready";

    fn observed(observed: &mut Observed, object: &DataBucket, _: &Reader) {
        let readable = observed.plane.as_ref().is_some_and(|plane| model::Model::parse(object, plane).is_ok());
        if readable && matches!(observed.look, Look::Failed(_)) {
            observed.look = Look::Absent;
        }
    }
}

/// Only managed rules are replaced.
struct ReplaceAllRules;

#[async_trait]
impl SeededBug for ReplaceAllRules {
    type Of = Buckets;
    const NAME: &'static str = "replaces every expiry rule";
    const SCENARIO: &'static str = "changed behind our back once it is ready";

    async fn effect(
        operator: &Buckets,
        world: &World,
        object: &DataBucket,
        effect: &Intent,
        writer: &Writer,
    ) -> Result<(), Failure> {
        let Intent::Expire { bucket, change } = effect else { return operator.effect(object, effect, writer).await };
        if let Some(stored) = state(world).lock().buckets.get_mut(bucket) {
            stored.bucket.expire.clone_from(&change.set);
        }
        Ok(())
    }
}

/// A deletion has a deadline.
struct NeverGiveUp;

impl SeededBug for NeverGiveUp {
    type Of = Buckets;
    const NAME: &'static str = "waits for ever for what cannot be deleted";
    const SCENARIO: &'static str = "the store is away for ever when the object is deleted";

    fn decision(decision: &mut DecisionOf<Buckets>, inputs: &Inputs<'_, Buckets>) {
        if inputs.object.metadata.deletion_timestamp.is_some() {
            decision.hold = true;
        }
    }
}

/// What Millrace has switched on is known.
struct ForgetManaged;

impl SeededBug for ForgetManaged {
    type Of = Buckets;
    const NAME: &'static str = "forgets what it manages";
    const SCENARIO: &'static str = "the spec changes once it is ready";

    fn decision(decision: &mut DecisionOf<Buckets>, _: &Inputs<'_, Buckets>) {
        decision.status.managed_versioning = None;
        decision.status.managed_expire_prefixes.clear();
    }
}

/// What grants protect is not expired.
struct IgnoreKept;

impl SeededBug for IgnoreKept {
    type Of = Buckets;
    const NAME: &'static str = "does not look at what grants protect";
    const SCENARIO: &'static str = "a grant keeps what a rule would delete";

    fn observed(observed: &mut Observed, _: &DataBucket, _: &Reader) {
        observed.kept.clear();
    }
}

/// A wait has a beginning.
struct EndlessWait;

impl SeededBug for EndlessWait {
    type Of = Buckets;
    const NAME: &'static str = "begins its wait anew in every pass";
    const SCENARIO: &'static str = "the DataPlane comes after the bucket has given up waiting for it";

    fn object(object: &mut DataBucket, inputs: &Inputs<'_, Buckets>) {
        let conditions = &mut object.status.get_or_insert_default().conditions;
        conditions.iter_mut().for_each(|c| c.last_transition_time = Time(inputs.now));
    }
}

/// A claim leaves the tags of others.
struct ReplaceAllTags;

#[async_trait]
impl SeededBug for ReplaceAllTags {
    type Of = Buckets;
    const NAME: &'static str = "drops the tags of others";
    const SCENARIO: &'static str = "`externalName`, allowed";

    async fn effect(
        operator: &Buckets,
        world: &World,
        object: &DataBucket,
        effect: &Intent,
        writer: &Writer,
    ) -> Result<(), Failure> {
        let Intent::Claim { bucket, tags } = effect else { return operator.effect(object, effect, writer).await };
        Ok(Open(world.clone()).client().tag(bucket, tags).await?)
    }
}
