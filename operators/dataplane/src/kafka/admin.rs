//! Batched questions and changes to one Kafka cluster, and the one table from Kafka's errors to the kernel's classes.
//!
//! [`Admin`] is what the view needs of a cluster; the real one runs librdkafka's blocking calls off the async threads.
//! Every call has a deadline far below the leader lease's, so that a deposed leader cannot still be changing topics.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use millrace_crds::Reason;
use millrace_kit::{Class, Failure};
use rdkafka::{ClientConfig, types::RDKafkaErrorCode as Code};

use super::{
    Change, Sight, Topic, UNREACHABLE,
    ffi::{Native, Trouble},
};

/// Longest wait for an answer to a question.
const READ: Duration = Duration::from_secs(4);
/// Longest wait for a change.
const WRITE: Duration = Duration::from_secs(8);

/// What the view needs of a Kafka cluster.
#[async_trait]
pub trait Admin: Send + Sync + 'static {
    /// The cluster's id and its number of brokers: the cheapest proof that it answers.
    ///
    /// # Errors
    /// With reason [`UNREACHABLE`] if it does not.
    async fn cluster(&self, within: Duration) -> Result<(String, i32), Failure>;

    /// The topics of these names, distinct and at most 500. Names without an answer are absent
    /// from the map.
    ///
    /// # Errors
    /// The whole question failed.
    async fn describe(&self, names: &[String]) -> Result<BTreeMap<String, Sight>, Failure>;

    /// Performs changes of one kind, each of another topic.
    ///
    /// # Errors
    /// The whole request failed; it may have been applied all the same.
    async fn change(&self, changes: &[Change]) -> Result<BTreeMap<String, Result<(), Failure>>, Failure>;
}

/// The real thing.
pub(super) struct Librdkafka(Arc<Native>);

impl Librdkafka {
    pub(super) fn new(bootstrap_servers: &str) -> Result<Self, Failure> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", bootstrap_servers)
            .set("client.id", "millrace-dataplane")
            // An admin client is a producer to librdkafka: by default asking for a topic would create it.
            .set("allow.auto.create.topics", "false")
            .set("topic.metadata.refresh.interval.ms", "-1")
            .set("enable.metrics.push", "false")
            // Reachability has to be known within 15 s both ways; the defaults give up and come back far later.
            .set("socket.connection.setup.timeout.ms", "4000")
            .set("reconnect.backoff.ms", "100")
            .set("reconnect.backoff.max.ms", "1000")
            .set("broker.address.ttl", "1000")
            .set("socket.keepalive.enable", "true");
        let native = Native::new(&config);
        native.map(|n| Self(Arc::new(n))).map_err(|e| Failure::new(Class::Invalid, Reason::KafkaTrouble, e.to_string()))
    }

    /// Runs a blocking call where it may block.
    async fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Native) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Failure> {
        let native = Arc::clone(&self.0);
        match tokio::task::spawn_blocking(move || call(&native)).await {
            Ok(done) => done.map_err(|t| whole(&t)),
            Err(error) => Err(Failure::new(Class::Internal, Reason::KafkaTrouble, error.to_string())),
        }
    }
}

#[async_trait]
impl Admin for Librdkafka {
    async fn cluster(&self, within: Duration) -> Result<(String, i32), Failure> {
        self.run(move |native| native.cluster(within)).await
    }

    async fn describe(&self, names: &[String]) -> Result<BTreeMap<String, Sight>, Failure> {
        let names = names.to_vec();
        self.run(move |native| describe(native, &names)).await
    }

    async fn change(&self, changes: &[Change]) -> Result<BTreeMap<String, Result<(), Failure>>, Failure> {
        let changes = changes.to_vec();
        self.run(move |native| {
            let proved = proved(native, &changes)?;
            let done = native.change(&proved, WRITE)?;
            let mut answers: BTreeMap<String, Result<(), Failure>> = BTreeMap::new();
            for change in &changes {
                let answer = match done.get(change.name()) {
                    Some(Err(trouble)) => refused(change, trouble),
                    // A deletion whose id did not match was not sent: that topic is not ours, and ours is gone.
                    Some(Ok(())) | None => Ok(()),
                };
                answers.insert(change.name().to_owned(), answer);
            }
            Ok(answers)
        })
        .await
    }
}

/// Leaves out deletions of topics that are gone or have another id: Kafka deletes by name.
fn proved(native: &Native, changes: &[Change]) -> Result<Vec<Change>, Trouble> {
    let deleted = |c: &Change| matches!(c, Change::Delete { .. });
    if !changes.iter().any(deleted) {
        return Ok(changes.to_vec());
    }
    let names: Vec<String> = changes.iter().map(|c| c.name().to_owned()).collect();
    let there = native.topics(&names, READ)?;
    let same = |change: &&Change| match change {
        Change::Delete { name, id } => matches!(there.get(name), Some(Ok(topic)) if topic.id == *id),
        _ => true,
    };
    Ok(changes.iter().filter(same).cloned().collect())
}

