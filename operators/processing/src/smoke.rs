//! Waits for a ProcessingJob of its own namespace and prints what it reports: the test of the chart, which creates the job.

use std::{process::ExitCode, time::Duration};

use futures::StreamExt;
use kube::{
    Api, Client,
    runtime::{WatchStreamExt, watcher::watch_object},
};
use millrace_crds::ProcessingJob;
use millrace_kit::conditions;

/// Longest wait. The job's own deadlines end it before that, if an operator is at work.
const LIMIT: Duration = Duration::from_secs(270);

/// Exits with 0 if the job succeeds, with 1 if it fails or if nothing works on it.
pub(crate) async fn wait(name: &str) -> ExitCode {
    let outcome = match tokio::time::timeout(LIMIT, ended(name)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!(
            "{name} has not ended after {} s; see `kubectl logs deployment/millrace-processing` in this namespace",
            LIMIT.as_secs()
        )),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Follows the job until it has succeeded; what it says when it fails is the error. A watch that breaks is opened again.
async fn ended(name: &str) -> Result<(), String> {
    let client = Client::try_default().await.map_err(|error| format!("no connection to the API server: {error}"))?;
    let jobs: Api<ProcessingJob> = Api::default_namespaced(client);
    let mut states = std::pin::pin!(watch_object(jobs, name).default_backoff());
    let mut printed = String::new();
    while let Some(state) = states.next().await {
        let status = match state {
            Ok(job) => job.and_then(|job| job.status).unwrap_or_default(),
            Err(error) => {
                eprintln!("the watch of {name} is opened again: {error}");
                continue;
            }
        };
        if let Some(ready) = conditions::get(&status, "Ready") {
            let line = format!("{}: {}", ready.reason, ready.message);
            if line != printed {
                println!("{line}");
                printed = line;
            }
        }
        if let Some(succeeded) = conditions::get(&status, "Succeeded") {
            match succeeded.status.as_str() {
                "True" => return Ok(()),
                "False" => return Err(format!("{name} failed: {}: {}", succeeded.reason, succeeded.message)),
                _ => {}
            }
        }
    }
    Err(format!("the watch of {name} ended"))
}
