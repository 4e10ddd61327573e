//! Broken rules, of the kernel and of this operator, must each be told from the sound ones.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use millrace_crds::{ProcessingJob, ProcessingJobStatus, processing_job::FailureClass};
use millrace_kit::{
    Action, Controller, Decision, Env, Failure, Kernel, Key, Operator, Reader, Seen, Watch, Writer, async_trait,
    sim::{
        self, World,
        faults::{self, KernelBug},
    },
};
use millrace_processing::{Answer, Observed, Processing, rest::FlinkCall};
use support::plots;

const ORDERS: u64 = 4;

fn sound(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    support::flink::build(env, world)
}

fn caught(plot: &str, mutant: &support::Build) -> bool {
    let plot = plots::named(plot);
    support::with_story(&plot, &sound, |reference| {
        support::with_story(&plot, mutant, |mutant| sim::story::caught(reference, mutant, ORDERS))
    })
}

/// The plots in which a broken rule of the kernel may show. Three have no subject here: a job holds no finalizer, what a
/// cache has not listed yet is asked of the API server, and nothing is applied.
fn exposes(mutation: KernelBug) -> Option<&'static str> {
    Some(match mutation {
        KernelBug::TrustStaleCache => "pod deleted while it runs",
        KernelBug::ActBeforeStatus => "container ends well",
        KernelBug::ActAfterConflict => "fails, then succeeds",
        KernelBug::UnconditionalStatus => "somebody else writes into the status",
        KernelBug::AdoptByName => "a name is taken",
        KernelBug::DeleteByName => "an old pod's name is taken",
        KernelBug::ActBeforeListed | KernelBug::FightAdmission | KernelBug::LateFinalizer => return None,
    })
}

#[test]
fn broken_kernels_are_caught() {
    let all = [
        KernelBug::TrustStaleCache,
        KernelBug::ActBeforeStatus,
        KernelBug::ActAfterConflict,
        KernelBug::UnconditionalStatus,
        KernelBug::AdoptByName,
        KernelBug::DeleteByName,
    ];
    let unseen = |mutation: &KernelBug| {
        let mutation = *mutation;
        let build = move |env: &Env, world: &World| -> Vec<Box<dyn Controller>> {
            vec![faults::kernel(mutation, support::flink::operator(world), env.reader.clone())]
        };
        !exposes(mutation).is_some_and(|plot| caught(plot, &build))
    };
    let missed: Vec<_> = all.iter().filter(|m| unseen(m)).collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
    println!("mutants caught: {}", all.len());
}

/// Rules of this operator, each broken once.
const FORGETS_INTENT: u8 = 0;
const RANDOM_NAME: u8 = 1;
const TRUSTS_CACHE: u8 = 2;
const FORGETS_UID: u8 = 3;
const LEAKS_GRANT: u8 = 4;
const STARTS_WITHOUT_DATA: u8 = 5;
const CHARGES_THE_USER: u8 = 6;
const DOES_NOT_WAIT_FOR_THE_END: u8 = 7;
const FORGETS_THE_DEADLINE: u8 = 8;
const STARTS_BESIDE_PEERS: u8 = 9;
const JUDGES_RANK_0_ALONE: u8 = 10;
const REPLACES_ONE_RANK: u8 = 11;
const LEAKS_THE_SERVICE: u8 = 12;
const STOPS_BEFORE_THE_PREFLIGHT: u8 = 13;
const TRIES_WITHOUT_DATA: u8 = 14;
const LEAKS_THE_PREFLIGHT: u8 = 15;
const FORGETS_WHOSE_MEMORY: u8 = 16;
const IGNORES_EVENTS: u8 = 17;
const KEEPS_THE_FIRST_WORDING: u8 = 18;
const NEVER_COUNTS_WORKERS: u8 = 19;
const A_CLAIM_IS_ROOM: u8 = 20;
const RECORDS_WHAT_NEVER_RAN: u8 = 21;
const NEVER_TRIES_ONE_MORE: u8 = 22;
const FORGETS_THE_REQUEST: u8 = 23;

struct Mutant<const RULE: u8>(Processing);

/// Never the same twice, as a clock or a random number would be.
static COUNTER: AtomicU32 = AtomicU32::new(0);

