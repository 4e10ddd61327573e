//! What a ModelVersion's pass sees: its registry, the bucket and the measurement of its source, and its version in the
//! shared snapshot.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt;
use millrace_crds::{DataBucket, DataGrant, ModelRegistry, ModelVersion};
use millrace_kit::{Key, Reader, conditions};
use serde::{Deserialize, Serialize};

use super::{bucket_word, model::Source, number_word};
use crate::{
    mlflow::{Catalogue, MlflowError, Server, Version},
    office::Office,
    pods::{self, PodSeen, Trouble},
    registry::{model, podless, wake_changed},
};

/// See the module.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Observed {
    /// The ModelRegistry, if there is one.
    pub registry: Option<RegistrySeen>,
    /// The DataBucket of the source, if there is one.
    pub source: Option<SourceSeen>,
    /// Our grant to read the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<DataGrant>,
    /// The Job that measures it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
    /// Why that Job has no pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_trouble: Option<Trouble>,
    /// Its pods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<PodSeen>,
    /// Why the server was asked and gave no answer.
    pub error: Option<MlflowError>,
    /// Whether the server gave an answer; nothing below counts otherwise.
    pub asked: bool,
    /// Until when a registration without an answer may still take effect.
    pub on_its_way: Option<Timestamp>,
    /// Our version: by its tag, or proved by its number if the tag is gone.
    pub version: Option<Version>,
    /// The aliases of the model and who holds them.
    pub aliases: BTreeMap<String, Holder>,
}

/// A ModelRegistry, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RegistrySeen {
    /// Whether its server has answered lately.
    pub available: bool,
    /// Its image, by which sources are measured too.
    pub image: String,
    /// When that is pulled.
    pub pull_policy: String,
}

/// A DataBucket, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceSeen {
    /// Name of the DataBucket.
    pub name: String,
    /// Whether it is Ready, that is: verified to be ours.
    pub ready: bool,
    /// The DataPlane it lives on.
    #[serde(default)]
    pub data_plane: String,
}

/// Who holds an alias.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Number of the version.
    pub version: i64,
    /// Whether a ModelVersion stands behind it that lists the alias.
    pub declared: bool,
}

pub(super) async fn observe(office: &Office, version: &ModelVersion, reader: &Reader) -> Observed {
    let namespace = version.namespace().unwrap_or_default();
    let spec = &version.spec;
    let mut seen = Observed::default();
    let uid = version.uid().unwrap_or_default();
    match &version.status {
        Some(status) if status.version.is_some() => office.registered(&uid),
        status => {
            let intent = status.as_ref().is_some_and(|s| s.creating.is_some());
            seen.on_its_way = office.on_its_way(&uid, intent, reader.now());
        }
    }
    if let Ok(source) = Source::parse(&spec.source) {
        let buckets = reader.cache.indexed::<DataBucket>(&bucket_word(&namespace, &source.bucket));
        seen.source = buckets.first().map(|b| SourceSeen {
            name: b.name_any(),
            ready: ready(b),
            data_plane: b.spec.data_plane.clone(),
        });
    }
    measurement(version, reader, &mut seen).await;
    let registry = reader.cached::<ModelRegistry>(&Key::new(&namespace, &spec.registry));
    let Some(registry) = registry.filter(|r| r.metadata.deletion_timestamp.is_none()) else { return seen };
    let status = registry.status.clone().unwrap_or_default();
    let available = conditions::is_true(&status, "ServerAvailable");
    let plan = model::parse(&registry, &office.settings.image).ok();
    let (image, pull_policy) = plan.map(|p| (p.image, p.pull_policy.to_owned())).unwrap_or_default();
    seen.registry = Some(RegistrySeen { available, image, pull_policy });
    if available {
        ask(office, (version, &registry), (reader, &mut seen)).await;
    }
    seen
}

/// The children that measure the source; there are none once that is done.
async fn measurement(version: &ModelVersion, reader: &Reader, seen: &mut Observed) {
    let uid = version.uid().unwrap_or_default();
    seen.grant = reader.cache.owned::<DataGrant>(&uid).first().map(|g| (**g).clone());
    let attempt = version.status.as_ref().and_then(|s| s.measuring).unwrap_or(1);
    let name = super::measure::job_name(version, attempt);
    let jobs = reader.cache.owned::<Job>(&uid);
    // The one under way, or one that is left over.
    let job = jobs.iter().find(|j| j.name_any() == name).or_else(|| jobs.first());
    let Some(job) = job else { return };
    seen.pods = pods::of(reader, &uid).await;
    seen.job_trouble = podless(reader, Some(job), &seen.pods).await;
    seen.job = Some((**job).clone());
}

