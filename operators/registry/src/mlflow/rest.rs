//! MLflow's REST API, 3.x: the registry still lives under `/api/2.0/mlflow`.
//!
//! One request, one deadline of 5 s, no retries: the kernel retries. Answers are classified here and nowhere else.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Catalogue, Change, Given, Mlflow, MlflowError, NewVersion, Server, TAG_UID, Version, What};

/// Longest time one request may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// Longest time the answer beside the catalogue may take: it comes from memory.
const BESIDE: Duration = Duration::from_secs(2);
/// Entries asked for at once; the largest number MLflow allows for models.
const PAGE: u32 = 1_000;
/// Pages after which something is wrong with the server.
const MAX_PAGES: usize = 200;

/// The adapter.
#[derive(Clone, Debug)]
pub struct Rest {
    client: Client,
}

impl Rest {
    /// An adapter that uses no proxy.
    ///
    /// # Errors
    /// The TLS library cannot be set up.
    pub fn new() -> Result<Self, MlflowError> {
        let client = Client::builder().timeout(DEADLINE).connect_timeout(DEADLINE).no_proxy().build();
        client.map(|client| Self { client }).map_err(|e| MlflowError::Broken(e.to_string()))
    }

    fn request(&self, server: &Server, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", server.url);
        self.client.request(method, url).basic_auth(&server.username, Some(&server.password))
    }

    async fn get(&self, server: &Server, path: &str, query: &[(&str, &str)]) -> Answer<Value> {
        let path = if query.is_empty() { path.to_owned() } else { format!("{path}?{}", encode(query)) };
        let text = send(self.request(server, Method::GET, &path)).await?;
        decode(&text)
    }

    async fn pages(&self, server: &Server, path: &str, filter: Option<&str>) -> Answer<Vec<Page>> {
        let size = PAGE.to_string();
        let mut pages: Vec<Page> = Vec::new();
        let mut token = String::new();
        while pages.len() < MAX_PAGES {
            let mut query = vec![("max_results", size.as_str())];
            query.extend(filter.map(|f| ("filter", f)));
            if !token.is_empty() {
                query.push(("page_token", token.as_str()));
            }
            let page: Page = decode_value(self.get(server, path, &query).await?)?;
            let next = page.next_page_token.clone();
            pages.push(page);
            if next.is_empty() {
                return Ok(pages);
            }
            token = next;
        }
        Err(MlflowError::Broken(format!("{path} never ends")))
    }

    /// A server that does not say what it was given still serves.
    async fn given(&self, server: &Server) -> Option<Given> {
        let request = self.client.get(server.given.as_ref()?).timeout(BESIDE);
        let text = send(request).await.ok()?;
        serde_json::from_str(&text).ok()
    }

    async fn search(&self, server: &Server, filter: &str) -> Answer<Vec<Version>> {
        let pages = self.pages(server, "/api/2.0/mlflow/model-versions/search", Some(filter)).await?;
        let mut all: Vec<Version> = pages.into_iter().flat_map(|p| p.model_versions).map(Wire::into).collect();
        all.sort_by(|a, b| (&a.model, a.version).cmp(&(&b.model, b.version)));
        Ok(all)
    }
}

#[derive(Default, Deserialize)]
struct Page {
    #[serde(default)]
    model_versions: Vec<Wire>,
    #[serde(default)]
    registered_models: Vec<Model>,
    #[serde(default)]
    next_page_token: String,
}

#[derive(Deserialize)]
struct Model {
    name: String,
    #[serde(default)]
    aliases: Vec<Alias>,
}

#[derive(Deserialize)]
struct Alias {
    alias: String,
    version: String,
}

#[derive(Deserialize)]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

/// A version as it stands in the JSON: its number is text.
#[derive(Deserialize)]
struct Wire {
    name: String,
    version: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

impl From<Wire> for Version {
    fn from(wire: Wire) -> Self {
        Self {
            model: wire.name,
            version: wire.version.parse().unwrap_or(0),
            source: wire.source,
            description: wire.description,
            tags: wire.tags.into_iter().map(|t| (t.key, t.value)).collect(),
        }
    }
}

#[derive(Deserialize)]
struct One {
    model_version: Wire,
}

#[async_trait]
impl Mlflow for Rest {
    async fn look(&self, server: &Server) -> Answer<Catalogue> {
        let server_version = send(self.request(server, Method::GET, "/version")).await?.trim().to_owned();
        let versions = self.search(server, &format!("tag.`{TAG_UID}` LIKE '%'")).await?;
        let pages = self.pages(server, "/api/2.0/mlflow/registered-models/search", None).await?;
        let mut aliases: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
        for model in pages.into_iter().flat_map(|p| p.registered_models) {
            let held = model.aliases.into_iter().map(|a| (a.alias, a.version.parse().unwrap_or(0))).collect();
            aliases.insert(model.name, held);
        }
        let given = self.given(server).await;
        Ok(Catalogue { server_version, versions: Catalogue::by_uid(versions), given, aliases })
    }

    async fn find(&self, server: &Server, uid: &str) -> Answer<Vec<Version>> {
        // A uid of Kubernetes has no quotes; one that had would match nothing of ours.
        self.search(server, &format!("tag.`{TAG_UID}` = '{}'", uid.replace('\'', ""))).await
    }

