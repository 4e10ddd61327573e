//! The endpoints of a process: probes and metrics.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, extract::State, http::StatusCode, routing::get};

use crate::{
    cache::Cache,
    metrics::{CONTENT_TYPE, Metrics},
};

/// What the endpoints show.
#[derive(Clone)]
pub(crate) struct Health {
    /// Whether this process leads.
    pub(crate) leading: Arc<AtomicBool>,
    /// What it knows of the cluster.
    pub(crate) cache: Arc<Cache>,
    /// What `/metrics` shows.
    pub(crate) metrics: Metrics,
}

type Answer = (StatusCode, String);

fn answer(ready: bool, text: impl Into<String>) -> Answer {
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text.into())
}

/// Ready is a process that has seen every kind it watches, so that it can lead at once; whether it leads is another matter,
/// else a standby would block a roll-out.
async fn ready(State(health): State<Health>) -> Answer {
    let unlisted = health.cache.unlisted();
    if unlisted.is_empty() {
        return answer(true, "ok");
    }
    let kinds = unlisted.join(", ");
    answer(false, format!("no list yet of: {kinds}; are these kinds installed, and may this account list them?"))
}

async fn leading(State(health): State<Health>) -> Answer {
    let leading = health.leading.load(Ordering::Relaxed);
    answer(leading, if leading { "leading" } else { "standby" })
}

/// Serves `/livez` (the process runs), `/readyz`, `/leading` and `/metrics`.
pub(crate) async fn serve(health: Health) -> Result<(), (SocketAddr, std::io::Error)> {
    let fallback = SocketAddr::from(([0, 0, 0, 0], 8080));
    let at = std::env::var("MILLRACE_LISTEN").ok().and_then(|s| s.parse().ok()).unwrap_or(fallback);
    let metrics = |State(health): State<Health>| async move {
        ([(axum::http::header::CONTENT_TYPE, CONTENT_TYPE)], health.metrics.text())
    };
    let app = Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/leading", get(leading))
        .route("/metrics", get(metrics))
        .with_state(health);
    let listener = tokio::net::TcpListener::bind(at).await.map_err(|e| (at, e))?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(())
}
