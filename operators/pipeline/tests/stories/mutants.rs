//! Seeded bugs of the operators: each breaks one rule, and some story must end otherwise.

use std::{
    marker::PhantomData,
    sync::atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ControllerRevision;
use millrace_crds::{
    MLPipelineRun,
    ml_pipeline_run::{RunPhase, StepPhase},
    well_known::ANNOTATION_RUN_REQUESTED,
};
use millrace_kit::{
    Action, Controller, DecisionOf, Env, Failure, Kernel, Key, Operator, Reader, Seen, Target, Watch, Writer,
    async_trait,
    sim::{self, World},
};
use millrace_pipeline::{
    pipeline::Pipelines,
    run::Runs,
    verbs::child_state::{ChildPhase, Progress},
};
use serde_json::json;

use super::{ORDERS, Plot, sound, with_story};

/// A bug: sees something else, or decides something else.
trait Bug<O: Operator>: Send + Sync + 'static {
    fn see(_: &mut O::Observed, _: &O::Object, _: &Reader) {}
    fn bend(decision: DecisionOf<O>, _: &O::Object, _: &Seen<O::Observed>) -> DecisionOf<O> {
        decision
    }
}

struct Bent<O, B>(O, PhantomData<B>);

#[async_trait]
impl<O: Operator, B: Bug<O>> Operator for Bent<O, B> {
    type Object = O::Object;
    type Observed = O::Observed;
    type Effect = O::Effect;
    const NAME: &'static str = O::NAME;

    fn watches(&self) -> Vec<Watch> {
        self.0.watches()
    }

    async fn observe(&self, object: &O::Object, reader: &Reader) -> Result<O::Observed, Failure> {
        let mut seen = self.0.observe(object, reader).await?;
        B::see(&mut seen, object, reader);
        Ok(seen)
    }

    fn decide(object: &O::Object, seen: &Seen<O::Observed>, now: Timestamp) -> DecisionOf<Self> {
        B::bend(O::decide(object, seen, now), object, seen)
    }

    async fn effect(&self, object: &O::Object, effect: &O::Effect, writer: &Writer) -> Result<(), Failure> {
        self.0.effect(object, effect, writer).await
    }
}

/// Draws a new name for each create; three of them, so that the world stays small.
struct RandomName;
static DRAWN: AtomicU64 = AtomicU64::new(0);
impl Bug<Runs> for RandomName {
    fn bend(
        mut decision: DecisionOf<Runs>,
        _: &MLPipelineRun,
        _: &Seen<<Runs as Operator>::Observed>,
    ) -> DecisionOf<Runs> {
        for action in &mut decision.actions {
            if let Action::Create(child) = action {
                child.body["metadata"]["name"] = json!(format!("job-{}", DRAWN.fetch_add(1, Ordering::Relaxed) % 3));
            }
        }
        decision
    }
}

/// Does not store which revision a run executes.
struct ForgetsRevision;
impl Bug<Runs> for ForgetsRevision {
    fn bend(
        mut decision: DecisionOf<Runs>,
        _: &MLPipelineRun,
        _: &Seen<<Runs as Operator>::Observed>,
    ) -> DecisionOf<Runs> {
        decision.status.revision = None;
        decision
    }
}

/// Believes that what the cache misses is gone.
struct TrustsCache;
impl Bug<Runs> for TrustsCache {
    fn see(seen: &mut <Runs as Operator>::Observed, run: &MLPipelineRun, reader: &Reader) {
        let namespace = run.metadata.namespace.clone().unwrap_or_default();
        if let Some(revision) = &mut seen.revision
            && reader.cached::<ControllerRevision>(&Key::new(namespace, &revision.name)).is_none()
        {
            revision.spec = None;
        }
    }
}

/// One failed step stops the others.
struct FailureStopsAll;
impl Bug<Runs> for FailureStopsAll {
    fn bend(
        mut decision: DecisionOf<Runs>,
        _: &MLPipelineRun,
        _: &Seen<<Runs as Operator>::Observed>,
    ) -> DecisionOf<Runs> {
        if decision.status.steps.iter().any(|s| s.phase == StepPhase::Failed) {
            for step in decision.status.steps.iter_mut().filter(|s| s.phase == StepPhase::Pending) {
                step.phase = StepPhase::Skipped;
            }
        }
        decision
    }
}

