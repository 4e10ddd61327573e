//! The real port: kube's client without its own retries, with a deadline on every call and a counter on every request.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures::future::BoxFuture;
use http::{Request as HttpRequest, Response};
use jiff::Timestamp;
use kube::{
    Api, Client, Config,
    api::{DeleteParams, DynamicObject, ListParams, ObjectMeta, Patch, PatchParams, PostParams, Preconditions},
    client::{Body, ClientBuilder},
};
use millrace_crds::Reason;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tower::{Layer, Service};

use crate::{
    failure::{Class, Failure},
    kind::{Address, Key, Kind},
    metrics::{Metrics, Request},
    port::{Port, Query, Version, Write, key_of},
};

/// Longest time one API call may take; kube's own retries could sit in one call for minutes.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// Calls under way at one time in one process; more only wait longer inside the API server.
pub const CALLS: usize = 64;

/// Objects in one answer to a list of names.
const PAGE: u32 = 500;

/// Builds a client for a configuration: no hidden retries, every request counted.
///
/// # Errors
/// The TLS or authentication settings of the configuration cannot be used.
pub fn client(mut config: Config, metrics: Metrics) -> Result<Client, kube::Error> {
    config.default_retry = false;
    let builder = ClientBuilder::try_from(config)?;
    Ok(builder.with_layer(&Count(metrics)).build())
}

/// The Kubernetes API through kube.
#[derive(Clone)]
pub struct ApiPort {
    client: Client,
    manager: String,
    turns: Arc<Semaphore>,
    started: Instant,
    deadline: Duration,
}

impl ApiPort {
    /// A port that writes as field manager `millrace/<name>`.
    #[must_use]
    pub fn new(client: Client, name: &str) -> Self {
        Self {
            client,
            manager: format!("millrace/{name}"),
            turns: Arc::new(Semaphore::new(CALLS)),
            started: Instant::now(),
            deadline: DEADLINE,
        }
    }

    /// A port whose calls do not wait for those of this one, by the same clock.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self {
            client: self.client.clone(),
            manager: self.manager.clone(),
            turns: Arc::new(Semaphore::new(CALLS)),
            started: self.started,
            deadline: self.deadline,
        }
    }

    fn api(&self, kind: &Kind, namespace: &str) -> Api<DynamicObject> {
        let resource = kind.api_resource();
        if kind.namespaced {
            Api::namespaced_with(self.client.clone(), namespace, &resource)
        } else {
            Api::all_with(self.client.clone(), &resource)
        }
    }

    /// The call in its turn. The deadline is the call's own, not of the wait for the turn.
    async fn within<T>(&self, call: impl Future<Output = T>) -> Result<T, Failure> {
        // Only a closed semaphore refuses, and nobody closes it.
        let _turn = self.turns.acquire().await.ok();
        let late = |_| {
            Failure::new(
                Class::Transient,
                Reason::ApiTimeout,
                format!("no answer from the API server in {:?}", self.deadline),
            )
        };
        tokio::time::timeout(self.deadline, call).await.map_err(late)
    }

    async fn send(&self, write: Write) -> Result<Value, Failure> {
        let at = write.address();
        let api = self.api(&at.kind, &at.key.namespace);
        let name = at.key.name.as_str();
        let post = PostParams { field_manager: Some(self.manager.clone()), ..PostParams::default() };
        #[expect(clippy::disallowed_methods, reason = "the one place where writes leave the process")]
        let stored = match write {
            Write::Create(_, body) => api.create(&post, &object(body)?).await,
            Write::Status(_, body) => api.replace_status(name, &post, &object(body)?).await,
            Write::Apply(_, body) => {
                let params =
                    PatchParams { field_manager: Some(self.manager.clone()), force: true, ..PatchParams::default() };
                api.patch(name, &params, &Patch::Apply(&body)).await
            }
            Write::Put(_, body) => api.replace(name, &post, &object(body)?).await,
            Write::Finalizers(_, version, list) => {
                let patch = json!({"metadata": {"resourceVersion": version, "finalizers": list}});
                let params = PatchParams { field_manager: Some(self.manager.clone()), ..PatchParams::default() };
                api.patch(name, &params, &Patch::Merge(&patch)).await
            }
            Write::Delete(_, uid, version) => {
                let resource_version = Some(version).filter(|v| !v.is_empty());
                let only = Preconditions { uid: Some(uid), resource_version };
                let params = DeleteParams { preconditions: Some(only), ..DeleteParams::background() };
                let gone = api.delete(name, &params).await.map_err(|e| failure(&e))?;
                return Ok(gone.left().map_or(Value::Null, |o| serde_json::to_value(o).unwrap_or_default()));
            }
        };
        stored.map(|o| serde_json::to_value(o).unwrap_or_default()).map_err(|e| failure(&e))
    }
}

fn version(meta: ObjectMeta) -> Version {
    Version {
        key: Key::new(meta.namespace.unwrap_or_default(), meta.name.unwrap_or_default()),
        uid: meta.uid.unwrap_or_default(),
        version: meta.resource_version.unwrap_or_default(),
    }
}