fn ready(bucket: &DataBucket) -> bool {
    let generation = bucket.metadata.generation.unwrap_or(0);
    bucket.status.as_ref().is_some_and(|s| conditions::is_ready(s, generation))
}

async fn ask(office: &Office, who: (&ModelVersion, &ModelRegistry), out: (&Reader, &mut Observed)) {
    let ((version, registry), (reader, seen)) = (who, out);
    let uid = registry.uid().unwrap_or_default();
    let url = registry.status.as_ref().and_then(|s| s.url.clone()).unwrap_or_default();
    office.meet(Key::of(registry), (uid.clone(), url.clone()));
    let server = match office.server(&uid, &url) {
        Ok(server) => server,
        Err(failure) => {
            seen.error = Some(MlflowError::Denied(failure.message));
            return;
        }
    };
    let (snapshot, changed) = office.views.of(&uid, &server, reader.now()).await;
    let namespace = version.namespace().unwrap_or_default();
    wake_changed(office, reader, (&namespace, &version.spec.registry, &changed));
    let outcome = match snapshot.answer {
        Ok(catalogue) => find(office, (&server, &catalogue), version).await.map(|found| (catalogue, found)),
        Err(error) => Err(error),
    };
    match outcome {
        Ok((catalogue, found)) => {
            seen.asked = true;
            seen.aliases = holders(version, &catalogue, reader);
            seen.version = found;
        }
        Err(error) => seen.error = Some(error),
    }
}

/// Our version in the snapshot; a number we know and do not find there is asked for by itself: that is the proof.
async fn find(
    office: &Office,
    server: (&Server, &Arc<Catalogue>),
    version: &ModelVersion,
) -> Result<Option<Version>, MlflowError> {
    let (server, catalogue) = server;
    let uid = version.uid().unwrap_or_default();
    let model = &version.spec.model;
    let ours = catalogue.versions.get(&uid).into_iter().flatten().find(|v| v.model == *model);
    let status = version.status.as_ref();
    match (ours, status.and_then(|s| s.version)) {
        (Some(found), _) => Ok(Some(found.clone())),
        (None, Some(_)) if status.is_some_and(|s| s.deleted_at.is_some()) => Ok(None),
        (None, Some(number)) => {
            let found = office.mlflow.version(server, model, number).await?;
            // A model deleted and made anew counts from 1 again: the number alone proves nothing.
            let source = status.and_then(|s| s.source.as_ref());
            Ok(found.filter(|v| v.uid().is_empty() && Some(&v.source) == source))
        }
        // Given up: the snapshot may be older than a registration that was on its way.
        (None, None)
            if version.metadata.deletion_timestamp.is_some() && status.is_some_and(|s| s.creating.is_some()) =>
        {
            let there = office.mlflow.find(server, &uid).await?;
            Ok(there.into_iter().find(|v| v.model == *model))
        }
        (None, None) => Ok(None),
    }
}

fn holders(version: &ModelVersion, catalogue: &Catalogue, reader: &Reader) -> BTreeMap<String, Holder> {
    let spec = &version.spec;
    let namespace = version.namespace().unwrap_or_default();
    let declared = |alias: &str, number: i64| {
        let word = number_word(&namespace, (&spec.registry, &spec.model), number);
        let there = reader.cache.indexed::<ModelVersion>(&word);
        there.iter().any(|v| v.metadata.deletion_timestamp.is_none() && v.spec.aliases.iter().any(|a| a == alias))
    };
    let held = catalogue.aliases.get(&spec.model).into_iter().flatten();
    // Only aliases that concern this object, so that others may change without a pass deciding anew.
    let status = version.status.clone().unwrap_or_default();
    let taking = status.taking_aliases.into_iter().map(|t| t.alias);
    let known: Vec<String> = status.aliases.into_iter().chain(taking).collect();
    held.filter(|(alias, _)| spec.aliases.contains(alias) || known.contains(alias))
        .map(|(alias, number)| (alias.clone(), Holder { version: *number, declared: declared(alias, *number) }))
        .collect()
}
