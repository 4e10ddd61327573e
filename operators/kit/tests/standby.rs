//! A standby whose cache is behind takes over from a leader that was killed after any of its writes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod toy;

use millrace_kit::{
    Controller, Env, Failure, Kernel, Key, Kind, Next, Watch, async_trait,
    sim::{self, Build, Cut, Scenario, Schedule, World},
};

use toy::{Toy, scenarios};

/// Orders tried for each write.
const ORDERS: u64 = 40;

fn toy(world: &World, env: &Env) -> Kernel<Toy> {
    Kernel::new(Toy { world: world.clone() }, env.reader.clone())
}

/// A kernel that does not ask what was written before it led.
struct Hasty(Kernel<Toy>);

#[async_trait]
impl Controller for Hasty {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn primary(&self) -> Kind {
        self.0.primary()
    }

    fn watches(&self) -> Vec<Watch> {
        self.0.watches()
    }

    async fn catch_up(&self) -> Result<(), Failure> {
        Ok(())
    }

    async fn pass(&self, key: &Key) -> Next {
        self.0.pass(key).await
    }
}

/// The first schedule that ends otherwise than the undisturbed one, and how.
fn differs(scenario: &Scenario, build: &Build<'_>) -> Option<String> {
    let reference = sim::run(scenario, build, Schedule::UNDISTURBED);
    let writes = 0..reference.writes.len();
    let mut schedules =
        writes.flat_map(|n| (0..ORDERS).map(move |seed| Schedule { seed, cut: Some((n, Cut::Failover)) }));
    schedules.find_map(|schedule| {
        let outcome = sim::run(scenario, build, schedule);
        let same = outcome.end == reference.end && outcome.effects == reference.effects;
        (!same || !outcome.faults.is_empty()).then(|| format!("{}/{schedule}: {:?}", scenario.name(), outcome.faults))
    })
}

#[test]
fn it_goes_on_where_its_predecessor_was() {
    let sound: &Build<'_> = &|env, world| vec![Box::new(toy(world, env))];
    let wrong: Vec<String> = scenarios::all().iter().filter_map(|scenario| differs(scenario, sound)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn without_a_look_at_what_was_written_it_does_things_twice() {
    let hasty: &Build<'_> = &|env, world| vec![Box::new(Hasty(toy(world, env)))];
    assert!(scenarios::all().iter().any(|scenario| differs(scenario, hasty).is_some()), "nobody notices");
    println!("seeded bugs caught: 1");
}
