//! A scenario: what is there, who acts, what must hold. A value, so that scenarios can be listed, cloned and found by name.

use std::{fmt, rc::Rc, time::Duration};

use super::{
    drive::{self, Actor, Build, Outcome, Story, once},
    explore::{self, Report},
    rest,
    schedule::Schedule,
    world::World,
};

/// How far simulated time may run on timers alone, if a scenario does not say.
const HORIZON: Duration = Duration::from_secs(120);

type Setup = Rc<dyn Fn(&World)>;
type Actors = Rc<dyn Fn() -> Vec<Actor>>;
type Check = Rc<dyn Fn(&World) -> Result<(), String>>;

/// A workload to run to its end: given a world, while actors act, then a check holds.
///
/// Everything has a default: an empty world, no actors, no invariant, no check beside equality with the undisturbed run.
///
/// ```
/// use millrace_crds::DataBucket;
/// use millrace_kit::sim::Scenario;
///
/// let deleted = Scenario::new("the bucket is deleted")
///     .when(|world| world.list::<DataBucket>().len() == 1, |world| world.delete::<DataBucket>("ml", "raw"))
///     .then(|world| if world.list::<DataBucket>().is_empty() { Ok(()) } else { Err("it is still there".into()) });
/// assert_eq!(deleted.name(), "the bucket is deleted");
/// ```
#[derive(Clone)]
pub struct Scenario {
    name: Rc<str>,
    given: Vec<Setup>,
    actors: Vec<Actors>,
    invariants: Vec<Check>,
    checks: Vec<Check>,
    horizon: Duration,
    writes: Option<usize>,
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scenario({})", self.name)
    }
}

impl Scenario {
    /// A scenario in which nothing is there and nobody acts.
    #[must_use]
    pub fn new(name: impl AsRef<str>) -> Self {
        Self {
            name: Rc::from(name.as_ref()),
            given: Vec::new(),
            actors: Vec::new(),
            invariants: Vec::new(),
            checks: Vec::new(),
            horizon: HORIZON,
            writes: None,
        }
    }

    /// What is there before the operator starts; several are done in order.
    #[must_use]
    pub fn given(mut self, setup: impl Fn(&World) + 'static) -> Self {
        self.given.push(Rc::new(setup));
        self
    }

    /// Somebody who acts beside the operator, made anew for each run.
    #[must_use]
    pub fn actor(self, actor: impl Fn() -> Actor + 'static) -> Self {
        self.actors(move || vec![actor()])
    }

    /// Several who act beside the operator, made anew for each run.
    #[must_use]
    pub fn actors(mut self, actors: impl Fn() -> Vec<Actor> + 'static) -> Self {
        self.actors.push(Rc::new(actors));
        self
    }

    /// Something that happens once, as soon as `condition` holds.
    #[must_use]
    pub fn when(self, condition: impl Fn(&World) -> bool + 'static, act: impl Fn(&World) + 'static) -> Self {
        let (condition, act) = (Rc::new(condition), Rc::new(act));
        self.actor(move || {
            let (condition, act) = (Rc::clone(&condition), Rc::clone(&act));
            once(move |world| condition(world), move |world| act(world))
        })
    }

    /// What must hold after every step, beside what was asked for before.
    #[must_use]
    pub fn invariant(mut self, check: impl Fn(&World) -> Result<(), String> + 'static) -> Self {
        self.invariants.push(Rc::new(check));
        self
    }

    /// What must hold at the end, beside what was asked for before and equality with the undisturbed run.
    #[must_use]
    pub fn then(mut self, check: impl Fn(&World) -> Result<(), String> + 'static) -> Self {
        self.checks.push(Rc::new(check));
        self
    }

    /// How far simulated time may run on timers alone; two minutes if not said.
    #[must_use]
    pub const fn within(mut self, horizon: Duration) -> Self {
        self.horizon = horizon;
        self
    }

    /// How many writes the undisturbed run makes; checked by [`explore`].
    #[must_use]
    pub const fn writes(mut self, writes: usize) -> Self {
        self.writes = Some(writes);
        self
    }

