//! Rules of the DataTopic operator broken on purpose; the simulated world must tell each from the sound one.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{DataTopic, Reason, data_topic::TopicDeletion};
use millrace_dataplane::{
    kafka::{Change, Sight},
    topic::{Observed, PlaneSeen, Topics},
};
use millrace_kit::{
    Action, DecisionOf, Reader, conditions,
    sim::{Inputs, Seeded, SeededBug, with_bug},
};

use crate::topic_plots::{sound, with};

pub(crate) fn all() -> Vec<Seeded> {
    vec![
        of::<NoHold>(),
        of::<NoIntent>(),
        of::<DeleteByName>(),
        of::<AdoptReplaced>(),
        of::<ForgetKeys>(),
        of::<ImpatientDelete>(),
        of::<EndlessDelete>(),
        of::<OutageRewrites>(),
        of::<IgnoreConflicts>(),
        of::<IgnoreAllowed>(),
        of::<LeaveDrift>(),
        of::<AlwaysDelete>(),
        of::<DefaultIsWish>(),
        of::<EndlessWait>(),
    ]
}

fn of<B: SeededBug<Of = Topics>>() -> Seeded {
    Seeded::of::<B>(sound, with(with_bug::<B>))
}

/// Takes what stands under the name for its own, if `when`.
fn take(object: &mut DataTopic, inputs: &Inputs<'_, Topics>, when: bool) {
    let Some(Sight::Present(topic)) = &inputs.seen.data.topic else { return };
    let status = object.status.get_or_insert_default();
    if when && status.topic_id.is_some() {
        status.topic_id = Some(topic.id.clone());
    }
}

/// A finalizer stands where a topic has to be deleted.
struct NoHold;

impl SeededBug for NoHold {
    type Of = Topics;
    const NAME: &'static str = "never holds";
    const SCENARIO: &'static str = "made, then deleted with the policy Delete";

    fn decision(decision: &mut DecisionOf<Topics>, _: &Inputs<'_, Topics>) {
        decision.hold = false;
    }
}

/// The intent to create is stored.
struct NoIntent;

impl SeededBug for NoIntent {
    type Of = Topics;
    const NAME: &'static str = "stores no intent";
    const SCENARIO: &'static str = "made, then deleted with the policy Delete";

    fn decision(decision: &mut DecisionOf<Topics>, _: &Inputs<'_, Topics>) {
        decision.status.creating = None;
    }
}

/// A topic is deleted by its id.
struct DeleteByName;

impl SeededBug for DeleteByName {
    type Of = Topics;
    const NAME: &'static str = "deletes whatever has the name";
    const SCENARIO: &'static str = "replaced on the broker, under Delete: the stranger's topic stays";

    fn object(object: &mut DataTopic, inputs: &Inputs<'_, Topics>) {
        let is_dying = object.metadata.deletion_timestamp.is_some();
        take(object, inputs, is_dying);
    }
}

/// A topic with another id is a stranger's.
struct AdoptReplaced;

impl SeededBug for AdoptReplaced {
    type Of = Topics;
    const NAME: &'static str = "takes over a stranger's topic";
    const SCENARIO: &'static str = "replaced on the broker, under Delete: the stranger's topic stays";

    fn object(object: &mut DataTopic, inputs: &Inputs<'_, Topics>) {
        let lives = object.metadata.deletion_timestamp.is_none();
        take(object, inputs, lives);
    }
}

/// Keys that were listed before are taken back.
struct ForgetKeys;

impl SeededBug for ForgetKeys {
    type Of = Topics;
    const NAME: &'static str = "forgets the keys listed before";
    const SCENARIO: &'static str = "grown, one key changed, one dropped, one added";

    fn decision(decision: &mut DecisionOf<Topics>, _: &Inputs<'_, Topics>) {
        decision.status.managed_config_keys.clear();
    }
}

/// A deletion waits for brokers that are away.
struct ImpatientDelete;

impl SeededBug for ImpatientDelete {
    type Of = Topics;
    const NAME: &'static str = "lets go at once when the brokers are away";
    const SCENARIO: &'static str = "the object is deleted while the brokers are away, and they come back";

