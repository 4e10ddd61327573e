//! Waits for a ProcessingJob of its own namespace and prints what it reports: the test of the chart, which creates the job.

use std::{process::ExitCode, time::Duration};

use futures::TryStreamExt;
use kube::{Api, Client, runtime::watcher};
use millrace_crds::ProcessingJob;

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

/// Follows the job until it has succeeded; what it says when it fails is the error.
async fn ended(name: &str) -> Result<(), String> {
    let client = Client::try_default().await.map_err(|error| format!("no connection to the API server: {error}"))?;
    let jobs: Api<ProcessingJob> = Api::default_namespaced(client);
    let only = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let mut events = std::pin::pin!(watcher(jobs, only));
    let mut printed = String::new();
    loop {
        let event = events.try_next().await.map_err(|error| format!("watching {name} failed: {error}"))?;
        let (watcher::Event::Apply(job) | watcher::Event::InitApply(job)) =
            event.ok_or_else(|| format!("the watch of {name} ended"))?
        else {
            continue;
        };
        let conditions = job.status.map(|status| status.conditions).unwrap_or_default();
        let of = |kind: &str| conditions.iter().find(|c| c.type_ == kind);
        if let Some(ready) = of("Ready") {
            let line = format!("{}: {}", ready.reason, ready.message);
            if line != printed {
                println!("{line}");
                printed = line;
            }
        }
        match of("Succeeded").map(|c| (c.status.as_str(), c)) {
            Some(("True", _)) => return Ok(()),
            Some(("False", failed)) => return Err(format!("{name} failed: {}: {}", failed.reason, failed.message)),
            _ => {}
        }
    }
}
