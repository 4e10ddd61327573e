//! A real Prometheus scrapes the operator's process, which works on a real API server; a kubelet is played.
//!
//! Needs KUBECONFIG with every right as `cargo xtask local-api` prints it, and MILLRACE_PROMETHEUS, a
//! directory with prometheus and promtool: `cargo xtask parts prometheus`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    dead_code,
    reason = "a test fails by panicking, and plays users and a kubelet, who write; it shares helpers"
)]

mod cluster;
mod process;

use cluster::Cluster;
use process::{Operator, Prometheus};
use serde_json::json;

/// Until Prometheus has scraped what the query is about.
async fn comes_to(prometheus: &Prometheus, query: &str, want: f64) {
    cluster::until(query, || async {
        let have = prometheus.value(query);
        ((have == Some(want)).then_some(()), json!(have))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_sees_what_was_done() {
    let cluster = Cluster::open().await;
    let mut operator = Operator::start(&cluster);
    let prometheus = Prometheus::start(operator.port);
    let kubelet = tokio::spawn(cluster::kubelet(cluster.client.clone(), cluster.namespace.clone()));
    for (name, limit) in [("succeeds", 0), ("fails", 1), ("stays", 0)] {
        let spec = json!({
            "container": {"image": "i", "args": [name]},
            "retry": {"limit": limit, "backoff": {"initial": "1s"}},
        });
        cluster.create(name, &spec).await;
    }
    cluster.phase("succeeds", "Succeeded").await;
    cluster.phase("fails", "Failed").await;
    cluster.phase("stays", "Running").await;

    comes_to(&prometheus, "up", 1.0).await;
    let told = [
        ("processing_attempts_started_total{engine='container'}", 4.0),
        ("processing_attempts_ended_total{result='Succeeded',class=''}", 1.0),
        ("processing_attempts_ended_total{result='Failed',class='Application'}", 2.0),
        ("processing_jobs{engine='container',phase='Running'}", 1.0),
        ("processing_jobs{engine='container',phase='Succeeded'}", 1.0),
        ("processing_jobs{engine='container',phase='Failed'}", 1.0),
        ("processing_jobs{engine='spark',phase='Running'}", 0.0),
        ("processing_workers{engine='container'}", 1.0),
        ("processing_first_pod_seconds_count{engine='container'}", 3.0),
        ("processing_phase_seconds_count{engine='container',phase='Retrying'}", 1.0),
        ("api_requests_total{verb='POST',resource='pods',code='201'}", 4.0),
        ("leader", 1.0),
    ];
    for (query, want) in told {
        comes_to(&prometheus, &format!("millrace_{query}"), want).await;
    }
    let pods = prometheus.value("histogram_quantile(0.99, sum by (le) (millrace_processing_first_pod_seconds_bucket))");
    assert!(pods.is_some_and(|p99| p99 < 5.0), "the time to a pod is no number of seconds: {pods:?}");
    println!("99 in 100 pods within {pods:?} s");
    prometheus.described();
    prometheus.lint(&operator.scrape());

    operator.kill();
    comes_to(&prometheus, "up", 0.0).await;
    operator.restart(&cluster);
    comes_to(&prometheus, "up", 1.0).await;
    for (query, want) in &told[3..8] {
        comes_to(&prometheus, &format!("millrace_{query}"), *want).await;
    }
    // What another process did is not counted again.
    comes_to(&prometheus, "absent(millrace_processing_attempts_started_total)", 1.0).await;
    cluster.delete("fails").await;
    comes_to(&prometheus, "millrace_processing_jobs{engine='container',phase='Failed'}", 0.0).await;
    kubelet.abort();
}