    fn observed(observed: &mut Observed, object: &DataTopic, _: &Reader) {
        let away = matches!(observed.topic, Some(Sight::Unreachable { .. }));
        if away && object.metadata.deletion_timestamp.is_some() {
            observed.topic = Some(Sight::Absent);
        }
    }
}

/// A deletion has a deadline.
struct EndlessDelete;

impl SeededBug for EndlessDelete {
    type Of = Topics;
    const NAME: &'static str = "never lets go";
    const SCENARIO: &'static str = "the brokers stay away: the object is let go";

    fn object(object: &mut DataTopic, inputs: &Inputs<'_, Topics>) {
        if object.metadata.deletion_timestamp.is_some() {
            object.metadata.deletion_timestamp = Some(Time(inputs.now));
        }
    }
}

/// An outage is no change of a topic.
struct OutageRewrites;

impl SeededBug for OutageRewrites {
    type Of = Topics;
    const NAME: &'static str = "takes an outage for a change of the topic";
    const SCENARIO: &'static str = "the brokers are away for a while and nothing is asked of them";

    fn decision(decision: &mut DecisionOf<Topics>, inputs: &Inputs<'_, Topics>) {
        if matches!(inputs.seen.data.topic, Some(Sight::Unreachable { .. })) {
            conditions::set(&mut decision.status, "Ready", ("False", Reason::KafkaUnreachable, "away"), inputs.now);
        }
    }
}

/// A topic belongs to one object.
struct IgnoreConflicts;

impl SeededBug for IgnoreConflicts {
    type Of = Topics;
    const NAME: &'static str = "takes what another object has";
    const SCENARIO: &'static str = "two objects want one topic; the one that has it goes";

    fn observed(observed: &mut Observed, _: &DataTopic, _: &Reader) {
        observed.beaten = false;
    }
}

/// A DataPlane says which namespaces may use it.
struct IgnoreAllowed;

impl SeededBug for IgnoreAllowed {
    type Of = Topics;
    const NAME: &'static str = "uses the DataPlane although the namespace may not";
    const SCENARIO: &'static str = "the namespace may not use the DataPlane, then it may";

    fn observed(observed: &mut Observed, _: &DataTopic, _: &Reader) {
        if let PlaneSeen::Kafka { allowed, .. } = &mut observed.plane {
            *allowed = true;
            observed.topic.get_or_insert(Sight::Absent);
        }
    }
}

/// Drift is put back.
struct LeaveDrift;

impl SeededBug for LeaveDrift {
    type Of = Topics;
    const NAME: &'static str = "sees drift and leaves it";
    const SCENARIO: &'static str = "a listed key and an unlisted one are changed on the broker";

    fn decision(decision: &mut DecisionOf<Topics>, _: &Inputs<'_, Topics>) {
        decision.actions.retain(|a| !matches!(a, Action::Effect(Change::Configure { .. })));
    }
}

/// Retain keeps the topic.
struct AlwaysDelete;

impl SeededBug for AlwaysDelete {
    type Of = Topics;
    const NAME: &'static str = "takes Retain for Delete";
    const SCENARIO: &'static str = "deleted with Retain and applied again: the same topic";

    fn object(object: &mut DataTopic, _: &Inputs<'_, Topics>) {
        object.spec.topic.deletion_policy = Some(TopicDeletion::Delete);
    }
}

/// An unset number of partitions is the broker's choice.
struct DefaultIsWish;

impl SeededBug for DefaultIsWish {
    type Of = Topics;
    const NAME: &'static str = "takes an unset number of partitions for one";
    const SCENARIO: &'static str = "no number of partitions is asked for, and the topic exists";

    fn object(object: &mut DataTopic, _: &Inputs<'_, Topics>) {
        object.spec.topic.partitions.get_or_insert(1);
    }
}

/// A wait has a beginning.
struct EndlessWait;

impl SeededBug for EndlessWait {
    type Of = Topics;
    const NAME: &'static str = "begins its wait anew in every pass";
    const SCENARIO: &'static str = "the DataPlane comes after the topic has given up waiting for it";

    fn object(object: &mut DataTopic, inputs: &Inputs<'_, Topics>) {
        let conditions = &mut object.status.get_or_insert_default().conditions;
        conditions.iter_mut().for_each(|c| c.last_transition_time = Time(inputs.now));
    }
}
