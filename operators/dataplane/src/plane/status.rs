//! The conditions of a DataPlane.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{DataPlaneStatus, Reason, data_plane::Issuer};
use millrace_kit::{Class, LastFailure, conditions};

use super::observe::{KafkaSeen, StoreSeen};
use crate::{
    issuer::{IssuerSeen, Try, whole},
    kafka::{Health, UNREACHABLE},
};

/// Whether Kafka answers.
pub(super) const KAFKA: &str = "KafkaReachable";
/// Whether the store answers and takes our keys.
pub(super) const STORE: &str = "ObjectStoreReachable";
/// Whether the store issues credentials and knows those it has issued.
pub(super) const CREDENTIALS: &str = "CredentialsValid";
/// Reason: what was issued before counts for nothing any more.
pub(super) const ISSUED_AGAIN: Reason = Reason::IssuedAgain;
/// Whether jobs are kept from each other's data.
const ISOLATED: &str = "Isolated";

const NO_ACLS: &str = "without ACLs Kafka isolates nothing: every job that can reach the brokers can use every topic";

/// `known`: the status speaks of the spec as it is.
pub(super) fn kafka(status: &mut DataPlaneStatus, (kafka, known): (&KafkaSeen, bool), now: Timestamp) {
    let KafkaSeen::Some(health) = kafka else {
        conditions::unset(status, KAFKA);
        conditions::unset(status, ISOLATED);
        status.kafka_cluster_id = None;
        status.kafka_brokers = None;
        return;
    };
    conditions::set(status, ISOLATED, ("False", Reason::KafkaWithoutAcls, NO_ACLS), now);
    match health {
        // A process that has just started does not unsay what the one before it saw.
        Health::Connecting if known && conditions::get(status, KAFKA).is_some() => {}
        Health::Connecting => conditions::set(status, KAFKA, ("Unknown", Reason::Connecting, "not asked yet"), now),
        Health::Up { cluster_id, brokers } => {
            conditions::set(status, KAFKA, ("True", Reason::KafkaAnswers, "the brokers answer"), now);
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
        // What was known stands.
        StoreSeen::Doubted if conditions::get(status, STORE).is_some() => {}
        StoreSeen::Doubted => conditions::set(status, STORE, ("Unknown", Reason::Connecting, "no answer yet"), now),
        StoreSeen::Up => conditions::set(status, STORE, ("True", Reason::StoreAnswers, "the store answers"), now),
        // An outage answers now this way, now that way: its first words stand, so that it costs one write.
        StoreSeen::Down(failure)
            if conditions::get(status, STORE).is_some_and(|c| c.status == "False" && *c.reason == *failure.reason) => {}
        StoreSeen::Down(failure) => conditions::set(status, STORE, ("False", &failure.reason, &failure.message), now),
    }
}

/// What is known of the issuer, the last failure to issue, and when the DataPlane was made.
type Issuing<'a> = (&'a IssuerSeen, Option<&'a LastFailure>, Timestamp);

pub(super) fn issuer(status: &mut DataPlaneStatus, (issuer, failed, born): Issuing<'_>, now: Timestamp) {
    let since = |at: Timestamp, keys: &str| Issuer { resource_version: keys.to_owned(), since: Time(whole(at)) };
    match issuer {
        IssuerSeen::None => {
            conditions::unset(status, CREDENTIALS);
            status.issuer = None;
        }
        IssuerSeen::Unknown | IssuerSeen::Due(_) => {}
        // Told already, and no other could be issued yet.
        IssuerSeen::Forgot { issued, .. } if status.issuer.as_ref().is_some_and(|old| *issued < old.since.0) => {}
        IssuerSeen::Forgot { next: Try { keys }, .. } => {
            void(status, "the store had forgotten them", now);
            status.issuer = Some(since(now, keys));
        }
        IssuerSeen::Knows(keys) => match &status.issuer {
            Some(old) if old.resource_version != *keys => {
                void(status, "the Secret that spec.stsSecretRef names was changed", now);
                status.issuer = Some(since(now, keys));
            }
            old => {
                if old.is_none() {
                    status.issuer = Some(since(born, keys));
                }
                if !conditions::is_true(status, CREDENTIALS) {
                    let words = ("True", Reason::IssuerAnswers, "the store knows what it has issued");
                    conditions::set(status, CREDENTIALS, words, now);
                }
            }
        },
    }
    // The first words of a failure stand, as for the store; that no answer came, the store's own condition says.
    let told = |reason: &str| {
        conditions::get(status, CREDENTIALS).is_some_and(|c| c.status == "False" && *c.reason == *reason)
    };
    if let Some(LastFailure { failure, .. }) =
        failed.filter(|last| last.failure.class != Class::Transient && !told(&last.failure.reason))
    {
        let message = format!("no credentials for jobs: {}; see spec.stsSecretRef", failure.message);
        conditions::set(status, CREDENTIALS, ("False", &failure.reason, &message), now);
    }
}

/// Says that what was issued before counts for nothing.
fn void(status: &mut DataPlaneStatus, why: &str, now: Timestamp) {
    let message = format!("credentials issued before the time in status.issuer.since are issued again: {why}");
    conditions::set(status, CREDENTIALS, ("True", ISSUED_AGAIN, &message), now);
}
