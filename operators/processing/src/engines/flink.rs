//! Flink's own application mode: a ConfigMap, a Deployment that owns the TaskManagers, and a JobManager pod that asks for
//! them; state that must not be lost from one attempt to the next.

pub(crate) mod client;
pub(crate) mod layout;
pub(crate) mod name;
mod objects;
pub(crate) mod observe;
pub mod rest;
mod spec;
mod state;
mod verdict;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::Pod},
    apimachinery::pkg::api::resource as quantity,
};
use kube::ResourceExt;
use millrace_crds::{
    JobSpec, ProcessingJob, ProcessingJobStatus, Quantity,
    engines::FlinkMode,
    processing_job::{Attempt, FailureClass, FlinkAttempt, StopReason},
};
use millrace_kit::{Action, Child, Watch, access::Access, refs};
use serde_json::{Value, json};

use crate::{
    build::BuildContext,
    engine::{BucketKey, Engine, EngineCall},
    job::{
        name::{Account, FLINK_ACCOUNT, OURS},
        outcome::{Obstacle, Outcome, Trouble},
    },
    model::{Memory, Prefix, Section, findings::Findings, place::Place, references::Names, section::SectionParser},
    objects::{account, common},
    pass::{POLL_FAST, Pass},
    seen::{Observed, WorkloadView},
};
use layout::FlinkStart;
use objects::{config_map, manager, owner, worker};
use state::{health, orphans, rescale, restore, restore_points, savepoint};

/// The engine of the section `flink`.
pub(crate) struct Flink;

impl SectionParser for Flink {
    fn name(&self) -> &'static str {
        spec::NAME
    }

    fn given(&self, spec: &JobSpec) -> bool {
        spec.flink.is_some()
    }

    fn parse(&self, spec: &JobSpec, job: &str, names: &Names, findings: &mut Findings) -> Option<Box<dyn Section>> {
        Some(Box::new(spec::parse(spec.flink.as_ref()?, job, names, findings)?))
    }

    fn application(&self, spec: &JobSpec) -> Value {
        json!(spec.flink.as_ref().map(spec::application))
    }

    fn set_memory(&self, spec: &mut JobSpec, memory: Memory<'_>) {
        let Some(own) = &mut spec.flink else { return };
        if let Some(memory) = memory.own {
            own.job_manager.get_or_insert_default().memory = Some(memory.clone());
        }
        if let Some(memory) = memory.workers {
            own.task_managers.get_or_insert_default().memory = Some(memory.clone());
        }
    }

    fn streams(&self, spec: &JobSpec) -> bool {
        spec.flink.as_ref().is_some_and(|own| own.mode.unwrap_or_default() == FlinkMode::Streaming)
    }

    fn places(&self, spec: &JobSpec, job: &str, findings: &mut Findings) -> Vec<Place> {
        let Some((bucket, prefix)) = spec.flink.as_ref().and_then(|own| spec::place(own, job)) else {
            return Vec::new();
        };
        if let Some(problem) = refs::unsound(&prefix) {
            findings.note("flink.state.bucket", problem);
        }
        vec![Place::protected(Prefix { bucket, prefix })]
    }

    fn reserves(&self, _: &JobSpec, variable: &str) -> Option<String> {
        spec::reserves(variable).then(|| format!("`{variable}` is set by Millrace; choose another name"))
    }

    fn pods(&self, spec: &JobSpec) -> Option<i32> {
        let workers = spec.flink.as_ref()?.task_managers.as_ref()?;
        workers.count.or(workers.min)
    }

    fn keeps_state(&self, spec: &JobSpec) -> bool {
        spec.flink.as_ref().is_some_and(|own| own.state.is_some())
    }
}

impl Engine for Flink {
    fn began(&self, attempt: &Attempt) -> bool {
        attempt.flink.is_some()
    }

    fn objects(&self, context: &BuildContext<'_>) -> Vec<Child> {
        let (Some(own), Some(stored)) = (context.section::<spec::Flink>(), &context.attempt.flink) else {
            return Vec::new();
        };
        let start = FlinkStart::of(stored, context);
        let mut all = account::missing(context, &FLINK_ACCOUNT);
        if context.seen.conf.is_none() {
            all.push(Child::of(context.job, &config_map::build(context, own, &start)));
        }
        if context.seen.anchor.is_none() {
            all.push(Child::of(context.job, &owner::build(context, own)));
        }
        all.push(Child::of(context.job, &manager::build(context, own)));
        all
    }

    fn worker(&self, context: &BuildContext<'_>) -> Option<Pod> {
        let own = context.section::<spec::Flink>()?;
        let (cpu, memory) = &own.task_manager;
        let mut resources = common::resources(&cpu.0, &memory.0);
        let limit = Quantity(own.slots.saturating_add(1).to_string());
        let limit = if limit.thousandths() < cpu.thousandths() { cpu.clone() } else { limit };
        resources.limits.get_or_insert_default().insert("cpu".to_owned(), quantity::Quantity(limit.0));
        Some(common::sized(worker::pod(context, own), context.fill(&own.image), resources))
    }

