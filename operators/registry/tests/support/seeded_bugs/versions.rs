//! Bugs of the controller of ModelVersions.

use millrace_crds::ModelVersion;
use millrace_kit::{
    DecisionOf, Reader,
    sim::{Inputs, Seeded, SeededBug},
};
use millrace_registry::{Exit, VersionObserved, Versions};

use super::of_versions;

pub fn all() -> Vec<Seeded> {
    vec![
        of_versions::<ForgetsIntent>(),
        of_versions::<RobsAliases>(),
        of_versions::<BelievesTheEvicted>(),
        of_versions::<TrustsSources>(),
        of_versions::<LetsGo>(),
    ]
}

/// The status says that a version is registered before it is.
struct ForgetsIntent;

impl SeededBug for ForgetsIntent {
    type Of = Versions;
    const NAME: &'static str = "registers without an intent";
    const SCENARIO: &'static str = "registered";

    fn decision(decision: &mut DecisionOf<Versions>, _: &Inputs<'_, Versions>) {
        decision.status.creating = None;
    }
}

/// An alias stays with the newest version that lists it.
struct RobsAliases;

impl SeededBug for RobsAliases {
    type Of = Versions;
    const NAME: &'static str = "robs newer versions of aliases";
    const SCENARIO: &'static str = "a newer version takes the alias";

    fn observed(observed: &mut VersionObserved, _: &ModelVersion, _: &Reader) {
        for holder in observed.aliases.values_mut() {
            holder.declared = false;
            holder.version = holder.version.min(1);
        }
        let newest = observed.version.as_ref().is_some_and(|v| v.version > 1);
        if !newest && observed.version.is_some() {
            observed.aliases.clear();
        }
    }
}

/// A measurement counts if its program ended well and its pod was not evicted.
struct BelievesTheEvicted;

impl SeededBug for BelievesTheEvicted {
    type Of = Versions;
    const NAME: &'static str = "believes an evicted measurement";
    const SCENARIO: &'static str = "a measurement is evicted after its last words";

    fn observed(observed: &mut VersionObserved, _: &ModelVersion, _: &Reader) {
        each_exit(observed, |exit| {
            *exit = Exit { code: 0, message: "{\"files\": 3, \"bytes\": 30}".into(), at: exit.at };
        });
    }
}

/// A source without files is not registered.
struct TrustsSources;

impl SeededBug for TrustsSources {
    type Of = Versions;
    const NAME: &'static str = "trusts an empty source";
    const SCENARIO: &'static str = "a source without files";

    fn observed(observed: &mut VersionObserved, _: &ModelVersion, _: &Reader) {
        each_exit(observed, |exit| exit.message = exit.message.replace("\"files\":0", "\"files\":1"));
    }
}

/// The finalizer stands as long as a version may be registered that nobody knows of.
struct LetsGo;

impl SeededBug for LetsGo {
    type Of = Versions;
    const NAME: &'static str = "lets go of what may be registered";
    const SCENARIO: &'static str = "given up before it is known to be registered";

    fn decision(decision: &mut DecisionOf<Versions>, _: &Inputs<'_, Versions>) {
        decision.hold = false;
    }
}

/// Changes how the pods of measurements are said to have ended.
fn each_exit(observed: &mut VersionObserved, change: fn(&mut Exit)) {
    observed.pods.iter_mut().filter_map(|pod| pod.exit.as_mut()).for_each(change);
}