#[async_trait]
impl<const RULE: u8> Operator for Mutant<RULE> {
    type Object = ProcessingJob;
    type Observed = Observed;
    type Effect = FlinkCall;
    const NAME: &'static str = "processing";

    fn watches(&self) -> Vec<Watch> {
        self.0.watches()
    }

    async fn observe(&self, job: &ProcessingJob, reader: &Reader) -> Result<Observed, Failure> {
        let mut seen = self.0.observe(job, reader).await?;
        if RULE == TRUSTS_CACHE {
            let attempt = job.status.clone().unwrap_or_default().attempt.unwrap_or_default();
            let key = Key::new("ml", attempt.pod.unwrap_or_default());
            seen.lost = attempt.pod_uid.is_some() && reader.cached::<Pod>(&key).is_none();
            if attempt.pod_uid.is_none() && seen.workload.is_some() && reader.cached::<Pod>(&key).is_none() {
                seen.workload = None;
                seen.lost = true;
            }
        }
        if RULE == STARTS_BESIDE_PEERS && seen.ranks.iter().any(|p| p.phase == "Failed") {
            seen.ranks.retain(|p| p.phase == "Failed");
            seen.workload = None;
        }
        if RULE == STARTS_WITHOUT_DATA
            && let Some(grant) = &mut seen.grant
        {
            grant.ready = true;
        }
        if let Some(preflight) = &mut seen.preflight
            && (RULE == STOPS_BEFORE_THE_PREFLIGHT || (RULE == TRIES_WITHOUT_DATA && preflight.grant.is_some()))
        {
            preflight.answer = Some(Answer::Admitted);
        }
        if let Some(pod) = seen.workload.as_mut().filter(|_| RULE == IGNORES_EVENTS) {
            pod.warnings.clear();
        }
        if let Some(pod) = seen.workload.as_mut().filter(|_| RULE == A_CLAIM_IS_ROOM) {
            pod.unscheduled = pod.unscheduled.take().map(|(reason, _)| (reason, "0/1: 1 Insufficient cpu".to_owned()));
        }
        if RULE == NEVER_COUNTS_WORKERS {
            seen.workers = None;
        }
        if let Some(workers) = seen.workers.as_mut().filter(|_| RULE == NEVER_TRIES_ONE_MORE) {
            workers.refused = None;
        }
        if RULE == LEAKS_THE_PREFLIGHT {
            seen.old.retain(|child| child.kind != "DataGrant");
        }
        Ok(seen)
    }

    fn decide(job: &ProcessingJob, seen: &Seen<Observed>, now: Timestamp) -> Decision<ProcessingJobStatus, FlinkCall> {
        let mut job = job.clone();
        if RULE == FORGETS_THE_DEADLINE {
            job.spec.job.deadlines = None;
        }
        if RULE == JUDGES_RANK_0_ALONE
            && let Some(attempt) = job.status.as_mut().and_then(|s| s.attempt.as_mut())
            && seen.data.workload.as_ref().is_some_and(|p| p.phase == "Succeeded")
        {
            attempt.replicas = None;
        }
        let mut decision = Processing::decide(&job, seen, now);
        let status = &mut decision.status;
        match RULE {
            FORGETS_WHOSE_MEMORY => {
                for record in &mut status.last_attempts {
                    record.out_of_memory_field = None;
                }
            }
            FORGETS_INTENT if !decision.actions.is_empty() => {
                status.clone_from(&job.status.clone().unwrap_or_default());
            }
            RANDOM_NAME => {
                for action in &mut decision.actions {
                    if let Action::Create(child) = action {
                        let name = format!("x-{}-main", COUNTER.fetch_add(1, Ordering::Relaxed));
                        child.body["metadata"]["name"] = serde_json::json!(name);
                    }
                }
            }
            FORGETS_THE_REQUEST => status.pending_run_request = None,
            FORGETS_UID => {
                if let Some(attempt) = &mut status.attempt {
                    attempt.pod_uid = None;
                }
            }
            REPLACES_ONE_RANK => {
                if let Some(attempt) = &mut status.attempt {
                    attempt.ranks.clear();
                }
            }
            KEEPS_THE_FIRST_WORDING => {
                let old = job.status.clone().unwrap_or_default().conditions;
                for now in &mut status.conditions {
                    let first = old.iter().find(|c| c.type_ == now.type_ && c.reason == now.reason);
                    now.message = first.map_or(now.message.clone(), |first| first.message.clone());
                }
            }
            RECORDS_WHAT_NEVER_RAN => {
                for record in &mut status.last_attempts {
                    record.exit_code = record.exit_code.or(Some(137));
                }
            }
            LEAKS_THE_SERVICE => decision.actions.retain(|a| !matches!(a, Action::Delete(t) if t.kind == "Service")),
            LEAKS_GRANT => decision.actions.retain(|a| !matches!(a, Action::Delete(t) if t.kind == "DataGrant")),
            CHARGES_THE_USER => {
                for record in &mut status.last_attempts {
                    if record.class == Some(FailureClass::DriverLost) {
                        record.class = Some(FailureClass::Application);
                    }
                }
            }
            DOES_NOT_WAIT_FOR_THE_END => {
                decision.actions.retain(|a| !matches!(a, Action::Delete(t) if t.kind == "Pod"))
            }
            _ => {}
        }
        decision
    }

