//! A dying object with the policy `Delete`: delete the topic whose id is in status, or say why it stays.
//!
//! The finalizer never hangs for ever: [`GIVE_UP_AFTER`] after the deletion was asked for, an object whose broker does not
//! answer, or refuses, is let go, with a Warning event that names what is left.

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::{DataTopic, DataTopicStatus, Reason, data_topic::TopicDeletion};
use millrace_kit::{Action, Decision, Effect, Seen, Standing, conditions, later};

use super::say::TopicDecision;
use crate::{
    kafka::{Change, Sight, Topic},
    topic::{
        Observed, PlaneSeen, model,
        status::{LEFT, WAITS},
    },
};

/// How long a deletion waits for a broker that is away or refuses.
const GIVE_UP_AFTER: Duration = Duration::from_secs(600);

pub(super) fn decide(object: &DataTopic, seen: &Seen<Observed>, now: Timestamp) -> TopicDecision {
    let status = object.status.clone().unwrap_or_default();
    let begun = status.topic_id.is_some() || status.creating.is_some();
    if model::policy(object) != TopicDeletion::Delete || !begun {
        return Decision::of(status);
    }
    match &seen.data.topic {
        Some(Sight::Absent) => Decision::of(status),
        Some(Sight::Present(topic)) => there(object, (status, topic), seen, now),
        Some(Sight::Unreachable { message, .. }) => wait(object, status, message, now),
        Some(Sight::Refused(failure)) => wait(object, status, &failure.message, now),
        None => {
            let plane = &object.spec.data_plane;
            let why = if seen.data.plane == PlaneSeen::Missing { "is gone" } else { "has no Kafka" };
            wait(object, status, &format!("DataPlane {plane} {why}"), now)
        }
    }
}

fn there(object: &DataTopic, what: (DataTopicStatus, &Topic), seen: &Seen<Observed>, now: Timestamp) -> TopicDecision {
    let (mut status, topic) = what;
    let name = status.topic_name.clone().unwrap_or_default();
    // A creation whose outcome we never saw: what stands there now is ours if the name was free before.
    let ours = status.topic_id.is_none() && status.creating.as_ref().is_some_and(|c| c.saw_absent && c.name == name);
    if ours {
        status.topic_id = Some(topic.id.clone());
    }
    if status.topic_id.as_ref() != Some(&topic.id) {
        let message =
            format!("topic {name} was not deleted: its id is {}, not the one this object made or adopted", topic.id);
        return say(status, LEFT, message, now);
    }
    let change = Change::Delete { name: name.clone(), id: topic.id.clone() };
    if let Some(last) = seen.failures.of(&change.id()) {
        let waits = wait(object, status, &last.failure.message, now);
        return if waits.hold { waits.act(Action::Effect(change)) } else { waits };
    }
    if now >= deadline(object, now) {
        return wait(object, status, "the broker still shows it", now);
    }
    let message = format!("topic {name} is being deleted");
    let said = say(status, Reason::Deleting, message, now).act(Action::Effect(change));
    said.hold(true).wake_at(deadline(object, now))
}

/// A deletion has a deadline of its own, so it says how it stands without another.
fn say(mut status: DataTopicStatus, reason: Reason, message: String, now: Timestamp) -> TopicDecision {
    conditions::stand(&mut status, &Standing::progressing(reason, message), now);
    Decision::of(status)
}

fn deadline(object: &DataTopic, now: Timestamp) -> Timestamp {
    let asked = object.metadata.deletion_timestamp.as_ref().map_or(now, |t| t.0);
    later(asked, GIVE_UP_AFTER)
}

/// Keeps the finalizer until the deadline, then lets go.
fn wait(object: &DataTopic, status: DataTopicStatus, why: &str, now: Timestamp) -> TopicDecision {
    let name = status.topic_name.clone().unwrap_or_default();
    let deadline = deadline(object, now);
    if now >= deadline {
        let message = format!(
            "topic {name} was left on the broker: it could not be deleted within {} min: {why}",
            GIVE_UP_AFTER.as_secs() / 60
        );
        return say(status, LEFT, message, now);
    }
    let message = format!(
        "topic {name} cannot be deleted yet: {why}; at {deadline:.0} the finalizer is removed and the topic is kept"
    );
    say(status, WAITS, message, now).hold(true).wake_at(deadline)
}
