//! What is seen of a DataTopic: its DataPlane, its conflicts, and the topic in the broker's view.

use std::collections::BTreeMap;

use millrace_crds::{DataPlane, DataTopic, NamespaceSelector};
use millrace_kit::{Failure, Key, Reader};
use serde::{Deserialize, Serialize};

use super::{conflicts, model};
use crate::{
    connect::Connections,
    kafka::{Freshness, Sight},
    namespaces::labels_of,
};

/// The DataPlane, as far as it concerns a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlaneSeen {
    /// There is none of this name.
    #[default]
    Missing,
    /// It has no Kafka.
    NoKafka,
    /// It has.
    #[serde(rename_all = "camelCase")]
    Kafka {
        /// Put before derived names.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
        /// Whether this namespace may use the DataPlane.
        allowed: bool,
        /// Whether this namespace may give names.
        external_names: bool,
    },
}

/// What is seen of a DataTopic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Its DataPlane.
    pub plane: PlaneSeen,
    /// Another object has the better claim to the same topic.
    #[serde(default)]
    pub beaten: bool,
    /// This process has had the broker create the topic for this object: what stands there now is no find.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub made: bool,
    /// The topic; absent where it was not asked for. Its configuration is cut down to the keys under management.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Sight>,
}

/// Looks; whether this process has made the topic, its caller knows.
pub(super) async fn observe(at: &Connections, object: &DataTopic, reader: &Reader) -> Result<Observed, Failure> {
    let Some(plane) = reader.cached::<DataPlane>(&Key::new("", &object.spec.data_plane)) else {
        return Ok(Observed::default());
    };
    let (Some(broker), Some(kafka)) = (at.broker(&plane), &plane.spec.kafka) else {
        return Ok(Observed { plane: PlaneSeen::NoKafka, ..Observed::default() });
    };
    let namespace = object.metadata.namespace.clone().unwrap_or_default();
    let given = object.spec.topic.external_name.is_some();
    let labels = match (&plane.spec.namespaces, &plane.spec.external_names) {
        (Some(_), _) => labels_of(&namespace, reader).await?,
        (None, Some(_)) if given => labels_of(&namespace, reader).await?,
        _ => BTreeMap::new(),
    };
    let chosen = |selector: &NamespaceSelector| selector.chooses(&labels);
    let allowed = plane.spec.namespaces.as_ref().is_none_or(chosen);
    let external_names = given && plane.spec.external_names.as_ref().is_some_and(chosen);
    let prefix = kafka.topic_prefix.clone().unwrap_or_default();
    let beaten = conflicts::beaten(object, &reader.cache);

    let dying = object.metadata.deletion_timestamp.is_some();
    let usable = allowed && !beaten && (external_names || !given) && model::parse(object, &prefix).is_ok();
    let topic = if dying || usable {
        let name = model::broker_name(object, &prefix);
        let status = object.status.clone().unwrap_or_default();
        let key = Key::of(object);
        // What is to be created, taken over or deleted is asked for now; for the rest the snapshot will do, unless it
        // says that a topic is lost.
        let fresh = if dying || status.topic_id.is_none() { Freshness::Live } else { Freshness::Snapshot };
        let mut sight = broker.look(&name, &key, fresh).await;
        if sight == Sight::Absent && fresh == Freshness::Snapshot {
            sight = broker.look(&name, &key, Freshness::Live).await;
        }
        if let Sight::Present(topic) = &mut sight {
            let listed = &object.spec.topic.config;
            topic.config.retain(|k, _| listed.contains_key(k) || status.managed_config_keys.contains(k));
        }
        Some(sight)
    } else {
        None
    };
    let plane = PlaneSeen::Kafka { prefix, allowed, external_names };
    Ok(Observed { plane, beaten, topic, ..Observed::default() })
}
