//! Attempts that run out of memory.

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use millrace_crds::processing_job::{AttemptResult, FailureClass, JobPhase};
use serde_json::json;

use super::*;

const FULL: Life = Life::Exit(137, "");

/// What a driver's termination log says when a task has lost its last executor to the kernel.
const EXECUTORS_FULL: Life = Life::Exit(
    1,
    "millrace: Lost task 0.3 in stage 0.0 (TID 3) (10.0.0.9 executor 4): ExecutorLostFailure (executor 4 exited caused by one of the running tasks) Reason: The executor with id 4 exited with exit code 137(SIGKILL, possible container OOM).",
);
/// What it says when its own heap is full.
const DRIVER_FULL: Life = Life::Exit(1, "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space");

/// The heaps in MiB of driver and executors of this attempt.
fn heaps(world: &World, attempt: i64) -> (String, String) {
    let confs = world.list::<ConfigMap>();
    let of = |conf: &&ConfigMap| {
        let labels = conf.metadata.labels.clone().unwrap_or_default();
        labels.get("millrace.dev/attempt") == Some(&attempt.to_string())
    };
    let text = confs.iter().find(of).unwrap().data.as_ref().unwrap()["spark.properties"].clone();
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().to_owned();
    (value("spark.driver.memory="), value("spark.executor.memory="))
}

/// The memory a pod of this attempt may use.
fn limit(world: &World, attempt: i64) -> String {
    let pods = world.list::<Pod>();
    let pod = pods.iter().find(|pod| crate::support::numbers(pod) == (1, attempt)).unwrap();
    let limits = pod.spec.as_ref().unwrap().containers[0].resources.clone().unwrap().limits.unwrap();
    limits["memory"].0.clone()
}

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        scenario(
            "memory grows until it is enough",
            container(json!({"retry": {"onOutOfMemory": {"grow": "50%", "max": "1Gi"}}})),
            |_, n| if n < 3 { FULL } else { OK },
        )
        .then(|w| {
            phase(w, JobPhase::Succeeded)?;
            last(w, (1, 3, AttemptResult::Succeeded, None))?;
            let limits = [1, 2, 3].map(|attempt| limit(w, attempt));
            must(limits == ["256Mi", "384Mi", "576Mi"], format!("{limits:?}"))?;
            let status = status(w);
            must(status.failures.clone().unwrap_or_default().application == 0, "charged to the user")?;
            let said = status.last_attempts[1].message.clone().unwrap_or_default();
            must(said.contains("the next attempt asks for 576Mi"), said)
        })
        .writes(13),
        scenario(
            "memory grows to its bound",
            container(json!({"retry": {"limit": 5, "onOutOfMemory": {"grow": "50%", "max": "300Mi"}}})),
            |_, _| FULL,
        )
        .then(|w| {
            phase(w, JobPhase::Failed)?;
            last(w, (1, 2, AttemptResult::Failed, Some(FailureClass::OutOfMemory)))?;
            let said = status(w).last_attempts[0].message.clone().unwrap_or_default();
            must(said.starts_with("raise container.memory and retry.onOutOfMemory.max (300Mi was not enough)"), said)
        })
        .writes(9),
        scenario(
            "executors' memory grows, then the driver's",
            spark(json!({"retry": {"onOutOfMemory": {"grow": "50%", "max": "2Gi"}}, "keepPods": "Always"})),
            |_, n| match n {
                1 => EXECUTORS_FULL,
                2 => DRIVER_FULL,
                _ => OK,
            },
        )
        .actor(|| dataplane(Plane::Answers))
        .then(|w| {
            phase(w, JobPhase::Succeeded)?;
            last(w, (1, 3, AttemptResult::Succeeded, None))?;
            let heaps = [1, 2, 3].map(|attempt| heaps(w, attempt));
            let own = |driver: &str, executor: &str| (driver.to_owned(), executor.to_owned());
            must(heaps == [own("640m", "640m"), own("640m", "1098m"), own("1098m", "1098m")], format!("{heaps:?}"))?;
            let short = status(w).last_attempts.iter().map(|a| a.out_of_memory_field.clone()).collect::<Vec<_>>();
            let short = short.into_iter().flatten().collect::<Vec<_>>();
            must(short == ["spark.driver.memory", "spark.executors.memory"], format!("{short:?}"))
        })
        .writes(25),
    ]
}
