//! Rules of the DataTopic operator broken on purpose, one at a time; the simulated world must tell each from the sound one.

use async_trait::async_trait;
use jiff::Timestamp;
use millrace_crds::{DataTopic, DataTopicStatus, Reason, data_topic::TopicDeletion};
use millrace_dataplane::{
    kafka::{Change, Sight},
    topic::{Observed, Topics},
};
use millrace_kit::{
    Action, Decision, DecisionOf, Failure, Note, Operator, Reader, Seen, Watch, Writer, conditions, sim,
};

use crate::topic_plots::{ORDERS, Plot, with_operator, with_story};

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter)]
#[repr(u8)]
pub(crate) enum Bug {
    /// The finalizer never stands.
    NoHold,
    /// The intent to create is not stored.
    NoIntent,
    /// Deletes whatever has the name.
    DeleteByName,
    /// Takes over a stranger's topic under the policy `Delete`.
    AdoptReplaced,
    /// Forgets the keys listed before.
    ForgetKeys,
    /// Lets go at once when the brokers are away.
    ImpatientDelete,
    /// Never lets go.
    EndlessDelete,
    /// Takes an outage for a change of the topic.
    OutageRewrites,
    /// Takes what another object has.
    IgnoreRivals,
    /// Uses the DataPlane although the namespace may not.
    IgnoreAllowed,
    /// Sees drift and leaves it.
    LeaveDrift,
    /// Takes `Retain` for `Delete`.
    AlwaysDelete,
    /// Takes an unset number of partitions for one.
    DefaultIsWish,
    /// Every pass begins its wait anew.
    EndlessWait,
}

struct Mutant<const BUG: u8>(Topics);

fn edit_observed(bug: u8, seen: &mut Observed, dying: bool) {
    use millrace_dataplane::topic::PlaneSeen;
    if bug == Bug::IgnoreRivals as u8 {
        seen.beaten = false;
    }
    if bug == Bug::IgnoreAllowed as u8
        && let PlaneSeen::Kafka { allowed, .. } = &mut seen.plane
    {
        *allowed = true;
        seen.topic.get_or_insert(Sight::Absent);
    }
    let away = matches!(seen.topic, Some(Sight::Unreachable { .. }));
    if bug == Bug::ImpatientDelete as u8 && away && dying {
        seen.topic = Some(Sight::Absent);
    }
}

#[async_trait]
impl<const BUG: u8> Operator for Mutant<BUG> {
    type Object = DataTopic;
    type Observed = Observed;
    type Effect = Change;
    const NAME: &'static str = Topics::NAME;

    fn watches(&self) -> Vec<Watch> {
        self.0.watches()
    }

    async fn observe(&self, object: &DataTopic, reader: &Reader) -> Result<Observed, Failure> {
        let mut seen = self.0.observe(object, reader).await?;
        edit_observed(BUG, &mut seen, object.metadata.deletion_timestamp.is_some());
        Ok(seen)
    }

    fn decide(object: &DataTopic, seen: &Seen<Observed>, now: Timestamp) -> DecisionOf<Self> {
        let mut object = object.clone();
        let there = match &seen.data.topic {
            Some(Sight::Present(topic)) => Some(topic.id.clone()),
            _ => None,
        };
        if BUG == Bug::AlwaysDelete as u8 {
            object.spec.topic.deletion_policy = Some(TopicDeletion::Delete);
        }
        if BUG == Bug::DefaultIsWish as u8 {
            object.spec.topic.partitions.get_or_insert(1);
        }
        let status = object.status.get_or_insert_default();
        if BUG == Bug::EndlessWait as u8 {
            let started = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now);
            status.conditions.iter_mut().for_each(|c| c.last_transition_time = started.clone());
        }
        let dying = object.metadata.deletion_timestamp.is_some();
        let takes = (BUG == Bug::DeleteByName as u8 && dying) || (BUG == Bug::AdoptReplaced as u8 && !dying);
        if takes && status.topic_id.is_some() && there.is_some() {
            status.topic_id = there;
        }
        if BUG == Bug::EndlessDelete as u8 && dying {
            object.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now));
        }
        let mut decision: Decision<DataTopicStatus, Change> = Topics::decide(&object, seen, now);
        if BUG == Bug::NoHold as u8 {
            decision.hold = false;
        }
        if BUG == Bug::NoIntent as u8 {
            decision.status.creating = None;
        }
        if BUG == Bug::ForgetKeys as u8 {
            decision.status.managed_config_keys.clear();
        }
        if BUG == Bug::OutageRewrites as u8 && matches!(seen.data.topic, Some(Sight::Unreachable { .. })) {
            conditions::set(&mut decision.status, "Ready", ("False", Reason::KafkaUnreachable, "away"), now);
        }
        if BUG == Bug::LeaveDrift as u8 {
            decision.actions.retain(|a| !matches!(a, Action::Effect(Change::Configure { .. })));
        }
        decision
    }

    async fn effect(&self, object: &DataTopic, change: &Change, writer: &Writer) -> Result<(), Failure> {
        self.0.effect(object, change, writer).await
    }

    fn notes(old: &DataTopicStatus, new: &DataTopicStatus) -> Vec<Note> {
        Topics::notes(old, new)
    }
}

fn caught<const BUG: u8>(plot: Plot) -> bool {
    with_story(plot, None, |sound| {
        with_operator(plot, Mutant::<BUG>, None, |mutant| sim::story::caught(sound, mutant, ORDERS))
    })
}

/// Whether the simulated world catches this bug.
pub(crate) fn with_bug(bug: Bug) -> bool {
    match bug {
        Bug::NoHold => caught::<{ Bug::NoHold as u8 }>(Plot::Delete),
        Bug::NoIntent => caught::<{ Bug::NoIntent as u8 }>(Plot::Delete),
        Bug::DeleteByName => caught::<{ Bug::DeleteByName as u8 }>(Plot::ReplacedDelete),
        Bug::AdoptReplaced => caught::<{ Bug::AdoptReplaced as u8 }>(Plot::ReplacedDelete),
        Bug::ForgetKeys => caught::<{ Bug::ForgetKeys as u8 }>(Plot::Change),
        Bug::ImpatientDelete => caught::<{ Bug::ImpatientDelete as u8 }>(Plot::OutageAtDelete),
        Bug::EndlessDelete => caught::<{ Bug::EndlessDelete as u8 }>(Plot::OutageForEver),
        Bug::OutageRewrites => caught::<{ Bug::OutageRewrites as u8 }>(Plot::OutageWhenReady),
        Bug::IgnoreRivals => caught::<{ Bug::IgnoreRivals as u8 }>(Plot::Rivals),
        Bug::IgnoreAllowed => caught::<{ Bug::IgnoreAllowed as u8 }>(Plot::Closed),
        Bug::LeaveDrift => caught::<{ Bug::LeaveDrift as u8 }>(Plot::Drift),
        Bug::AlwaysDelete => caught::<{ Bug::AlwaysDelete as u8 }>(Plot::Retain),
        Bug::DefaultIsWish => caught::<{ Bug::DefaultIsWish as u8 }>(Plot::Unset),
        Bug::EndlessWait => caught::<{ Bug::EndlessWait as u8 }>(Plot::PlaneVeryLate),
    }
}
