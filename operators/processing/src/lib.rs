//! ProcessingJob: one Spark or Flink application or container as numbered attempts, with retries, deadlines and results.
//!
//! Talks to the Kubernetes API and to Flink's REST API alone. Never reads a Secret: access to data is a DataGrant whose Secret the kubelet
//! mounts. Every attempt is stored in the job's status before its first object is created.

mod build;
mod decide;
mod diagnosis;
mod engine;
mod engines;
mod job;
mod looks;
mod metrics;
mod model;
mod objects;
mod observe;
mod operator;
mod parse;
mod pass;
mod preflight;
mod recent;
mod rollback;
mod seen;

use millrace_kit::{
    Controller, Env, Kernel,
    access::{Access, WARNINGS},
};

pub use engines::flink::rest;
pub use operator::Processing;
pub use seen::{
    Answer, Beside, ChildView, ContainerView, GrantView, HaView, LeftoverView, Observed, Preflight, WaitingWorker,
    WorkersView, WorkloadView,
};

/// Builds the operator's controllers.
#[must_use]
pub fn controllers(env: &Env) -> Vec<Box<dyn Controller>> {
    over(env, Processing::default())
}

/// Builds the operator's controllers on any way to Flink; the tests bring a simulated one.
#[must_use]
pub fn over(env: &Env, processing: Processing) -> Vec<Box<dyn Controller>> {
    vec![Box::new(Kernel::new(processing, env.reader.clone()).with_metrics(metrics::Jobs::register(&env.metrics)))]
}

/// Every right the operator uses, beside the kernel's own.
#[must_use]
pub fn access() -> Vec<Access> {
    ACCESS.iter().chain(engines::ALL.iter().flat_map(|engine| engine.access())).cloned().collect()
}

/// What the attempts of every engine need.
const ACCESS: &[Access] = &[
    Access::cluster(
        "millrace.dev",
        "processingjobs",
        &["get", "list", "watch", "patch"],
        "the objects it keeps; patch for the finalizer of those with something to clean up",
    ),
    Access::cluster("millrace.dev", "processingjobs/status", &["update"], "attempts and their results"),
    Access::cluster(
        "millrace.dev",
        "datagrants",
        &["get", "list", "watch", "create", "delete"],
        "one per attempt that reads or writes data; get proves a cache miss",
    ),
    Access::cluster(
        "millrace.dev",
        "dataplanes",
        &["get"],
        "whether one allows its jobs a priority of the system, asked only of jobs that name one",
    ),
    Access::cluster("", "namespaces", &["get"], "whether such a job is in a namespace that the DataPlane chooses"),
    Access::cluster(
        "",
        "pods",
        &["get", "list", "watch", "create", "delete"],
        "driver and main pods; get proves a cache miss, watch is limited to our labels; a job's executors and TaskManagers are listed by its own label",
    ),
    WARNINGS,
    Access::cluster(
        "",
        "configmaps",
        &["get", "list", "watch", "create", "delete"],
        "Spark's and Flink's settings, one per attempt; watch is limited to our labels and keeps no data; Flink's own of high availability are read and deleted by name",
    ),
    Access::cluster(
        "apps",
        "controllerrevisions",
        &["get", "list", "watch", "create", "delete"],
        "the last healthy spec of a Flink job, to go back to; watch is limited to our labels",
    ),
    Access::cluster(
        "",
        "services",
        &["get", "list", "watch", "create", "delete"],
        "names of the replicas of a container, one per attempt; get proves a cache miss",
    ),
    Access::cluster(
        "",
        "serviceaccounts",
        &["list", "watch", "create"],
        "millrace-spark and millrace-flink, one per namespace with the engine",
    ),
    Access::cluster(
        "rbac.authorization.k8s.io",
        "rolebindings",
        &["list", "watch", "create"],
        "binds them to their ClusterRoles",
    ),
    Access::cluster(
        "policy",
        "poddisruptionbudgets",
        &["list", "watch", "create"],
        "millrace-drivers, one per namespace with Spark",
    ),
    Access::cluster(
        "rbac.authorization.k8s.io",
        "clusterroles",
        &["bind"],
        "only these roles may be bound, never escalated",
    )
    .named(&[job::name::SPARK_ACCOUNT.role, job::name::FLINK_ACCOUNT.role]),
];