    async fn version(&self, server: &Server, model: &str, version: i64) -> Answer<Option<Version>> {
        let number = version.to_string();
        let query = [("name", model), ("version", number.as_str())];
        match self.get(server, "/api/2.0/mlflow/model-versions/get", &query).await {
            Ok(value) => Ok(Some(decode_value::<One>(value)?.model_version.into())),
            Err(MlflowError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn create_model(&self, server: &Server, model: &str) -> Answer<()> {
        let body = json!({"name": model});
        let request = self.request(server, Method::POST, "/api/2.0/mlflow/registered-models/create").json(&body);
        send(request).await.map(|_| ())
    }

    async fn create_version(&self, server: &Server, new: &NewVersion) -> Answer<Version> {
        let tags: Vec<Value> = new.tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
        let mut body = json!({"name": new.model, "source": new.source, "tags": tags});
        if let Some(body) = body.as_object_mut() {
            for (key, value) in [("description", &new.description), ("run_link", &new.run_link)] {
                if !value.is_empty() {
                    body.insert(key.into(), json!(value));
                }
            }
        }
        let request = self.request(server, Method::POST, "/api/2.0/mlflow/model-versions/create").json(&body);
        Ok(decode_value::<One>(decode(&send(request).await?)?)?.model_version.into())
    }

    async fn delete_version(&self, server: &Server, model: &str, version: i64) -> Answer<()> {
        let body = json!({"name": model, "version": version.to_string()});
        let request = self.request(server, Method::DELETE, "/api/2.0/mlflow/model-versions/delete").json(&body);
        send(request).await.map(|_| ())
    }

    async fn change(&self, server: &Server, change: &Change) -> Answer<()> {
        let name = &change.model;
        let version = change.version.to_string();
        let (method, path, body) = match &change.what {
            What::SetTag(key, value) => (
                Method::POST,
                "model-versions/set-tag",
                json!({"name": name, "version": version, "key": key, "value": value}),
            ),
            What::DropTag(key) => {
                (Method::DELETE, "model-versions/delete-tag", json!({"name": name, "version": version, "key": key}))
            }
            What::Describe(text) => {
                (Method::PATCH, "model-versions/update", json!({"name": name, "version": version, "description": text}))
            }
            What::SetAlias(alias) => {
                (Method::POST, "registered-models/alias", json!({"name": name, "version": version, "alias": alias}))
            }
            What::DropAlias(alias) => {
                (Method::DELETE, "registered-models/alias", json!({"name": name, "alias": alias}))
            }
        };
        send(self.request(server, method, &format!("/api/2.0/mlflow/{path}")).json(&body)).await.map(|_| ())
    }
}

fn encode(query: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://x/").ok();
    if let Some(url) = &mut url {
        url.query_pairs_mut().extend_pairs(query);
    }
    url.and_then(|u| u.query().map(str::to_owned)).unwrap_or_default()
}

async fn send(request: RequestBuilder) -> Answer<String> {
    let answer = request.send().await.map_err(|e| lost(&e))?;
    let status = answer.status();
    let text = answer.text().await.map_err(|e| lost(&e))?;
    if status.is_success() { Ok(text) } else { Err(classify(status, &text)) }
}

fn lost(error: &reqwest::Error) -> MlflowError {
    // The source says what happened; the error itself repeats the URL.
    let mut words = String::new();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        words = inner.to_string();
        source = inner.source();
    }
    if error.is_timeout() {
        words = format!("no answer within {} s", DEADLINE.as_secs());
    }
    if error.is_connect() { MlflowError::Unreachable(words) } else { MlflowError::Unanswered(words) }
}

fn classify(status: StatusCode, text: &str) -> MlflowError {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let part = |name: &str| body.get(name).and_then(Value::as_str);
    // SQLAlchemy's errors are many lines and end with an advertisement of its manual.
    let message = part("message").unwrap_or(text);
    let message = message.split("(Background on").next().unwrap_or_default();
    let words: String = message.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect();
    match (part("error_code"), status.as_u16()) {
        (Some("RESOURCE_DOES_NOT_EXIST"), _) => MlflowError::Missing(words),
        (Some("RESOURCE_ALREADY_EXISTS"), _) => MlflowError::Exists(words),
        (_, 401 | 403) => MlflowError::Denied(words),
        (_, 400..=499) if status != StatusCode::TOO_MANY_REQUESTS && status != StatusCode::REQUEST_TIMEOUT => {
            MlflowError::Refused(words)
        }
        _ => MlflowError::Broken(format!("{}: {words}", status.as_u16())),
    }
}

fn decode(text: &str) -> Answer<Value> {
    serde_json::from_str(text).map_err(|e| MlflowError::Broken(format!("not MLflow's JSON: {e}")))
}

fn decode_value<T: serde::de::DeserializeOwned>(value: Value) -> Answer<T> {
    serde_json::from_value(value).map_err(|e| MlflowError::Broken(format!("not MLflow's JSON: {e}")))
}

#[cfg(test)]
mod tests;
