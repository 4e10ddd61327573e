//! The graph of a simulated Flink job whose parallelism may change.

use std::collections::BTreeMap;

use millrace_crds::Reason;
use millrace_kit::{Class, Failure, sim::World};
use millrace_processing::rest::VertexView;

/// A source that has the job's parallelism, and a sink to which the program gave one of its own.
pub(crate) fn begin(parallelism: i64) -> Vec<VertexView> {
    let vertex = |id: &str, tasks: i32| VertexView { id: id.to_owned(), bounds: (1, tasks), tasks, limit: 128 };
    vec![vertex("source", i32::try_from(parallelism).unwrap()), vertex("sink", 1)]
}

/// What a JobManager does when it is asked for other bounds.
pub(crate) fn rescale(
    world: &World,
    vertices: &mut [VertexView],
    bounds: &BTreeMap<String, (i32, i32)>,
) -> Result<(), Failure> {
    if vertices.iter().any(|v| !bounds.contains_key(&v.id)) {
        return Err(Failure::new(Class::Waiting, Reason::FlinkRefused, "the request is not for all vertices"));
    }
    for vertex in vertices {
        let asked = bounds[&vertex.id];
        if vertex.bounds != asked {
            world.effect(format!("{} shall have {} tasks", vertex.id, asked.1));
            vertex.bounds = asked;
        }
    }
    Ok(())
}

/// The tasks are started anew, as many as asked for.
pub(crate) fn take_over(vertices: &mut [VertexView]) {
    for vertex in vertices {
        vertex.tasks = vertex.bounds.1;
    }
}
