//! Broken rules about how a pod ends and what it may be, each told from the sound ones.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use jiff::Timestamp;
use millrace_crds::{ProcessingJob, ProcessingJobStatus, processing_job::JobPhase};
use millrace_kit::{Action, Decision, Failure, Kernel, Operator, Reader, Seen, Watch, Writer, async_trait, sim};
use millrace_processing::{Beside, ContainerView, Observed, Processing, WorkloadView, rest::FlinkCall};
use support::plots;

const ORDERS: u64 = 4;

/// Exit code 0 is success, whatever the pod says.
const BELIEVES_THE_EXIT_CODE: u8 = 0;
/// The phase is never waited for.
const DOES_NOT_WAIT_FOR_THE_PHASE: u8 = 1;
/// A pod is over when all its containers are.
const WAITS_FOR_SIDECARS: u8 = 2;
/// A pod is over when the program's container is.
const FORGETS_SIDECARS: u8 = 3;
/// Whoever asks for a priority of the system gets it.
const ALLOWS_ANY_PRIORITY: u8 = 5;
/// What still runs after a success is left to itself.
const LEAVES_SIDECARS: u8 = 4;

/// Whoever is evicted, the node was short of disk.
const BLAMES_THE_NODE: u8 = 6;

struct Mutant<const RULE: u8>(Processing);

fn bend<const RULE: u8>(pod: &mut WorkloadView) {
    let open = pod.beside.values().any(|one| *one == Beside::Open);
    match (RULE, &pod.container) {
        (BELIEVES_THE_EXIT_CODE, ContainerView::Ended { code: 0, .. }) => {
            pod.phase = "Succeeded".into();
            (pod.verdict, pod.disrupted) = (None, None);
        }
        (DOES_NOT_WAIT_FOR_THE_PHASE, _) => pod.unconfirmed = Some(Timestamp::MIN),
        (WAITS_FOR_SIDECARS, ContainerView::Ended { .. }) if open => {
            pod.container = ContainerView::Running { since: None };
        }
        (FORGETS_SIDECARS, _) => pod.beside.clear(),
        (BLAMES_THE_NODE, _) => {
            if let Some((_, message)) = &mut pod.verdict {
                "The node was low on resource: ephemeral-storage.".clone_into(message);
            }
        }
        _ => {}
    }
}

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
        seen.workload.iter_mut().for_each(bend::<RULE>);
        if RULE == ALLOWS_ANY_PRIORITY {
            seen.system_priority = Some(true);
        }
        Ok(seen)
    }

    fn decide(job: &ProcessingJob, seen: &Seen<Observed>, now: Timestamp) -> Decision<ProcessingJobStatus, FlinkCall> {
        let mut decision = Processing::decide(job, seen, now);
        if RULE == LEAVES_SIDECARS && decision.status.phase == Some(JobPhase::Succeeded) {
            decision.actions.retain(|a| !matches!(a, Action::Delete(t) if t.kind == "Pod"));
        }
        decision
    }

    async fn effect(&self, job: &ProcessingJob, call: &FlinkCall, writer: &Writer) -> Result<(), Failure> {
        self.0.effect(job, call, writer).await
    }
}

fn told<const RULE: u8>(plot: &str) -> bool {
    let plot = plots::named(plot);
    let broken: &support::Build =
        &|env, world| vec![Box::new(Kernel::new(Mutant::<RULE>(support::flink::operator(world)), env.reader.clone()))];
    support::with_story(&plot, &support::flink::build, |reference| {
        support::with_story(&plot, broken, |mutant| sim::story::caught(reference, mutant, ORDERS))
    })
}

#[test]
fn broken_verdicts_are_caught() {
    let all = [
        ("believes the exit code", told::<BELIEVES_THE_EXIT_CODE>("the kubelet ends it and it exits with 0")),
        ("does not wait for the phase", told::<DOES_NOT_WAIT_FOR_THE_PHASE>("its phase comes after its exit code")),
        ("waits for sidecars", told::<WAITS_FOR_SIDECARS>("a sidecar outlives it")),
        ("forgets sidecars", told::<FORGETS_SIDECARS>("a sidecar outlives one that fails")),
        ("allows any priority", told::<ALLOWS_ANY_PRIORITY>("a priority of the system")),
        ("blames the node", told::<BLAMES_THE_NODE>("it is evicted for its own scratch")),
        ("leaves sidecars", told::<LEAVES_SIDECARS>("a sidecar outlives it")),
    ];
    let missed: Vec<_> = all.iter().filter(|(_, caught)| !caught).map(|(name, _)| name).collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
    println!("mutants caught: {}", all.len());
}
