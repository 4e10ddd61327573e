//! Reads what a ModelRegistry's pass sees: children, bucket and grant from the cache, the server by one shared look.

use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::Deployment,
    batch::v1::Job,
    core::v1::{Secret, Service},
};
use kube::{ResourceExt, core::ObjectMeta};
use millrace_crds::{DataBucket, DataGrant, ModelRegistry};
use millrace_kit::{Child, Key, Reader, conditions};

use super::{
    names::{Names, url},
    seen::{BucketView, GrantView, LoginView, Observed, ServerView, available},
    spec,
};
use crate::{
    children::login::TYPE,
    context::Context,
    mlflow::Given,
    pods::{self, PodView},
};

/// Looks.
pub(super) async fn observe(context: &Context, registry: &ModelRegistry, reader: &Reader) -> Observed {
    let uid = registry.uid().unwrap_or_default();
    let namespace = registry.namespace().unwrap_or_default();
    if registry.metadata.deletion_timestamp.is_some() {
        context.views.drop(&uid);
        return Observed::default();
    }
    let names = Names::of(registry);
    let at = |name: &str| Key::new(&namespace, name);
    let pods = pods::of(reader, &uid).await;
    let deployment = reader.child::<Deployment>(&at(&names.server), &uid);
    let server = match &deployment {
        Some(deployment) if available(deployment) => Some(ask(context, registry, reader).await),
        _ => None,
    };
    let given = server.as_ref().and_then(|s| s.given.as_ref());
    let evidence = Evidence { secret: &names.login, pods: &pods, given, now: reader.now() };
    let (login, login_problem) = login(context, &uid, &evidence);
    let job_name = registry.status.as_ref().and_then(|s| s.migration.as_ref()).map(|m| m.job.clone());
    let jobs = reader.cache.owned::<Job>(&uid);
    let (job, stale): (Vec<_>, Vec<_>) = jobs.iter().partition(|j| Some(j.name_any()) == job_name);
    let job = job.first().map(|j| (***j).clone());
    let bucket = reader.cached::<DataBucket>(&at(&registry.spec.artifacts.bucket));
    Observed {
        default_image: context.settings.image.clone(),
        login,
        login_problem,
        missing_secrets: missing_secrets(context, registry, reader).await,
        bucket: bucket
            .filter(|b| b.metadata.deletion_timestamp.is_none())
            .map(|b| BucketView { data_plane: b.spec.data_plane.clone() }),
        grant: reader.child::<DataGrant>(&at(&names.grant), &uid).map(|g| GrantView::of(&g)),
        job_trouble: pods::podless(reader, job.as_ref(), &pods).await,
        job,
        stale_jobs: stale.iter().map(|j| (***j).clone()).collect(),
        service: reader.child::<Service>(&at(&names.server), &uid).map(|s| (*s).clone()),
        server,
        deployment: deployment.map(|d| (*d).clone()),
        pods,
    }
}

/// Which of the named Secrets do not exist. The operator may not read them; whether one could be made says it too.
async fn missing_secrets(context: &Context, registry: &ModelRegistry, reader: &Reader) -> Vec<String> {
    let generation = registry.metadata.generation.unwrap_or(0);
    if registry.status.as_ref().is_some_and(|s| conditions::is_ready(s, generation)) {
        return Vec::new();
    }
    let Ok(plan) = spec::parse(registry, &context.settings.image) else { return Vec::new() };
    let mut missing = Vec::new();
    for (_, name, _) in plan.secrets() {
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                namespace: registry.namespace(),
                ..ObjectMeta::default()
            },
            type_: Some(TYPE.to_owned()),
            ..Secret::default()
        };
        if reader.would_create(&Child::free(&secret)).await.is_ok() {
            missing.push(name.to_owned());
        }
    }
    missing
}

/// What speaks for or against the login's Secret being as it was written.
struct Evidence<'a> {
    secret: &'a str,
    pods: &'a [PodView],
    given: Option<&'a Given>,
    now: Timestamp,
}

fn login(context: &Context, uid: &str, evidence: &Evidence<'_>) -> (Option<LoginView>, Option<String>) {
    let login = match context.login(uid) {
        Ok(login) => login,
        Err(failure) => return (None, Some(failure.message)),
    };
    let missed = |p: &PodView| p.trouble.as_ref().is_some_and(|t| t.about(evidence.secret));
    if evidence.pods.iter().any(missed) {
        context.logins.forget(uid);
    }
    if evidence.given.is_some_and(|g| g.login.mounted.as_ref() != Some(&login.mounted())) {
        context.logins.altered(uid, evidence.now);
    }
    let written = context.logins.has_written(uid, &login.fingerprint);
    (Some(LoginView { fingerprint: login.fingerprint, written }), None)
}

async fn ask(context: &Context, registry: &ModelRegistry, reader: &Reader) -> ServerView {
    let uid = registry.uid().unwrap_or_default();
    let now: Timestamp = reader.now();
    let Ok(server) = context.server(&uid, &url(registry)) else { return ServerView::default() };
    let (snapshot, changed) = context.views.of(&uid, &server, now).await;
    context.wake_changed(reader, &Key::of(registry), &changed);
    match snapshot.answer {
        Ok(catalogue) => {
            ServerView { version: Some(catalogue.server_version.clone()), error: None, given: catalogue.given.clone() }
        }
        Err(error) => ServerView { error: Some(error), ..ServerView::default() },
    }
}