/// Forgets that a child was asked for.
struct ForgetsIntent;
impl Bug<Runs> for ForgetsIntent {
    fn bend(
        mut decision: DecisionOf<Runs>,
        _: &MLPipelineRun,
        _: &Seen<<Runs as Operator>::Observed>,
    ) -> DecisionOf<Runs> {
        decision.status.steps.retain(|s| s.phase != StepPhase::Running);
        decision
    }
}

/// Does not remember which request it answered.
struct ForgetsRequest;
impl Bug<Pipelines> for ForgetsRequest {
    fn bend(
        mut decision: DecisionOf<Pipelines>,
        pipeline: &<Pipelines as Operator>::Object,
        seen: &Seen<<Pipelines as Operator>::Observed>,
    ) -> DecisionOf<Pipelines> {
        decision.status.last_handled_run_request = None;
        let mut asked = pipeline.clone();
        asked.status.get_or_insert_default().last_handled_run_request = None;
        if pipeline.metadata.annotations.as_ref().is_some_and(|a| a.contains_key(ANNOTATION_RUN_REQUESTED)) {
            decision.actions = Pipelines::decide(&asked, seen, Timestamp::UNIX_EPOCH).actions;
        }
        decision
    }
}

/// Takes over what somebody else made under a declared name.
struct TakesOver;
impl Bug<Pipelines> for TakesOver {
    fn see(seen: &mut <Pipelines as Operator>::Observed, _: &<Pipelines as Operator>::Object, _: &Reader) {
        seen.buckets.retain(|b| b.metadata.owner_references.is_some());
    }
}

/// Leaves results in the jobs and reads them there each time.
struct ReadsBack;
impl Bug<Runs> for ReadsBack {
    fn bend(
        mut decision: DecisionOf<Runs>,
        _: &MLPipelineRun,
        _: &Seen<<Runs as Operator>::Observed>,
    ) -> DecisionOf<Runs> {
        decision.status.steps.iter_mut().for_each(|s| s.results = None);
        decision
    }
}

/// Takes a child that needs help for one that has failed.
struct StalledIsFailed;
impl Bug<Runs> for StalledIsFailed {
    fn see(seen: &mut <Runs as Operator>::Observed, _: &MLPipelineRun, _: &Reader) {
        for child in &mut seen.children {
            if let ChildPhase::Running(Progress { waits_for: Some(cause), stalled_since: Some(_), .. }) = &child.phase {
                child.phase = ChildPhase::Failed(cause.clone());
            }
        }
    }
}

/// Calls a step failed and leaves what it started.
struct VerdictFirst;
impl Bug<Runs> for VerdictFirst {
    fn bend(
        mut decision: DecisionOf<Runs>,
        _: &MLPipelineRun,
        _: &Seen<<Runs as Operator>::Observed>,
    ) -> DecisionOf<Runs> {
        let status = &mut decision.status;
        for step in status.steps.iter_mut().filter(|s| s.stopping_at.is_some()) {
            step.phase = StepPhase::Failed;
            status.phase = Some(RunPhase::Failed);
            status.finished_at = step.stopping_at.clone();
        }
        decision.actions.retain(|action| !matches!(action, Action::Delete(_)));
        decision
    }
}

/// Deletes a child whatever it has become.
struct DeletesUnseen;
impl Bug<Runs> for DeletesUnseen {
    fn bend(
        mut decision: DecisionOf<Runs>,
        _: &MLPipelineRun,
        _: &Seen<<Runs as Operator>::Observed>,
    ) -> DecisionOf<Runs> {
        for action in &mut decision.actions {
            if let Action::Delete(target) = action {
                target.version.clear();
            }
        }
        decision
    }
}

/// Waits for a pipeline as if it had just begun to.
struct WaitsForever;
impl Bug<Runs> for WaitsForever {
    fn bend(
        mut decision: DecisionOf<Runs>,
        _: &MLPipelineRun,
        _: &Seen<<Runs as Operator>::Observed>,
    ) -> DecisionOf<Runs> {
        decision.status.waiting_since = None;
        decision.wake = None;
        decision
    }
}

/// Waits for data as if it had just begun to.
struct DataForever;
impl Bug<Pipelines> for DataForever {
    fn bend(
        mut decision: DecisionOf<Pipelines>,
        _: &<Pipelines as Operator>::Object,
        _: &Seen<<Pipelines as Operator>::Observed>,
    ) -> DecisionOf<Pipelines> {
        decision.status.waiting_since = None;
        decision.wake = None;
        decision
    }
}

