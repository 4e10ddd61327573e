//! The adapter: one request, one deadline of 5 s, no retries; the kernel looks again.

use std::{sync::OnceLock, time::Duration};

use millrace_crds::Reason;
use millrace_kit::{Class, Failure, async_trait};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use super::{Flink, FlinkCall, FlinkView, Question, TriggerView, wire};

/// Longest time one request may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// The adapter. Its client is made when it is first needed: a process without Flink jobs has none.
#[derive(Debug, Default)]
pub struct Rest {
    client: OnceLock<Option<Client>>,
}

impl Rest {
    fn client(&self) -> Result<&Client, String> {
        let make = || Client::builder().timeout(DEADLINE).connect_timeout(DEADLINE).no_proxy().build().ok();
        self.client.get_or_init(make).as_ref().ok_or_else(|| "no HTTP client".to_owned())
    }

    /// `None` for 404.
    async fn get(&self, url: &str) -> Result<Option<Value>, String> {
        let answer = self.client()?.get(url).send().await.map_err(|e| lost(&e))?;
        let status = answer.status();
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let text = answer.text().await.map_err(|e| lost(&e))?;
        if !status.is_success() {
            return Err(format!("{}: {}", status.as_u16(), words(&text)));
        }
        serde_json::from_str(&text).map(Some).map_err(|e| format!("not Flink's JSON: {e}"))
    }
}

#[async_trait]
impl Flink for Rest {
    async fn look(&self, question: &Question) -> Result<FlinkView, String> {
        let Question { url, job, state, trigger, vertices } = question;
        let overview = self.get(&format!("{url}/jobs/overview")).await?.ok_or("no such page: /jobs/overview")?;
        let mut view = FlinkView { job: wire::job(&overview, job), ..FlinkView::default() };
        let Some(found) = &view.job else { return Ok(view) };
        if found.state == "FAILED" {
            let body = self.get(&format!("{url}/jobs/{job}/execution-result")).await?;
            view.exception = body.as_ref().and_then(wire::failure);
        }
        // For some seconds this page is answered from what Flink remembers of the job's last state.
        if found.state != "RUNNING" && view.exception.is_none() {
            let body = self.get(&format!("{url}/jobs/{job}/exceptions")).await?;
            view.exception = body.as_ref().and_then(wire::exception);
        }
        if *state && let Some(body) = self.get(&format!("{url}/jobs/{job}/checkpoints")).await? {
            (view.checkpoint, view.savepoint) = wire::points(&body);
        }
        if let Some(trigger) = trigger {
            let body = self.get(&format!("{url}/jobs/{job}/savepoints/{trigger}")).await?;
            view.trigger = Some(body.as_ref().map_or(TriggerView::Unknown, wire::trigger));
        }
        // Only the adaptive scheduler has an answer; without one the job is as well as before.
        if *vertices && let Ok(Some(bounds)) = self.get(&format!("{url}/jobs/{job}/resource-requirements")).await {
            let graph = self.get(&format!("{url}/jobs/{job}")).await?.unwrap_or_default();
            view.vertices = wire::vertices(&graph, &bounds);
        }
        Ok(view)
    }

    async fn call(&self, call: &FlinkCall) -> Result<(), Failure> {
        let (method, url, body) = match call {
            FlinkCall::Savepoint { url, job, trigger, target, stop: true } => (
                Method::POST,
                format!("{url}/jobs/{job}/stop"),
                json!({"targetDirectory": target, "drain": false, "triggerId": trigger}),
            ),
            FlinkCall::Savepoint { url, job, trigger, target, .. } => (
                Method::POST,
                format!("{url}/jobs/{job}/savepoints"),
                json!({"target-directory": target, "cancel-job": false, "triggerId": trigger}),
            ),
            FlinkCall::Rescale { url, job, bounds } => {
                (Method::PUT, format!("{url}/jobs/{job}/resource-requirements"), wire::requirements(bounds))
            }
            FlinkCall::Dispose { url, path } => {
                (Method::POST, format!("{url}/savepoint-disposal"), json!({"savepoint-path": path}))
            }
        };
        let away = |why: String| Failure::new(Class::Transient, Reason::FlinkUnreachable, why);
        let request = self.client().map_err(away)?.request(method, url).json(&body);
        let answer = request.send().await.map_err(|e| away(lost(&e)))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let text = answer.text().await.unwrap_or_default();
        let class = if status.is_server_error() { Class::Transient } else { Class::Waiting };
        Err(Failure::new(class, Reason::FlinkRefused, format!("{}: {}", status.as_u16(), words(&text))))
    }
}

fn lost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", DEADLINE.as_secs());
    }
    // The source says what happened; the error itself repeats the URL.
    let mut source = std::error::Error::source(error);
    let mut said = "no answer".to_owned();
    while let Some(inner) = source {
        said = inner.to_string();
        source = inner.source();
    }
    said
}

/// The first of Flink's errors, without its stack.
fn words(text: &str) -> String {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let first = body.pointer("/errors/1").or_else(|| body.pointer("/errors/0")).and_then(Value::as_str);
    wire::cause(first.unwrap_or(text)).chars().take(300).collect()
}
