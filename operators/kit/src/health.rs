//! The endpoints of a process: probes and metrics.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, extract::State, http::StatusCode, routing::get};

use crate::metrics::{CONTENT_TYPE, Metrics};

/// What the endpoints show.
#[derive(Clone)]
pub(crate) struct Health {
    /// Whether this process leads.
    pub(crate) live: Arc<AtomicBool>,
    /// What `/metrics` shows.
    pub(crate) metrics: Metrics,
}

/// Serves `/livez` (the process runs), `/readyz` (standing by counts as ready, else a standby would block a roll-out)
/// and `/metrics`.
pub(crate) async fn serve(health: Health) -> Result<(), (SocketAddr, std::io::Error)> {
    let fallback = SocketAddr::from(([0, 0, 0, 0], 8080));
    let at = std::env::var("MILLRACE_LISTEN").ok().and_then(|s| s.parse().ok()).unwrap_or(fallback);
    let app = Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(|| async { "ok" }))
        .route(
            "/leading",
            get(|State(h): State<Health>| async move {
                if h.live.load(Ordering::Relaxed) {
                    (StatusCode::OK, "leading")
                } else {
                    (StatusCode::SERVICE_UNAVAILABLE, "standby")
                }
            }),
        )
        .route(
            "/metrics",
            get(|State(h): State<Health>| async move {
                ([(axum::http::header::CONTENT_TYPE, CONTENT_TYPE)], h.metrics.text())
            }),
        )
        .with_state(health);
    let listener = tokio::net::TcpListener::bind(at).await.map_err(|e| (at, e))?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(())
}
