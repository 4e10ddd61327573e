//! Records what this version leaves behind when it is killed before any of its writes, for the versions after it.
//!
//! `RECORD=NAME cargo test -p millrace-processing --test record` writes `tests/landings/NAME`, once per landing; the
//! test `landings` takes such a world over. Without `RECORD` it checks that the recording still works.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::{cell::RefCell, fs, path::Path, rc::Rc};

use k8s_openapi::api::{
    core::v1::{ConfigMap, Pod, ServiceAccount},
    rbac::v1::RoleBinding,
};
use millrace_crds::{DataGrant, ProcessingJob};
use millrace_kit::{
    Env, Object,
    sim::{self, Cut, Scenario, Schedule, World},
};
use serde_json::{Value, json};
use support::scenarios;

/// Every phase of a container and of a Spark job is among their moments.
const RECORDED: [&str; 6] = [
    "container with data",
    "spark ends well",
    "fails, then succeeds",
    "suspended and resumed",
    "spec changed while it runs",
    "run deadline",
];

fn all<K: Object>(world: &World) -> Vec<Value> {
    world.list::<K>().into_iter().map(|object| serde_json::to_value(object).unwrap()).collect()
}

fn everything(world: &World) -> Vec<Value> {
    let jobs = all::<ProcessingJob>(world);
    let data = [all::<DataGrant>(world), all::<ConfigMap>(world), all::<Pod>(world)].concat();
    [jobs, data, all::<ServiceAccount>(world), all::<RoleBinding>(world)].concat()
}

/// The world at each death, an object's every version once, and which of them there were.
#[derive(Default)]
struct Moments {
    objects: Vec<Value>,
    moments: Vec<Value>,
}

impl Moments {
    fn add(&mut self, world: &World) {
        let mut has = Vec::new();
        for object in everything(world) {
            let known = self.objects.iter().position(|o| *o == object);
            has.push(known.unwrap_or(self.objects.len()));
            if known.is_none() {
                self.objects.push(object);
            }
        }
        let moment = json!({"now": world.now().to_string(), "has": has});
        if self.moments.last() != Some(&moment) {
            self.moments.push(moment);
        }
    }

    /// A line per object, so that a difference can be read.
    fn text(&self) -> String {
        let lines = |list: &[Value]| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(",\n");
        format!("{{\"objects\": [\n{}\n],\n\"moments\": [\n{}\n]}}\n", lines(&self.objects), lines(&self.moments))
    }
}

fn moments(scenario: &Scenario) -> Moments {
    let found = Rc::new(RefCell::new(Moments::default()));
    let build = |env: &Env, _: &World| millrace_processing::controllers(env);
    let at_death = {
        let found = Rc::clone(&found);
        scenario.clone().invariant(move |world| {
            if world.dead() {
                found.borrow_mut().add(world);
            }
            Ok(())
        })
    };
    for n in 0..sim::run(scenario, &build, Schedule::UNDISTURBED).writes.len() {
        let _ = sim::run(&at_death, &build, Schedule { seed: 0, cut: Some((n, Cut::KillBefore)) });
    }
    let at_the_end = {
        let found = Rc::clone(&found);
        scenario.clone().then(move |world| {
            found.borrow_mut().add(world);
            Ok(())
        })
    };
    let _ = sim::run(&at_the_end, &build, Schedule::UNDISTURBED);
    found.take()
}

#[test]
fn what_is_left_at_each_death() {
    let version = std::env::var("RECORD").ok();
    for name in RECORDED {
        let moments = moments(&scenarios::named(name));
        assert!(moments.moments.len() > 4, "{name}: {} moments", moments.moments.len());
        if let Some(version) = &version {
            let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/landings").join(version);
            fs::create_dir_all(&dir).unwrap();
            let file = name.replace(", ", " ").replace(' ', "-") + ".json";
            fs::write(dir.join(file), moments.text()).unwrap();
        }
    }
}
