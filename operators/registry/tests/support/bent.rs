//! The operator with one rule of its own broken: decorators around its controllers and around MLflow.

use std::{marker::PhantomData, sync::Arc};

use jiff::Timestamp;
use millrace_crds::{ModelRegistry, model_registry::Migrated};
use millrace_kit::{
    Action, Controller, DecisionOf, Env, Failure, Kernel, Operator, Reader, Seen, Watch, Writer, async_trait, names,
    sim::World,
};
use millrace_registry::{
    Context, Exit, Key, Registries, RegistryObserved, Settings, VersionObserved, Versions,
    mlflow::{Answer, Catalogue, Change, Mlflow, NewVersion, Server, Version},
};

use crate::support::{self, KEY, mlflow::Simulated};

/// How a decision is bent.
trait Bend: Send + Sync + 'static {
    type Of: Operator;
    fn object(_: &mut <Self::Of as Operator>::Object) {}
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
        let mut object = object.clone();
        B::object(&mut object);
        let mut decision = B::Of::decide(&object, &seen, now);
        B::bend(&mut decision, now);
        decision
    }

    async fn effect(&self, object: &Self::Object, effect: &Self::Effect, writer: &Writer) -> Result<(), Failure> {
        self.0.effect(object, effect, writer).await
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
    vec![kernel::<ForgetsIntent>(env, Versions::new(Arc::new(support::context(env, world))))]
}

struct RobsAliases;

impl Bend for RobsAliases {
    type Of = Versions;
    fn seen(seen: &mut Seen<VersionObserved>) {
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
    vec![kernel::<RobsAliases>(env, Versions::new(Arc::new(support::context(env, world))))]
}

struct ServesAtOnce;

impl Bend for ServesAtOnce {
    type Of = Registries;
    fn bend(decision: &mut DecisionOf<Registries>, _: Timestamp) {
        let image = decision.status.migration.as_ref().map(|m| m.image.clone());
        decision.status.migrated_image.clone_from(&image);
        let secret = "registry-database/uri".to_owned();
        decision.status.migrated = image.map(|image| Migrated { image, secret, ..Migrated::default() });
    }
}

fn registries<B: Bend<Of = Registries>>(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    let context = Arc::new(support::context(env, world));
    let versions = Box::new(Kernel::new(Versions::new(Arc::clone(&context)), env.reader.clone()));
    vec![kernel::<B>(env, Registries::new(context)), versions]
}

pub fn serves_at_once(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    registries::<ServesAtOnce>(env, world)
}

struct ImageAlone;

impl Bend for ImageAlone {
    type Of = Registries;
    fn object(registry: &mut ModelRegistry) {
        let secret = registry.spec.database.secret_ref.name.clone();
        if let Some(migrated) = registry.status.as_mut().and_then(|s| s.migrated.as_mut()) {
            migrated.secret = format!("{secret}/uri");
        }
    }
}

pub fn image_alone(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    registries::<ImageAlone>(env, world)
}

struct Deaf;

impl Bend for Deaf {
    type Of = Registries;
    fn seen(seen: &mut Seen<RegistryObserved>) {
        if let Some(server) = &mut seen.data.server {
            server.given = None;
        }
    }
}

pub fn deaf(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    registries::<Deaf>(env, world)
}

/// Changes what is written of children of a kind.
fn children(decision: &mut DecisionOf<Registries>, kind: &str, change: fn(&mut serde_json::Value)) {
    for action in &mut decision.actions {
        if let Action::Create(child) | Action::Apply(child) = action
            && child.address().kind.kind == kind
        {
            change(&mut child.body);
        }
    }
}

struct Recreates;

impl Bend for Recreates {
    type Of = Registries;
    fn bend(decision: &mut DecisionOf<Registries>, _: Timestamp) {
        children(decision, "Deployment", |body| body["spec"]["strategy"] = serde_json::json!({"type": "Recreate"}));
    }
}

pub fn recreates(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    registries::<Recreates>(env, world)
}

struct LooksForNoSecret;

impl Bend for LooksForNoSecret {
    type Of = Registries;
    fn seen(seen: &mut Seen<RegistryObserved>) {
        seen.data.missing_secrets.clear();
    }
}

pub fn looks_for_no_secret(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    registries::<LooksForNoSecret>(env, world)
}

struct Untold;

impl Bend for Untold {
    type Of = Registries;
    fn bend(decision: &mut DecisionOf<Registries>, _: Timestamp) {
        children(decision, "Job", |body| {
            let env = body.pointer_mut("/spec/template/spec/containers/0/env").and_then(|e| e.as_array_mut());
            env.unwrap().retain(|v| v["name"] != "MILLRACE_SERVED");
        });
    }
}

pub fn untold(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    registries::<Untold>(env, world)
}

struct TrustsSources;

impl Bend for TrustsSources {
    type Of = Versions;
    fn seen(seen: &mut Seen<VersionObserved>) {
        ends(seen, |exit| exit.message = exit.message.replace("\"files\":0", "\"files\":1"));
    }
}

pub fn trusts_sources(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    vec![kernel::<TrustsSources>(env, Versions::new(Arc::new(support::context(env, world))))]
}

/// Changes how the pods of measurements are said to have ended.
fn ends(seen: &mut Seen<VersionObserved>, change: fn(&mut Exit)) {
    seen.data.pods.iter_mut().filter_map(|p| p.exit.as_mut()).for_each(change);
}

struct BelievesTheEvicted;

impl Bend for BelievesTheEvicted {
    type Of = Versions;
    fn seen(seen: &mut Seen<VersionObserved>) {
        ends(seen, |exit| *exit = Exit { code: 0, message: "{\"files\": 3, \"bytes\": 30}".into(), at: exit.at });
    }
}

pub fn believes_the_evicted(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    vec![kernel::<BelievesTheEvicted>(env, Versions::new(Arc::new(support::context(env, world))))]
}

struct WaitsForTheJob;

impl Bend for WaitsForTheJob {
    type Of = Registries;
    fn seen(seen: &mut Seen<RegistryObserved>) {
        seen.data.pods.iter_mut().filter_map(|p| p.exit.as_mut()).for_each(|exit| exit.at = None);
    }
}

pub fn waits_for_the_job(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    registries::<WaitsForTheJob>(env, world)
}

struct LetsGo;

impl Bend for LetsGo {
    type Of = Versions;
    fn bend(decision: &mut DecisionOf<Versions>, _: Timestamp) {
        decision.hold = false;
    }
}

pub fn lets_go(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    vec![kernel::<LetsGo>(env, Versions::new(Arc::new(support::context(env, world))))]
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
    async fn delete_version(&self, server: &Server, model: &str, version: i64) -> Answer<()> {
        self.truth.delete_version(server, model, version).await
    }
    async fn change(&self, server: &Server, change: &Change) -> Answer<()> {
        self.truth.change(server, change).await
    }
}

fn lying(env: &Env, world: &World, honest: (bool, bool)) -> Context {
    let (finds, proves) = honest;
    let lying = Lying { truth: Simulated(world.clone()), finds, proves };
    let settings = Settings { image: "mlflow:1".into(), server_url: None };
    Context::new(Arc::new(lying), Key::of(KEY), settings, env.waker.clone())
}

pub fn never_searches(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    millrace_registry::controllers_with(env, lying(env, world, (false, true)))
}

pub fn no_proof(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    millrace_registry::controllers_with(env, lying(env, world, (true, false)))
}