fn object(body: Value) -> Result<DynamicObject, Failure> {
    serde_json::from_value(body).map_err(|e| Failure::new(Class::Internal, Reason::Unencodable, e.to_string()))
}

/// kube's error as ours.
#[must_use]
pub fn failure(error: &kube::Error) -> Failure {
    match error {
        kube::Error::Api(status) => {
            let reason = if status.reason.is_empty() { "ApiError" } else { &status.reason };
            Failure::http(status.code, reason, status.message.clone())
        }
        other => Failure::new(Class::Transient, Reason::ApiUnreachable, other.to_string()),
    }
}

#[async_trait]
impl Port for ApiPort {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one clock of the process")]
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    async fn get(&self, at: &Address) -> Result<Option<Value>, Failure> {
        let api = self.api(&at.kind, &at.key.namespace);
        match self.within(api.get_opt(&at.key.name)).await? {
            Ok(found) => Ok(found.map(|o| serde_json::to_value(o).unwrap_or_default())),
            Err(error) => Err(failure(&error)),
        }
    }

    async fn list(&self, kind: &Kind, query: &Query) -> Result<Vec<Value>, Failure> {
        let api = self.api(kind, &query.namespace);
        let params = ListParams {
            label_selector: Some(query.labels.clone()).filter(|s| !s.is_empty()),
            field_selector: Some(query.fields.clone()).filter(|s| !s.is_empty()),
            limit: Some(query.limit),
            ..ListParams::default()
        };
        let found = self.within(api.list(&params)).await?.map_err(|e| failure(&e))?;
        Ok(found.items.into_iter().map(|o| serde_json::to_value(o).unwrap_or_default()).collect())
    }

    async fn versions(&self, kind: &Kind) -> Result<Vec<Version>, Failure> {
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &kind.api_resource());
        let mut params = ListParams::default().limit(PAGE);
        let mut all = Vec::new();
        loop {
            let page = self.within(api.list_metadata(&params)).await?.map_err(|e| failure(&e))?;
            all.extend(page.items.into_iter().map(|object| version(object.metadata)));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(all),
            }
        }
    }

    async fn dry_run(&self, kind: &Kind, body: Value) -> Result<(), Failure> {
        let api = self.api(kind, &key_of(&body).namespace);
        let post = PostParams { dry_run: true, field_manager: Some(self.manager.clone()) };
        let object = object(body)?;
        #[expect(clippy::disallowed_methods, reason = "a dry run stores nothing")]
        let answer = self.within(api.create(&post, &object)).await?;
        answer.map(|_| ()).map_err(|e| failure(&e))
    }

    async fn dry_put(&self, kind: &Kind, body: Value) -> Result<(), Failure> {
        let key = key_of(&body);
        let api = self.api(kind, &key.namespace);
        let post = PostParams { dry_run: true, field_manager: Some(self.manager.clone()) };
        let object = object(body)?;
        #[expect(clippy::disallowed_methods, reason = "a dry run stores nothing")]
        let answer = self.within(api.replace(&key.name, &post, &object)).await?;
        answer.map(|_| ()).map_err(|e| failure(&e))
    }

    async fn write(&self, write: Write) -> Result<Value, Failure> {
        self.within(self.send(write)).await?
    }
}

/// Counts requests.
#[derive(Clone)]
struct Count(Metrics);

impl<S> Layer<S> for Count {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted { inner, metrics: self.0.clone() }
    }
}

/// The counting service.
#[derive(Clone)]
struct Counted<S> {
    inner: S,
    metrics: Metrics,
}

impl<S, R> Service<HttpRequest<Body>> for Counted<S>
where
    S: Service<HttpRequest<Body>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: Send,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: HttpRequest<Body>) -> Self::Future {
        let verb = request.method().to_string();
        let resource = resource(request.uri().path());
        let metrics = self.metrics.clone();
        let call = self.inner.call(request);
        Box::pin(async move {
            let answer = call.await;
            let code = answer.as_ref().map_or_else(|_| "error".to_owned(), |r| r.status().as_u16().to_string());
            metrics.requests.get_or_create(&Request { verb, resource, code }).inc();
            answer
        })
    }
}

/// `pods` or `processingjobs/status` from a request path; names and namespaces are left out.
fn resource(path: &str) -> String {
    let mut parts = path.trim_matches('/').split('/').peekable();
    match parts.next() {
        Some("api") => parts.next(),
        _ => parts.next().and_then(|_| parts.next()),
    };
    if parts.peek() == Some(&"namespaces") {
        let mut ahead = parts.clone();
        ahead.next();
        ahead.next();
        if ahead.peek().is_some() {
            parts = ahead;
        }
    }
    let plural = parts.next().unwrap_or("discovery");
    parts.next();
    parts.next().map_or_else(|| plural.to_owned(), |sub| format!("{plural}/{sub}"))
}

#[cfg(test)]
#[path = "tests/client.rs"]
mod tests;
