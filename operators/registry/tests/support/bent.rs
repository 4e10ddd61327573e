//! The operator with one rule of its own broken: decorators around its controllers and around MLflow.

use std::{marker::PhantomData, sync::Arc};

use jiff::Timestamp;
use millrace_kit::{
    Action, Controller, DecisionOf, Env, Failure, Hands, Kernel, Operator, Reader, Seen, Watch, async_trait, names,
    sim::World,
};
use millrace_registry::{
    Key, Office, Registries, Settings, Versions,
    mlflow::{Answer, Catalogue, Change, Mlflow, NewVersion, Server, Version},
};

use crate::support::{self, KEY, mlflow::Simulated};

/// How a decision is bent.
trait Bend: Send + Sync + 'static {
    type Of: Operator;
    fn seen(_: &mut Seen<<Self::Of as Operator>::Observed>) {}
    fn bend(_: &mut DecisionOf<Self::Of>, _: Timestamp) {}
}

struct Bent<B: Bend>(B::Of, PhantomData<B>);

#[async_trait]
impl<B: Bend> Operator for Bent<B>
where
    <B::Of as Operator>::Observed: Clone,
{
    type Object = <B::Of as Operator>::Object;
    type Observed = <B::Of as Operator>::Observed;
    type Effect = <B::Of as Operator>::Effect;
    const NAME: &'static str = B::Of::NAME;

    fn watches(&self) -> Vec<Watch> {
        self.0.watches()
    }

    async fn observe(&self, object: &Self::Object, reader: &Reader) -> Result<Self::Observed, Failure> {
        self.0.observe(object, reader).await
    }

    fn decide(object: &Self::Object, seen: &Seen<Self::Observed>, now: Timestamp) -> DecisionOf<Self> {
        let mut seen = Seen { data: seen.data.clone(), failures: seen.failures.clone() };
        B::seen(&mut seen);
        let mut decision = B::Of::decide(object, &seen, now);
        B::bend(&mut decision, now);
        decision
    }

    async fn effect(&self, object: &Self::Object, effect: &Self::Effect, hands: &Hands) -> Result<(), Failure> {
        self.0.effect(object, effect, hands).await
    }
}

fn kernel<B: Bend>(env: &Env, inner: B::Of) -> Box<dyn Controller>
where
    <B::Of as Operator>::Observed: Clone,
{
    Box::new(Kernel::new(Bent::<B>(inner, PhantomData), env.reader.clone()))
}

struct ForgetsIntent;

impl Bend for ForgetsIntent {
    type Of = Versions;
    fn bend(decision: &mut DecisionOf<Versions>, _: Timestamp) {
        decision.status.creating = None;
    }
}

pub fn forgets_intent(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    vec![kernel::<ForgetsIntent>(env, Versions::new(Arc::new(support::office(env, world))))]
}

struct RobsAliases;

impl Bend for RobsAliases {
    type Of = Versions;
    fn seen(seen: &mut Seen<millrace_registry::VersionObserved>) {
        for holder in seen.data.aliases.values_mut() {
            holder.declared = false;
            holder.version = holder.version.min(1);
        }
        let newest = seen.data.version.as_ref().is_some_and(|v| v.version > 1);
        if !newest && seen.data.version.is_some() {
            seen.data.aliases.clear();
        }
    }
}

pub fn robs_aliases(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    vec![kernel::<RobsAliases>(env, Versions::new(Arc::new(support::office(env, world))))]
}

struct ServesAtOnce;

impl Bend for ServesAtOnce {
    type Of = Registries;
    fn bend(decision: &mut DecisionOf<Registries>, _: Timestamp) {
        let image = decision.status.migration.as_ref().map(|m| m.image.clone());
        decision.status.migrated_image = image;
    }
}

fn registries<B: Bend<Of = Registries>>(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    let office = Arc::new(support::office(env, world));
    let versions = Box::new(Kernel::new(Versions::new(Arc::clone(&office)), env.reader.clone()));
    vec![kernel::<B>(env, Registries::new(office)), versions]
}

pub fn serves_at_once(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    registries::<ServesAtOnce>(env, world)
}

struct NewNames;

impl Bend for NewNames {
    type Of = Registries;
    fn bend(decision: &mut DecisionOf<Registries>, now: Timestamp) {
        static CALLS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        for action in &mut decision.actions {
            if let Action::Create(child) = action
                && child.address().kind.kind == "Job"
            {
                let call = CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                child.body["metadata"]["name"] = names::hash(&[&call.to_string(), &now.to_string()], 8).into();
            }
        }
    }
}

pub fn new_names(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    registries::<NewNames>(env, world)
}

/// MLflow with one answer falsified.
struct Lying {
    truth: Simulated,
    finds: bool,
    proves: bool,
}

#[async_trait]
impl Mlflow for Lying {
    async fn look(&self, server: &Server) -> Answer<Catalogue> {
        self.truth.look(server).await
    }
    async fn find(&self, server: &Server, uid: &str) -> Answer<Vec<Version>> {
        if self.finds { self.truth.find(server, uid).await } else { Ok(Vec::new()) }
    }
    async fn version(&self, server: &Server, model: &str, version: i64) -> Answer<Option<Version>> {
        if self.proves { self.truth.version(server, model, version).await } else { Ok(None) }
    }
    async fn create_model(&self, server: &Server, model: &str) -> Answer<()> {
        self.truth.create_model(server, model).await
    }
    async fn create_version(&self, server: &Server, new: &NewVersion) -> Answer<Version> {
        self.truth.create_version(server, new).await
    }
    async fn change(&self, server: &Server, change: &Change) -> Answer<()> {
        self.truth.change(server, change).await
    }
}

fn lying(env: &Env, world: &World, honest: (bool, bool)) -> Office {
    let (finds, proves) = honest;
    let lying = Lying { truth: Simulated(world.clone()), finds, proves };
    let settings = Settings { image: "mlflow:1".into(), server_url: None };
    Office::new(Arc::new(lying), Key::of(KEY), (settings, env.waker.clone()))
}

pub fn never_searches(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    millrace_registry::over(env, lying(env, world, (false, true)))
}

pub fn no_proof(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    millrace_registry::over(env, lying(env, world, (true, false)))
}
