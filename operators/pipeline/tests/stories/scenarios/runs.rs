//! Runs: by hand, on request, before or after their pipeline.

use std::time::Duration;

use k8s_openapi::api::apps::v1::ControllerRevision;
use millrace_crds::{MLPipeline, ProcessingJob};
use millrace_kit::sim::{Scenario, World};
use serde_json::json;

use super::{
    super::{
        actors::{self, Script},
        objects::{asking, chain, pipeline, run, single},
    },
    a_pipeline, all_ended, by_hand, ends, never, of, plain, runs, with_scripts,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    let mut suspended = chain("i");
    suspended["suspend"] = json!(true);
    let mut bad = chain("i");
    bad["steps"][0]["needs"] = json!(["train"]);
    vec![
        of("one step, made by hand").given(a_pipeline(single())).given(plain).then(ends("Succeeded", "1/1")),
        of("three steps over declared data")
            .given(a_pipeline(chain("i")))
            .given(by_hand)
            .then(ends("Succeeded", "3/3")),
        with_scripts("the pipeline changes while a run goes", |_| {
            Script::Until(|world, _| actors::generation(world) > 1)
        })
        .given(a_pipeline(chain("i")))
        .given(by_hand)
        .actor(|| actors::editor(chain("i2")))
        .then(never(|world| !actors::of_one_revision(world), "an edit reached a run in flight"))
        .then(ends("Succeeded", "3/3")),
        of("a run is there before its pipeline")
            .given(by_hand)
            .actor(|| actors::late(chain("i")))
            .then(ends("Succeeded", "3/3")),
        of("two runs at once")
            .given(a_pipeline(chain("i")))
            .given(by_hand)
            .given(|world| world.apply(&run("s", &json!({"pipeline": "p"}))))
            .then(all_ended),
        of("runs on request, with a short history")
            .given(|world| world.apply(&asking(&chain("i"), "1")))
            .actor(|| actors::clicker(chain("i"), "2"))
            .then(runs(1))
            .then(all_ended),
        of("a run is pinned to a revision that the cache may miss")
            .given(a_pipeline(chain("i")))
            .actor(actors::pinner)
            .then(ends("Succeeded", "3/3")),
        with_scripts("the pipeline is deleted while a run goes", |_| Script::Until(|_, _| false))
            .given(a_pipeline(chain("i")))
            .given(by_hand)
            .when(|world| !world.list::<ProcessingJob>().is_empty(), |world| world.delete::<MLPipeline>("ml", "p"))
            .then(ends(
                "Failed",
                "0/3 features failed (RevisionLost), train failed (RevisionLost), register failed (RevisionLost)",
            )),
        of("somebody else writes into the status")
            .given(a_pipeline(chain("i")))
            .given(by_hand)
            .actor(actors::toucher)
            .then(never(|world| !actors::touched(world), "a foreign write into the status was lost"))
            .then(ends("Succeeded", "3/3")),
        of("a bad pipeline is mended")
            .given(a_pipeline(bad))
            .given(by_hand)
            .when(|world| actors::phase(world, "r") == "Some(Pending)", |world| world.apply(&pipeline(&chain("i"))))
            .then(ends("Succeeded", "3/3")),
        {
            let asked = suspended.clone();
            of("a suspended pipeline is resumed")
                .given(move |world| world.apply(&asking(&asked, "1")))
                .given(by_hand)
                .when(both_are_seen, |world| {
                    world.pass_time(Duration::from_secs(1));
                    world.apply(&asking(&chain("i"), "1"));
                })
                .then(runs(2))
                .then(all_ended)
        },
        of("the pipeline of a run never comes").given(by_hand).then(ends("Failed", "")),
        of("the pipeline of a run is never resumed")
            .given(a_pipeline(suspended))
            .given(by_hand)
            .then(ends("Failed", "")),
        of("a request is taken away before its run can be made")
            .given(|world| {
                world.admission(Some(actors::no_runs));
                world.apply(&asking(&single(), "1"));
            })
            .when(
                |world| world.get::<MLPipeline>("ml", "p").and_then(|p| p.status?.pending_run_request).is_some(),
                |world| {
                    world.change::<MLPipeline>("ml", "p", |p| p.metadata.annotations = None);
                    world.admission(None);
                },
            )
            .then(runs(1))
            .then(all_ended),
    ]
}

/// Both runs were seen while it was suspended; the one that is asked for is created later than the other.
fn both_are_seen(world: &World) -> bool {
    actors::phase(world, "r") == "Some(Pending)" && !world.list::<ControllerRevision>().is_empty()
}
