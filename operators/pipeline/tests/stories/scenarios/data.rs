//! Declared data: buckets and topics that belong to others, go, change, or never become ready.

use millrace_crds::{DataBucket, DataTopic, MLPipelineRun, ProcessingJob};
use millrace_kit::sim::{Scenario, World};

use super::{
    super::{
        actors::{self, Script},
        objects::{self, chain, pipeline},
    },
    a_pipeline, alone, by_hand, ends, never, of,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        of("a declared bucket is replaced while it is taken out of the declarations")
            .given(a_pipeline(chain("i")))
            .given(by_hand)
            .when(
                |world| actors::frozen(world) && world.get::<DataBucket>("ml", "raw").is_some(),
                |world| {
                    world.apply(&pipeline(&objects::other_data()));
                    world.vanish::<DataBucket>("ml", "raw");
                    world.apply(&objects::bucket("raw"));
                },
            )
            .then(never(|world| world.get::<DataBucket>("ml", "raw").is_none(), "deleted somebody else's bucket"))
            .then(ends("Succeeded", "3/3")),
        // The bucket is there first, but the caches may hear of it last.
        of("a declared bucket belongs to somebody else")
            .when(
                |_| true,
                |world| {
                    world.apply(&objects::bucket("raw"));
                    world.apply(&pipeline(&chain("i")));
                },
            )
            .then(nothing_ran)
            .then(never(is_owned, "took over a foreign bucket")),
        of("a bucket is taken out of the declarations, and a topic's settings change")
            .given(a_pipeline(chain("i")))
            .given(by_hand)
            .actor(|| actors::editor(objects::other_data()))
            .then(never(has_settings, "a setting that is no longer declared stays"))
            .then(never(|world| world.get::<DataBucket>("ml", "raw").is_some(), "raw was not taken away"))
            .then(ends("Succeeded", "3/3")),
        alone("the data of a pipeline never becomes ready", |_| Script::Good)
            .actor(actors::registry)
            .given(a_pipeline(chain("i")))
            .given(by_hand)
            .then(ends("Failed", "")),
    ]
}

fn nothing_ran(world: &World) -> Result<(), String> {
    if world.list::<MLPipelineRun>().is_empty() && world.list::<ProcessingJob>().is_empty() {
        return Ok(());
    }
    Err("something ran".into())
}

fn is_owned(world: &World) -> bool {
    world.get::<DataBucket>("ml", "raw").unwrap().metadata.owner_references.is_some()
}

fn has_settings(world: &World) -> bool {
    world.get::<DataTopic>("ml", "events").is_some_and(|topic| !topic.spec.topic.config.is_empty())
}
