//! A look into the example's MLflow server, with the login that a user would take from its Secret.

use serde_json::Value;

use crate::cluster::PortForward;
use crate::http;
use crate::stage::{Stage, TEAM, at};
use crate::ui::{Failure, Outcome};

/// An open way to the server.
pub(super) struct Mlflow {
    forward: PortForward,
    login: String,
}

impl Mlflow {
    /// Of the registry `main` of the example.
    pub(super) fn open(stage: &Stage) -> Outcome<Self> {
        let registry = stage.find("modelregistry", "main")?.unwrap_or_default();
        let (url, secret) = (at(&registry, "/status/url"), at(&registry, "/status/adminSecretName"));
        let service = url.split("://").last().and_then(|host| host.split('.').next()).unwrap_or_default();
        let template = "{{.data.username|base64decode}}:{{.data.password|base64decode}}";
        let login = stage.text(&["get", "secret", secret, "-n", TEAM, "-o", &format!("go-template={template}")])?;
        if service.is_empty() || login.len() < 3 {
            return Err(Failure::because("the registry does not say where it is and how to log in", registry));
        }
        Ok(Self { forward: PortForward::open(&stage.target, TEAM, &format!("service/{service}"), 5000)?, login })
    }

    /// The status of an answer to somebody without a login.
    pub(super) fn stranger(&self, path: &str) -> Outcome<u16> {
        http::get(self.forward.port, path, None).map(|(code, _)| code)
    }

    /// The answer to a GET below `/api/2.0/mlflow/`.
    pub(super) fn get(&self, path: &str) -> Outcome<Value> {
        match http::get(self.forward.port, &format!("/api/2.0/mlflow/{path}"), Some(&self.login))? {
            (200, said) => Ok(said),
            (code, said) => Err(Failure::because(format!("MLflow answers {path} with {code}"), said)),
        }
    }

    /// The versions of a model that carry this value as a tag, our uid for example.
    pub(super) fn tagged(&self, model: &str, value: &str) -> Outcome<Vec<Value>> {
        let said = self.get(&format!("model-versions/search?filter=name%3D%27{model}%27&max_results=1000"))?;
        let all = said.pointer("/model_versions").and_then(Value::as_array).cloned().unwrap_or_default();
        let carries = |v: &Value| {
            v.pointer("/tags").and_then(Value::as_array).into_iter().flatten().any(|t| at(t, "/value") == value)
        };
        Ok(all.into_iter().filter(carries).collect())
    }
}