    /// How many writes it is to make, if it says so.
    #[must_use]
    pub const fn expected_writes(&self) -> Option<usize> {
        self.writes
    }

    /// The same actors and invariants from another beginning, to an end that is not checked yet.
    #[must_use]
    pub fn continued_from(&self, setup: impl Fn(&World) + 'static) -> Self {
        Self { given: vec![Rc::new(setup)], checks: Vec::new(), writes: None, ..self.clone() }
    }

    /// Its name, by which it is found and told.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The scenario of this name.
    #[must_use]
    pub fn find<'a>(all: &'a [Self], name: &str) -> Option<&'a Self> {
        all.iter().find(|scenario| scenario.name() == name)
    }

    /// The scenario with these controllers, as the driver sees it.
    fn with<T>(&self, build: &Build<'_>, then: impl FnOnce(&Story<'_>) -> T) -> T {
        let setup = |world: &World| self.given.iter().for_each(|given| given(world));
        let actors = || self.actors.iter().flat_map(|actors| actors()).collect();
        let invariant = |world: &World| self.invariants.iter().try_for_each(|check| check(world));
        let end = |world: &World| self.checks.iter().try_for_each(|check| check(world));
        then(&Story {
            name: &self.name,
            setup: &setup,
            build,
            actors: &actors,
            invariant: &invariant,
            end: &end,
            horizon: self.horizon,
        })
    }
}

/// Runs a scenario under a schedule.
#[must_use]
pub fn run(scenario: &Scenario, build: &Build<'_>, schedule: Schedule) -> Outcome {
    scenario.with(build, |story| drive::run(story, schedule))
}

/// The same, with everything that happens written down.
#[must_use]
pub fn recorded(scenario: &Scenario, build: &Build<'_>, schedule: Schedule) -> Outcome {
    scenario.with(build, |story| drive::recorded(story, schedule))
}

/// Every cut of every write under `orders` orders (seed 0 is strict order), and every order without a cut; or the one
/// schedule that the environment asks for.
#[must_use]
pub fn explore(scenario: &Scenario, build: &Build<'_>, orders: u64) -> Report {
    let mut report = scenario.with(build, |story| explore::explore(story, orders));
    if let Some(expected) = scenario.writes.filter(|expected| *expected != report.writes.len()) {
        let (name, made) = (scenario.name(), report.writes.len());
        report.faults.push(format!("{name}: {made} writes, expected {expected}: {:#?}", report.writes));
    }
    report
}

/// Explores all scenarios and prints how many schedules were run.
///
/// # Errors
/// What ended otherwise, what is left waiting for ever, and the writes of that scenario.
pub fn all_end_alike(scenarios: &[Scenario], build: &Build<'_>, orders: u64) -> Result<(), String> {
    let mut schedules = 0;
    let mut wrong = Vec::new();
    for scenario in scenarios {
        let report = explore(scenario, build, orders);
        println!("{}: {} schedules, {} writes", scenario.name(), report.schedules, report.writes.len());
        schedules += report.schedules;
        if let Err(faults) = report.settled() {
            wrong.push(format!("{faults}\nwrites of the undisturbed run: {:#?}", report.writes));
        }
    }
    println!("schedules: {schedules}");
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Whether any schedule tells the `broken` controllers from what the `sound` ones end with, or only the broken ones leave
/// something waiting for ever.
#[must_use]
pub fn caught(scenario: &Scenario, sound: &Build<'_>, broken: &Build<'_>, orders: u64) -> bool {
    scenario.with(sound, |sound| scenario.with(broken, |broken| explore::caught(sound, broken, orders)))
}

/// What is left waiting for ever after the undisturbed run of a scenario: one line each, with what it says it waits for.
///
/// An object waits unless it is Ready, Stalled (a person is asked), or has ended (`Succeeded` is True or False). An object
/// that is being deleted waits unless it is Stalled.
#[must_use]
pub fn left_waiting(scenario: &Scenario, build: &Build<'_>) -> Vec<String> {
    scenario.with(build, rest::left_waiting)
}
