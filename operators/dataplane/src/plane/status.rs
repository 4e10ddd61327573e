//! The conditions of a DataPlane.

use jiff::Timestamp;
use millrace_crds::DataPlaneStatus;
use millrace_kit::conditions;

use super::observe::{KafkaSeen, StoreSeen};
use crate::kafka::{Health, UNREACHABLE};

/// Whether Kafka answers.
pub(super) const KAFKA: &str = "KafkaReachable";
/// Whether the store answers and takes our keys.
pub(super) const STORE: &str = "ObjectStoreReachable";
/// Whether jobs are kept from each other's data.
const ISOLATED: &str = "Isolated";

const NO_ACLS: &str = "Kafka without ACLs isolates nobody: every job that reaches the brokers can use every topic";

/// `known`: the status speaks of the spec as it is.
pub(super) fn kafka(status: &mut DataPlaneStatus, (kafka, known): (&KafkaSeen, bool), now: Timestamp) {
    let KafkaSeen::Some(health) = kafka else {
        conditions::unset(status, KAFKA);
        conditions::unset(status, ISOLATED);
        status.kafka_cluster_id = None;
        status.kafka_brokers = None;
        return;
    };
    conditions::set(status, ISOLATED, ("False", "KafkaWithoutAcls", NO_ACLS), now);
    match health {
        // A process that has just started does not unsay what the one before it saw.
        Health::Connecting if known && conditions::get(status, KAFKA).is_some() => {}
        Health::Connecting => conditions::set(status, KAFKA, ("Unknown", "Connecting", "not asked yet"), now),
        Health::Up { cluster_id, brokers } => {
            conditions::set(status, KAFKA, ("True", "KafkaAnswers", "the brokers answer"), now);
            status.kafka_cluster_id = Some(cluster_id.clone());
            status.kafka_brokers = Some(*brokers);
        }
        Health::Down { since, message } => {
            let message = format!("no broker answers since {since:.0}: {message}");
            conditions::set(status, KAFKA, ("False", UNREACHABLE, &message), now);
        }
    }
}

pub(super) fn store(status: &mut DataPlaneStatus, store: &StoreSeen, now: Timestamp) {
    match store {
        StoreSeen::None => conditions::unset(status, STORE),
        StoreSeen::Up => conditions::set(status, STORE, ("True", "StoreAnswers", "the store answers"), now),
        // An outage answers now this way, now that way: its first words stand, so that it costs one write.
        StoreSeen::Down(failure)
            if conditions::get(status, STORE).is_some_and(|c| c.status == "False" && c.reason == failure.reason) => {}
        StoreSeen::Down(failure) => conditions::set(status, STORE, ("False", &failure.reason, &failure.message), now),
    }
}
