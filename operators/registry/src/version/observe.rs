//! Reads what a ModelVersion's pass sees: its registry, the bucket and the measurement of its source, and its version in the
//! shared snapshot.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt;
use millrace_crds::{DataBucket, DataGrant, ModelRegistry, ModelVersion};
use millrace_kit::{Key, Reader, conditions};

use super::{
    seen::{Holder, Observed, RegistryView, ServerRef, SourceView},
    spec::Source,
};
use crate::{
    children::measure::job_name,
    context::Context,
    index,
    mlflow::{Catalogue, MlflowError, Server, Version},
    pods,
    registry::spec,
};

pub(super) async fn observe(context: &Context, version: &ModelVersion, reader: &Reader) -> Observed {
    let namespace = version.namespace().unwrap_or_default();
    let spec = &version.spec;
    let mut seen = Observed::default();
    let uid = version.uid().unwrap_or_default();
    match &version.status {
        Some(status) if status.version.is_some() => context.registrations.done(&uid),
        status => {
            let intent = status.as_ref().is_some_and(|s| s.creating.is_some());
            seen.on_its_way = context.registrations.on_its_way(&uid, intent, reader.now());
        }
    }
    if let Ok(source) = Source::parse(&spec.source) {
        let buckets = reader.cache.indexed::<DataBucket>(&index::versions_from(&namespace, &source.bucket));
        seen.source = buckets.first().map(|b| SourceView {
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
    let plan = spec::parse(&registry, &context.settings.image).ok();
    let (image, pull_policy) = plan.map(|p| (p.image, p.pull_policy.to_owned())).unwrap_or_default();
    let server = ServerRef { uid: registry.uid().unwrap_or_default(), url: status.url.unwrap_or_default() };
    seen.registry = Some(RegistryView { available, image, pull_policy, server: server.clone() });
    if available {
        ask(context, version, &server, reader, &mut seen).await;
    }
    seen
}

/// The children that measure the source; there are none once that is done.
async fn measurement(version: &ModelVersion, reader: &Reader, seen: &mut Observed) {
    let uid = version.uid().unwrap_or_default();
    seen.grant = reader.cache.owned::<DataGrant>(&uid).first().map(|g| (**g).clone());
    let attempt = version.status.as_ref().and_then(|s| s.measuring).unwrap_or(1);
    let name = job_name(version, attempt);
    let jobs = reader.cache.owned::<Job>(&uid);
    // The one under way, or one that is left over.
    let job = jobs.iter().find(|j| j.name_any() == name).or_else(|| jobs.first());
    let Some(job) = job else { return };
    seen.pods = pods::of(reader, &uid).await;
    seen.job_trouble = pods::podless(reader, Some(job), &seen.pods).await;
    seen.job = Some((**job).clone());
}

fn ready(bucket: &DataBucket) -> bool {
    let generation = bucket.metadata.generation.unwrap_or(0);
    bucket.status.as_ref().is_some_and(|s| conditions::is_ready(s, generation))
}

async fn ask(context: &Context, version: &ModelVersion, at: &ServerRef, reader: &Reader, seen: &mut Observed) {
    let server = match context.server(&at.uid, &at.url) {
        Ok(server) => server,
        Err(failure) => {
            seen.error = Some(MlflowError::Denied(failure.message));
            return;
        }
    };
    let (snapshot, changed) = context.views.of(&at.uid, &server, reader.now()).await;
    let namespace = version.namespace().unwrap_or_default();
    context.wake_changed(reader, &Key::new(&namespace, &version.spec.registry), &changed);
    let outcome = match snapshot.answer {
        Ok(catalogue) => find(context, &server, &catalogue, version).await.map(|found| (catalogue, found)),
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
    context: &Context,
    server: &Server,
    catalogue: &Arc<Catalogue>,
    version: &ModelVersion,
) -> Result<Option<Version>, MlflowError> {
    let uid = version.uid().unwrap_or_default();
    let model = &version.spec.model;
    let ours = catalogue.versions.get(&uid).into_iter().flatten().find(|v| v.model == *model);
    let status = version.status.as_ref();
    match (ours, status.and_then(|s| s.version)) {
        (Some(found), _) => Ok(Some(found.clone())),
        (None, Some(_)) if status.is_some_and(|s| s.deleted_at.is_some()) => Ok(None),
        (None, Some(number)) => {
            let found = context.mlflow.version(server, model, number).await?;
            // A model deleted and made anew counts from 1 again: the number alone proves nothing.
            let source = status.and_then(|s| s.source.as_ref());
            Ok(found.filter(|v| v.uid().is_empty() && Some(&v.source) == source))
        }
        // Given up: the snapshot may be older than a registration that was on its way.
        (None, None)
            if version.metadata.deletion_timestamp.is_some() && status.is_some_and(|s| s.creating.is_some()) =>
        {
            let there = context.mlflow.find(server, &uid).await?;
            Ok(there.into_iter().find(|v| v.model == *model))
        }
        (None, None) => Ok(None),
    }
}

fn holders(version: &ModelVersion, catalogue: &Catalogue, reader: &Reader) -> BTreeMap<String, Holder> {
    let spec = &version.spec;
    let namespace = version.namespace().unwrap_or_default();
    let declared = |alias: &str, number: i64| {
        let key = index::version_with_number(&namespace, &spec.registry, &spec.model, number);
        let there = reader.cache.indexed::<ModelVersion>(&key);
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