    fn account(&self) -> Option<&'static Account> {
        Some(&FLINK_ACCOUNT)
    }

    fn config(&self, attempt: &str) -> String {
        name::config(attempt)
    }

    fn access(&self) -> &'static [Access] {
        const {
            &[Access::cluster(
                "apps",
                "deployments",
                &["get", "list", "watch", "create", "delete"],
                "owners of Flink's TaskManagers, one per attempt, without replicas; watch is limited to our labels",
            )]
        }
    }

    fn watches(&self) -> Vec<Watch> {
        let why = "which ones Flink attempts left; owners of TaskManagers";
        let owners = Watch::child::<ProcessingJob, Deployment>(why).labels(OURS);
        vec![owners.stored_as::<Deployment>(
            |owner| {
                owner.spec = None;
                owner.status = None;
            },
            |_| Vec::new(),
        )]
    }

    fn url(&self, manager: &WorkloadView) -> Option<String> {
        layout::url(manager)
    }

    fn has_health(&self) -> bool {
        true
    }

    fn asks_for_workers(&self) -> bool {
        true
    }

    fn has_all_workers(&self, seen: &Observed) -> bool {
        let job = seen.flink.as_ref().and_then(|view| view.job.as_ref());
        job.is_some_and(|job| job.state == "RUNNING" && job.tasks > 0 && job.running + job.finished >= job.tasks)
    }

    fn holds_up_the_next(&self, pass: &mut Pass<'_>) -> bool {
        state::waits_for_the_last(pass)
    }

    fn begin(&self, pass: &mut Pass<'_>, attempt: &mut Attempt) -> Result<(), Trouble> {
        let uid = pass.job.uid().unwrap_or_default();
        attempt.flink = restore::begin(pass, &uid, &attempt.name).transpose()?;
        Ok(())
    }

    fn begin_dry_run(&self, attempt: &mut Attempt) {
        let job_id = name::job_id("", &attempt.name);
        attempt.flink = Some(FlinkAttempt { job_id, ..FlinkAttempt::default() });
    }

    fn starts_from(&self, pass: &Pass<'_>) -> Option<BucketKey> {
        let known = pass.seen.data.grant.as_ref().map(|grant| grant.buckets.as_slice()).unwrap_or_default();
        layout::metadata(restore::wish(pass)?, known)
    }

    fn needs(&self, attempt: &Attempt, seen: &Observed) -> Option<BucketKey> {
        // Later its newer checkpoints may have replaced it.
        let own = attempt.flink.as_ref().filter(|_| attempt.pod_uid.is_none() && seen.workload.is_none());
        layout::metadata(own?.restored_from.as_deref()?, &[])
    }

    fn hear(&self, pass: &mut Pass<'_>) {
        savepoint::forget(pass);
        savepoint::progress(pass);
    }

    fn runs(&self, pass: &Pass<'_>) -> Option<bool> {
        let job = pass.seen.data.flink.as_ref().and_then(|view| view.job.as_ref());
        Some(job.is_some_and(|job| verdict::runs(job, state::mode(pass))))
    }

    fn waits_for(&self, pass: &Pass<'_>) -> Option<Obstacle> {
        let seen = &pass.seen.data;
        verdict::waits(seen.workload.as_ref()?, seen.flink.as_ref())
    }

    fn pace(&self, seen: &Observed) -> Option<Duration> {
        seen.flink.is_some().then_some(POLL_FAST)
    }

    fn outcome(&self, manager: &WorkloadView, pass: &Pass<'_>) -> Option<Outcome> {
        verdict::outcome(manager, &pass.seen.data)
    }

    fn told(&self, seen: &Observed) -> Option<Outcome> {
        verdict::told(seen.flink.as_ref())
    }

    fn ends_at_once(&self) -> bool {
        true
    }

    fn tend(&self, pass: &mut Pass<'_>) -> Option<StopReason> {
        health::check(pass)
    }

    fn prepare_stop(&self, pass: &mut Pass<'_>, reason: StopReason) {
        savepoint::intend(pass, reason);
    }

    fn tend_stop(&self, pass: &mut Pass<'_>, attempt: &Attempt) {
        savepoint::insist(pass, attempt);
    }

    fn stops_until(&self, pass: &Pass<'_>, attempt: &Attempt) -> Option<Timestamp> {
        savepoint::waits(pass, attempt)
    }

    fn stopped_half_way(&self, attempt: &Attempt) -> bool {
        savepoint::saved(attempt)
    }

    fn stopped_for(&self, reason: StopReason) -> Option<Outcome> {
        match reason {
            StopReason::Unreachable => {
                Some(Outcome::failed(FailureClass::DriverLost, "Flink did not answer for 10 minutes"))
            }
            StopReason::JobGone => {
                Some(Outcome::failed(FailureClass::Infrastructure, "Flink does not know the job any more"))
            }
            _ => None,
        }
    }

    fn stop_periods(&self) -> u32 {
        // One for its savepoint, one for its pod.
        2
    }

    fn settle(&self, pass: &mut Pass<'_>, attempt: &Attempt, outcome: &Outcome) {
        restore_points::settle(pass, attempt, outcome);
    }

    fn call(&self, pass: &Pass<'_>, attempt: &Attempt) -> Option<EngineCall> {
        savepoint::call(pass, attempt)
            .or_else(|| savepoint::dispose(pass, attempt))
            .or_else(|| rescale::call(pass, attempt))
    }

    fn clean(&self, pass: &mut Pass<'_>) -> Vec<Action<EngineCall>> {
        orphans::clean(pass)
    }

    fn holds(&self, status: &ProcessingJobStatus) -> bool {
        state::holds(status)
    }
}
