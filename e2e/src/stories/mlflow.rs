//! A look into the MLflow server of a namespace, with the login that a user would take from its Secret.

use serde_json::Value;

use super::tools::Space;
use crate::cluster::PortForward;
use crate::http;
use crate::stage::at;
use crate::ui::{Failure, Outcome};

/// An open way to the server.
pub(super) struct Mlflow {
    forward: PortForward,
    login: String,
}

impl Mlflow {
    /// Of the registry `main` of a namespace, with the login that the operator made.
    pub(super) fn open(space: &Space<'_>) -> Outcome<Self> {
        let registry = space.find("modelregistry", "main")?.unwrap_or_default();
        let secret = at(&registry, "/status/adminSecretName");
        let template = "{{.data.username|base64decode}}:{{.data.password|base64decode}}";
        let login = space.text(&["get", "secret", secret, "-o", &format!("go-template={template}")])?;
        if login.len() < 3 {
            return Err(Failure::because("the registry does not say how to log in", registry));
        }
        Self::with(space, &login)
    }

    /// The same with another login, `user:password`.
    pub(super) fn with(space: &Space<'_>, login: &str) -> Outcome<Self> {
        let service = format!("service/{}", service(space)?);
        let forward = PortForward::open(&space.stage.target, &space.name, &service, 5000)?;
        Ok(Self { forward, login: login.to_owned() })
    }

    /// The status of an answer to somebody without a login.
    pub(super) fn stranger(&self, path: &str) -> Outcome<u16> {
        http::get(self.forward.port, path, None).map(|(code, _)| code)
    }

    /// Status and body of the answer to a GET below `/api/2.0/mlflow/`.
    pub(super) fn ask(&self, path: &str) -> Outcome<(u16, Value)> {
        http::get(self.forward.port, &format!("/api/2.0/mlflow/{path}"), Some(&self.login))
    }

    /// The same, where the answer must be a good one.
    pub(super) fn get(&self, path: &str) -> Outcome<Value> {
        match self.ask(path)? {
            (200, said) => Ok(said),
            (code, said) => Err(Failure::because(format!("MLflow answers {path} with {code}"), said)),
        }
    }

    /// The versions of a model; none if there is no such model.
    pub(super) fn versions(&self, model: &str) -> Outcome<Vec<Value>> {
        let said = self.get(&format!("model-versions/search?filter=name%3D%27{model}%27&max_results=1000"))?;
        Ok(said.pointer("/model_versions").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// The versions of a model that carry this value as a tag, our uid for example.
    pub(super) fn tagged(&self, model: &str, value: &str) -> Outcome<Vec<Value>> {
        let all = self.versions(model)?;
        let carries = |v: &Value| {
            v.pointer("/tags").and_then(Value::as_array).into_iter().flatten().any(|t| at(t, "/value") == value)
        };
        Ok(all.into_iter().filter(carries).collect())
    }
}

/// The name of the Service of the registry `main`.
pub(super) fn service(space: &Space<'_>) -> Outcome<String> {
    let registry = space.find("modelregistry", "main")?.unwrap_or_default();
    let host = at(&registry, "/status/url").split("://").last().and_then(|host| host.split('.').next());
    match host {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(Failure::because("the registry does not say where it is", registry)),
    }
}