    async fn effect(&self, job: &ProcessingJob, call: &FlinkCall, writer: &Writer) -> Result<(), Failure> {
        self.0.effect(job, call, writer).await
    }
}

fn told<const RULE: u8>(plot: &str) -> bool {
    caught(plot, &|env, world| {
        vec![Box::new(Kernel::new(Mutant::<RULE>(support::flink::operator(world)), env.reader.clone()))]
    })
}

#[test]
fn broken_operators_are_caught() {
    let all = [
        ("forgets the intent", told::<FORGETS_INTENT>("container ends well")),
        ("random name", told::<RANDOM_NAME>("container ends well")),
        ("trusts the cache", told::<TRUSTS_CACHE>("container ends well")),
        ("forgets the uid", told::<FORGETS_UID>("pod deleted while it runs")),
        ("leaks the grant", told::<LEAKS_GRANT>("container with data")),
        ("starts without data", told::<STARTS_WITHOUT_DATA>("grant never ready")),
        ("charges the user", told::<CHARGES_THE_USER>("pod deleted while it runs")),
        ("does not end the old pod", told::<DOES_NOT_WAIT_FOR_THE_END>("spec changed while it runs")),
        ("starts beside peers that still run", told::<STARTS_BESIDE_PEERS>("a rank fails, all restart")),
        ("judges rank 0 alone", told::<JUDGES_RANK_0_ALONE>("three ranks end well")),
        ("replaces one rank", told::<REPLACES_ONE_RANK>("a rank is deleted while all run")),
        ("leaks the Service", told::<LEAKS_THE_SERVICE>("three ranks end well")),
        ("forgets the deadline", told::<FORGETS_THE_DEADLINE>("run deadline")),
        ("stops before the preflight", told::<STOPS_BEFORE_THE_PREFLIGHT>("a new spec is refused")),
        ("stops before the data is there", told::<TRIES_WITHOUT_DATA>("the data of a new spec is late")),
        ("forgets whose memory", told::<FORGETS_WHOSE_MEMORY>("executors' memory grows, then the driver's")),
        ("ignores Events", told::<IGNORES_EVENTS>("a Secret of a volume is missing")),
        ("keeps the first wording", told::<KEEPS_THE_FIRST_WORDING>("the cause of a wait for data changes")),
        ("never counts workers", told::<NEVER_COUNTS_WORKERS>("executors find no node")),
        ("never tries one more worker", told::<NEVER_TRIES_ONE_MORE>("executors over the quota")),
        ("a missing claim is want of room", told::<A_CLAIM_IS_ROOM>("a claim is missing")),
        ("records an exit code of what never ran", told::<RECORDS_WHAT_NEVER_RAN>("a sandbox of one byte")),
        ("forgets a request", told::<FORGETS_THE_REQUEST>("a request is taken away while suspended")),
        ("leaks the preflight's grant", told::<LEAKS_THE_PREFLIGHT>("the data of a new spec is late")),
    ];
    let missed: Vec<_> = all.iter().filter(|(_, caught)| !caught).map(|(name, _)| name).collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
    println!("mutants caught: {}", all.len());
}