/// Answers a request only while its annotation stands.
struct ForgetsPending;
impl Bug<Pipelines> for ForgetsPending {
    fn bend(
        mut decision: DecisionOf<Pipelines>,
        pipeline: &<Pipelines as Operator>::Object,
        _: &Seen<<Pipelines as Operator>::Observed>,
    ) -> DecisionOf<Pipelines> {
        if pipeline.metadata.annotations.is_none() {
            let makes_run = |a: &Action<_>| matches!(a, Action::Create(child) if child.body["kind"] == "MLPipelineRun");
            decision.actions.retain(|a| !makes_run(a));
        }
        decision
    }
}

/// Keeps no revision but the present one.
struct ForgetsRuns;
impl Bug<Pipelines> for ForgetsRuns {
    fn bend(
        mut decision: DecisionOf<Pipelines>,
        pipeline: &<Pipelines as Operator>::Object,
        seen: &Seen<<Pipelines as Operator>::Observed>,
    ) -> DecisionOf<Pipelines> {
        let current = decision.status.revision.clone();
        for old in seen.data.revisions.iter().filter(|r| Some(&r.name) != current.as_ref()) {
            let metadata = kube::api::ObjectMeta {
                name: Some(old.name.clone()),
                namespace: pipeline.metadata.namespace.clone(),
                uid: Some(old.uid.clone()),
                ..Default::default()
            };
            let revision = ControllerRevision { metadata, ..ControllerRevision::default() };
            decision.actions.push(Action::Delete(Target::of(&revision)));
        }
        decision
    }
}

/// Whether some schedule of the story tells the bent operators from the sound ones.
fn caught(plot: Plot, bent: impl Fn(&Env) -> Vec<Box<dyn Controller>>) -> bool {
    let bent = |env: &Env, _: &World| bent(env);
    with_story(plot, &sound, |s| with_story(plot, &bent, |m| sim::story::caught(s, m, ORDERS)))
}

fn run_bug<B: Bug<Runs>>(plot: Plot) -> bool {
    caught(plot, |env| {
        vec![
            Box::new(Kernel::new(Pipelines, env.reader.clone())),
            Box::new(Kernel::new(Bent(Runs, PhantomData::<B>), env.reader.clone())),
        ]
    })
}

fn pipeline_bug<B: Bug<Pipelines>>(plot: Plot) -> bool {
    caught(plot, |env| {
        vec![
            Box::new(Kernel::new(Bent(Pipelines, PhantomData::<B>), env.reader.clone())),
            Box::new(Kernel::new(Runs, env.reader.clone())),
        ]
    })
}

/// Whether a bug is caught.
type Hunt = fn() -> bool;

#[test]
fn every_mutation_of_the_operators_is_caught() {
    let all: [(&str, Hunt); 15] = [
        ("random names", || run_bug::<RandomName>(Plot::Single)),
        ("forgets the revision", || run_bug::<ForgetsRevision>(Plot::Edited)),
        ("trusts the cache", || run_bug::<TrustsCache>(Plot::Pinned)),
        ("a failure stops all", || run_bug::<FailureStopsAll>(Plot::Fails)),
        ("forgets the intent", || run_bug::<ForgetsIntent>(Plot::Chain)),
        ("forgets the request", || pipeline_bug::<ForgetsRequest>(Plot::Requested)),
        ("takes over", || pipeline_bug::<TakesOver>(Plot::Squatter)),
        ("reads results back", || run_bug::<ReadsBack>(Plot::Tidied)),
        ("stalled is failed", || run_bug::<StalledIsFailed>(Plot::Heals)),
        ("verdict first", || run_bug::<VerdictFirst>(Plot::Late)),
        ("deletes unseen", || run_bug::<DeletesUnseen>(Plot::LastMoment)),
        ("waits for ever", || run_bug::<WaitsForever>(Plot::Never)),
        ("data for ever", || pipeline_bug::<DataForever>(Plot::Dry)),
        ("forgets what is pending", || pipeline_bug::<ForgetsPending>(Plot::TakenAway)),
        ("forgets the runs", || pipeline_bug::<ForgetsRuns>(Plot::Edited)),
    ];
    let missed: Vec<&str> = all.iter().filter(|(_, caught)| !caught()).map(|(name, _)| *name).collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
    println!("mutants caught: {}", all.len());
}
