//! Broken rules of Flink's state machine must each be told from the sound ones.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use millrace_crds::{ProcessingJob, ProcessingJobStatus};
use millrace_kit::{Action, Child, Decision, Failure, Kernel, Operator, Reader, Seen, Watch, Writer, async_trait, sim};
use millrace_processing::{
    HaView, Observed, Processing,
    rest::{FlinkCall, JobView, TriggerView},
};
use support::plots;

const ORDERS: u64 = 1;

const NEW_TRIGGER_EACH_TIME: u8 = 0;
const TRUSTS_COMPLETED: u8 = 1;
const STARTS_EMPTY: u8 = 2;
const DOES_NOT_LOOK_FOR_CHECKPOINTS: u8 = 3;
const TAKES_AN_OLD_CHECKPOINT: u8 = 4;
const LEAKS_MAPS: u8 = 5;
const HOLDS_NOTHING: u8 = 6;
const STOPS_WITHOUT_SAVEPOINT: u8 = 7;
const FORGETS_THE_KEPT_SPEC: u8 = 8;
const HAS_ALL_TIME: u8 = 9;
const TAKES_A_STOP_FOR_THE_END: u8 = 10;
const DOES_NOT_WAIT_FOR_THE_LAST: u8 = 11;
const EMPTY_WHERE_UNKNOWN: u8 = 12;
const BELIEVES_IN_THE_JOB: u8 = 13;
const WAITS_FOR_A_SAVEPOINT_FOR_EVER: u8 = 14;
const DISPOSES_OF_THE_NEWEST: u8 = 15;
const LEAKS_THE_ANCHOR: u8 = 16;
const MOVES_WHAT_IS_PINNED: u8 = 17;
const TAKES_THE_WISH_FOR_THE_BEGINNING: u8 = 18;
const SPEAKS_ONLY_WHILE_IT_RUNS: u8 = 19;

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
        let stopping = job.status.as_ref().and_then(|s| s.attempt.as_ref()).is_some_and(|a| a.stop_reason.is_some());
        let over = seen.flink.as_ref().and_then(|f| f.job.as_ref()).is_some_and(JobView::over);
        match RULE {
            TRUSTS_COMPLETED => {
                if let Some(Some(trigger)) = seen.flink.as_mut().map(|f| f.trigger.as_mut())
                    && let TriggerView::Failed { .. } = trigger
                {
                    *trigger = TriggerView::Done { path: "s3://ml-state/flink/features/savepoints/none".into() };
                }
            }
            DOES_NOT_LOOK_FOR_CHECKPOINTS => {
                seen.ha = seen.ha.map(|_| HaView { found: true, newest: None });
            }
            TAKES_AN_OLD_CHECKPOINT => {
                if let Some(ha) = &mut seen.ha {
                    ha.newest = ha.newest.map(|n| n - 1);
                }
            }
            TAKES_A_STOP_FOR_THE_END if over => {
                if let Some(view) = &mut seen.flink {
                    (view.trigger, view.savepoint) = (None, None);
                }
            }
            FORGETS_THE_KEPT_SPEC => seen.kept = None,
            DOES_NOT_WAIT_FOR_THE_LAST => {
                seen.previous = None;
                seen.lost |= stopping && over;
            }
            BELIEVES_IN_THE_JOB => {
                if let Some(view) = seen.flink.as_mut().filter(|view| view.away.is_none()) {
                    let job = JobView { state: "RUNNING".into(), tasks: 2, running: 2, finished: 0 };
                    view.job.get_or_insert(job);
                }
            }
            _ => {}
        }
        Ok(seen)
    }

    fn decide(job: &ProcessingJob, seen: &Seen<Observed>, now: Timestamp) -> Decision<ProcessingJobStatus, FlinkCall> {
        let (own, mut job) = (job, job.clone());
        if RULE == WAITS_FOR_A_SAVEPOINT_FOR_EVER {
            job.spec.job.deadlines = serde_json::from_value(serde_json::json!({"stop": "10h"})).unwrap();
        }
        if let Some(status) = &mut job.status {
            if RULE == HAS_ALL_TIME {
                status.started_at = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now));
            }
            let count = plots::rescale::count(own);
            if let Some(own) = status.attempt.as_mut().and_then(|a| a.flink.as_mut()) {
                match RULE {
                    MOVES_WHAT_IS_PINNED => own.pinned = own.parallelism.map(|_| Vec::new()),
                    TAKES_THE_WISH_FOR_THE_BEGINNING => own.parallelism = own.parallelism.and(count),
                    _ => {}
                }
            }
            let next = status.state.as_mut().map(|s| &mut s.next_restore);
            if let Some(next) = next.filter(|n| RULE == EMPTY_WHERE_UNKNOWN && n.as_deref() == Some("Unknown")) {
                *next = Some("Empty".into());
            }
        }
        let mut decision = Processing::decide(&job, seen, now);
        let status = &mut decision.status;
        match RULE {
            NEW_TRIGGER_EACH_TIME => {
                for action in &mut decision.actions {
                    if let Action::Effect(FlinkCall::Savepoint { trigger, .. }) = action {
                        *trigger = format!("{:032x}", COUNTER.fetch_add(1, Ordering::Relaxed));
                    }
                }
            }
            STARTS_EMPTY => {
                if let Some(own) = status.attempt.as_mut().and_then(|a| a.flink.as_mut()) {
                    own.restored_from = Some("Empty".into());
                }
            }
            LEAKS_MAPS => {
                if let Some(state) = &mut status.state {
                    state.leftovers.clear();
                }
            }
            HOLDS_NOTHING => decision.hold = false,
            STOPS_WITHOUT_SAVEPOINT => {
                if let Some(own) = status.attempt.as_mut().and_then(|a| a.flink.as_mut()) {
                    own.trigger = None;
                }
                decision.actions.retain(|a| !matches!(a, Action::Effect(_)));
            }
            DISPOSES_OF_THE_NEWEST => {
                let newest = status.state.as_ref().and_then(|s| s.next_restore.clone()).unwrap_or_default();
                for action in &mut decision.actions {
                    if let Action::Effect(FlinkCall::Dispose { path, .. }) = action {
                        path.clone_from(&newest);
                    }
                }
            }
            SPEAKS_ONLY_WHILE_IT_RUNS => {
                let keeps = |child: &Child| child.body.pointer("/spec/protectOnly").is_some();
                decision.actions.retain(|a| !matches!(a, Action::Create(child) if keeps(child)));
            }
            LEAKS_THE_ANCHOR => {
                decision.actions.retain(|a| !matches!(a, Action::Delete(t) if t.kind == "Deployment"));
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
    let plot = plots::named(plot);
    let mutant: &support::Build =
        &|env, world| vec![Box::new(Kernel::new(Mutant::<RULE>(support::flink::operator(world)), env.reader.clone()))];
    support::with_story(&plot, &support::flink::build, |reference| {
        let caught = support::with_story(&plot, mutant, |mutant| sim::story::caught(reference, mutant, ORDERS));
        println!("{}: rule {RULE}, caught: {caught}", plot.name);
        caught
    })
}

#[test]
fn broken_state_machines_are_caught() {
    let upgrade = "stream upgraded with its savepoint";
    let killed = "JobManager killed";
    let all = [
        ("a new trigger each time", told::<NEW_TRIGGER_EACH_TIME>("savepoints now and then")),
        ("trusts COMPLETED", told::<TRUSTS_COMPLETED>("the first savepoint has no location")),
        ("starts empty", told::<STARTS_EMPTY>(killed)),
        ("does not look for checkpoints", told::<DOES_NOT_LOOK_FOR_CHECKPOINTS>(killed)),
        ("takes an old checkpoint", told::<TAKES_AN_OLD_CHECKPOINT>(killed)),
        ("leaks what nobody owns", told::<LEAKS_MAPS>(killed)),
        ("holds nothing", told::<HOLDS_NOTHING>("stream deleted with a savepoint")),
        ("stops without a savepoint", told::<STOPS_WITHOUT_SAVEPOINT>(upgrade)),
        ("forgets the kept spec", told::<FORGETS_THE_KEPT_SPEC>("an upgrade that cannot restore goes back")),
        ("has all time", told::<HAS_ALL_TIME>("an upgrade that does not become healthy goes back")),
        ("takes a stop for the end", told::<TAKES_A_STOP_FOR_THE_END>(upgrade)),
        ("does not wait for the last", told::<DOES_NOT_WAIT_FOR_THE_LAST>(upgrade)),
        ("empty where unknown", told::<EMPTY_WHERE_UNKNOWN>("an unknown restore point")),
        ("believes in the job", told::<BELIEVES_IN_THE_JOB>("the JobManager forgets its job")),
        ("waits for a savepoint for ever", told::<WAITS_FOR_A_SAVEPOINT_FOR_EVER>("a savepoint never ends")),
        ("disposes of the newest", told::<DISPOSES_OF_THE_NEWEST>("savepoints now and then")),
        ("moves what is pinned", told::<MOVES_WHAT_IS_PINNED>("stream rescaled in place")),
        (
            "takes the wish for the beginning",
            told::<TAKES_THE_WISH_FOR_THE_BEGINNING>("stream rescaled before its job is there"),
        ),
        ("speaks only while it runs", told::<SPEAKS_ONLY_WHILE_IT_RUNS>("stream suspended and resumed")),
        ("leaks the anchor", told::<LEAKS_THE_ANCHOR>(killed)),
    ];
    let missed: Vec<_> = all.iter().filter(|(_, caught)| !caught).map(|(name, _)| name).collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
    println!("mutants caught: {}", all.len());
}