fn describe(native: &Native, names: &[String]) -> Result<BTreeMap<String, Sight>, Trouble> {
    let described = native.topics(names, READ)?;
    let present: Vec<String> =
        described.iter().filter(|(_, topic)| topic.is_ok()).map(|(name, _)| name.clone()).collect();
    let mut configs = if present.is_empty() { BTreeMap::new() } else { native.configs(&present, READ)? };
    let mut sights = BTreeMap::new();
    for (name, topic) in described {
        let sight = match (topic, configs.remove(&name)) {
            (Ok(topic), Some(Ok(config))) => Some(Sight::Present(Topic {
                id: topic.id,
                partitions: topic.partitions,
                replication_factor: topic.replication_factor,
                config,
            })),
            (Err(trouble), _) | (Ok(_), Some(Err(trouble))) => unseen(&name, &trouble),
            (Ok(_), None) => None,
        };
        if let Some(sight) = sight {
            sights.insert(name, sight);
        }
    }
    Ok(sights)
}

/// What an error about one topic says of it; `None` if it has to be asked again.
fn unseen(name: &str, trouble: &Trouble) -> Option<Sight> {
    match trouble.code {
        Code::UnknownTopicOrPartition | Code::UnknownTopic => Some(Sight::Absent),
        // A topic of which a partition has no leader yet: just made, or a broker is away.
        Code::LeaderNotAvailable => None,
        _ => Some(Sight::Refused(classified(trouble, &format!("topic {name} cannot be described")))),
    }
}

/// The answer to a change that the broker did not perform.
fn refused(change: &Change, trouble: &Trouble) -> Result<(), Failure> {
    match (change, trouble.code) {
        // Under our own intent, stored before, this is success; so is a deletion of what is gone.
        (Change::Create { .. }, Code::TopicAlreadyExists) | (Change::Delete { .. }, Code::UnknownTopicOrPartition) => {
            Ok(())
        }
        // Kafka counts `.` and `_` as one in its metric names, and refuses two topics that differ only there.
        (Change::Create { name, .. }, Code::InvalidTopic) if trouble.message.contains("collides") => {
            let message = format!(
                "topic {name} collides with an existing topic: Kafka takes . and _ for the same; rename this object"
            );
            Err(Failure::new(Class::Invalid, Reason::NameTaken, message))
        }
        _ => {
            let what = match change {
                Change::Create { name, .. } => format!("topic {name} cannot be created"),
                Change::Grow { name, partitions } => format!("topic {name} cannot grow to {partitions} partitions"),
                Change::Configure { name, .. } => format!("topic {name} cannot be configured"),
                Change::Delete { name, .. } => format!("topic {name} cannot be deleted"),
            };
            Err(classified(trouble, &what))
        }
    }
}

/// The failure of a whole call.
fn whole(trouble: &Trouble) -> Failure {
    classified(trouble, "Kafka did not do as asked")
}

/// The one table.
fn classified(trouble: &Trouble, what: &str) -> Failure {
    let (class, reason) = match trouble.code {
        Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::OperationTimedOut
        | Code::Resolve
        | Code::RequestTimedOut
        | Code::BrokerNotAvailable
        | Code::NetworkException
        | Code::NotController => (Class::Transient, UNREACHABLE),
        Code::TopicAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::SaslAuthenticationFailed
        | Code::Authentication => (Class::Forbidden, Reason::KafkaDenied),
        Code::InvalidTopic
        | Code::InvalidPartitions
        | Code::InvalidReplicationFactor
        | Code::InvalidConfig
        | Code::PolicyViolation
        | Code::InvalidArgument => (Class::Invalid, Reason::KafkaRefused),
        Code::InvalidRequest => (Class::Invalid, Reason::KafkaRefused),
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::LeaderNotAvailable => {
            (Class::Waiting, Reason::TopicNotSettled)
        }
        _ => (Class::Transient, Reason::KafkaTrouble),
    };
    let words = if trouble.message.is_empty() { trouble.code.to_string() } else { trouble.message.clone() };
    Failure::new(class, reason, format!("{what}: {words}"))
}

/// Stands for a cluster whose client could not be made.
pub(super) struct Broken(pub(super) Failure);

#[async_trait]
impl Admin for Broken {
    async fn cluster(&self, _: Duration) -> Result<(String, i32), Failure> {
        Err(self.0.clone())
    }

    async fn describe(&self, _: &[String]) -> Result<BTreeMap<String, Sight>, Failure> {
        Err(self.0.clone())
    }

    async fn change(&self, _: &[Change]) -> Result<BTreeMap<String, Result<(), Failure>>, Failure> {
        Err(self.0.clone())
    }
}
