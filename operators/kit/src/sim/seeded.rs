//! Seeded bugs of operators: each breaks one rule, and a scenario must end otherwise than with the sound operator.

use std::{marker::PhantomData, rc::Rc};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    drive::Build,
    scenario::{Scenario, caught},
    world::World,
};
use crate::{
    decision::Seen,
    events::Note,
    failure::Failure,
    kernel::{Controller, Kernel},
    operator::{DecisionOf, Operator, StatusOf},
    reader::{Reader, Writer},
    run::Env,
    watch::Watch,
};

/// What `decide` is given.
pub struct Inputs<'a, O: Operator> {
    /// The object, as the cache has it.
    pub object: &'a O::Object,
    /// What was observed, and what failed before.
    pub seen: &'a Seen<O::Observed>,
    /// The time.
    pub now: Timestamp,
}

/// A rule of an operator that is broken on purpose. Each hook leaves things as they are unless the bug overrides it.
#[async_trait]
pub trait SeededBug: Send + Sync + 'static {
    /// The operator it breaks.
    type Of: Operator;
    /// What it does wrong, as a short phrase ("registers without an intent").
    const NAME: &'static str;
    /// The scenario that must expose it.
    const SCENARIO: &'static str;

    /// Edits what was observed, before anybody sees it.
    fn observed(
        _observed: &mut <Self::Of as Operator>::Observed,
        _object: &<Self::Of as Operator>::Object,
        _reader: &Reader,
    ) {
    }

    /// Edits the object that is decided upon.
    fn object(_object: &mut <Self::Of as Operator>::Object, _inputs: &Inputs<'_, Self::Of>) {}

    /// Edits the decision.
    fn decision(_decision: &mut DecisionOf<Self::Of>, _inputs: &Inputs<'_, Self::Of>) {}

    /// Observes in place of the operator.
    async fn observe(
        operator: &Self::Of,
        object: &<Self::Of as Operator>::Object,
        reader: &Reader,
    ) -> Result<<Self::Of as Operator>::Observed, Failure> {
        operator.observe(object, reader).await
    }

    /// Performs an effect in place of the operator.
    async fn effect(
        operator: &Self::Of,
        _world: &World,
        object: &<Self::Of as Operator>::Object,
        effect: &<Self::Of as Operator>::Effect,
        writer: &Writer,
    ) -> Result<(), Failure> {
        operator.effect(object, effect, writer).await
    }
}

/// The operator with the bug.
struct Broken<B: SeededBug> {
    operator: B::Of,
    world: World,
    bug: PhantomData<B>,
}

#[async_trait]
impl<B: SeededBug> Operator for Broken<B> {
    type Object = <B::Of as Operator>::Object;
    type Observed = <B::Of as Operator>::Observed;
    type Effect = <B::Of as Operator>::Effect;
    const NAME: &'static str = B::Of::NAME;

    fn watches(&self) -> Vec<Watch> {
        self.operator.watches()
    }

    async fn observe(&self, object: &Self::Object, reader: &Reader) -> Result<Self::Observed, Failure> {
        let mut observed = B::observe(&self.operator, object, reader).await?;
        B::observed(&mut observed, object, reader);
        Ok(observed)
    }

    fn decide(object: &Self::Object, seen: &Seen<Self::Observed>, now: Timestamp) -> DecisionOf<Self> {
        let inputs = Inputs { object, seen, now };
        let mut edited = object.clone();
        B::object(&mut edited, &inputs);
        let mut decision = B::Of::decide(&edited, seen, now);
        B::decision(&mut decision, &inputs);
        decision
    }

    async fn effect(&self, object: &Self::Object, effect: &Self::Effect, writer: &Writer) -> Result<(), Failure> {
        B::effect(&self.operator, &self.world, object, effect, writer).await
    }

    fn notes(old: &StatusOf<Self>, new: &StatusOf<Self>) -> Vec<Note> {
        B::Of::notes(old, new)
    }
}

/// The controller of `operator` with the bug `B`.
#[must_use]
pub fn with_bug<B: SeededBug>(operator: B::Of, env: &Env, world: &World) -> Box<dyn Controller> {
    let broken = Broken::<B> { operator, world: world.clone(), bug: PhantomData };
    Box::new(Kernel::new(broken, env.reader.clone()))
}

/// A seeded bug as a value: what is wrong, what must expose it, and the processes to compare.
#[derive(Clone)]
pub struct Seeded {
    name: String,
    scenario: String,
    sound: Rc<Build<'static>>,
    broken: Rc<Build<'static>>,
}

impl Seeded {
    /// A bug that is no [`SeededBug`]: of the kernel, or of something the operator uses.
    pub fn new(
        name: impl Into<String>,
        scenario: impl Into<String>,
        sound: impl Fn(&Env, &World) -> Vec<Box<dyn Controller>> + 'static,
        broken: impl Fn(&Env, &World) -> Vec<Box<dyn Controller>> + 'static,
    ) -> Self {
        Self { name: name.into(), scenario: scenario.into(), sound: Rc::new(sound), broken: Rc::new(broken) }
    }

    /// The bug `B`, where `broken` builds its controller by [`with_bug`].
    pub fn of<B: SeededBug>(
        sound: impl Fn(&Env, &World) -> Vec<Box<dyn Controller>> + 'static,
        broken: impl Fn(&Env, &World) -> Vec<Box<dyn Controller>> + 'static,
    ) -> Self {
        Self::new(B::NAME, B::SCENARIO, sound, broken)
    }

    /// Whether its scenario exposes it.
    ///
    /// # Errors
    /// Why not.
    fn exposed(&self, scenarios: &[Scenario], orders: u64) -> Result<(), String> {
        let Some(scenario) = Scenario::find(scenarios, &self.scenario) else {
            return Err(format!("{}: there is no scenario \"{}\"", self.name, self.scenario));
        };
        if caught(scenario, &*self.sound, &*self.broken, orders) {
            return Ok(());
        }
        Err(format!("{}: not caught in \"{}\"", self.name, self.scenario))
    }
}

/// Looks for each bug in its scenario, and prints how many were caught.
///
/// # Errors
/// The bugs that were missed, a line each.
pub fn all_bugs_caught(bugs: &[Seeded], scenarios: &[Scenario], orders: u64) -> Result<(), String> {
    let missed: Vec<String> = bugs.iter().filter_map(|bug| bug.exposed(scenarios, orders).err()).collect();
    if !missed.is_empty() {
        return Err(missed.join("\n"));
    }
    println!("seeded bugs caught: {}", bugs.len());
    Ok(())
}
