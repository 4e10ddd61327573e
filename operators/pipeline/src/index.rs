//! Index keys: under which words the cache finds runs, pipelines and shared data. Built here, for both controllers.

use millrace_crds::{MLPipeline, MLPipelineRun};
use millrace_kit::Object;

use crate::{spec::references, verbs};

/// All runs of a pipeline.
pub(crate) fn runs_of(namespace: &str, pipeline: &str) -> String {
    format!("pipeline/{namespace}/{pipeline}")
}

/// The runs of a pipeline that have not frozen it yet.
pub(crate) fn waiting(namespace: &str, pipeline: &str) -> String {
    format!("waiting/{namespace}/{pipeline}")
}

/// The unfinished runs of a revision.
pub(crate) fn executing(namespace: &str, revision: &str) -> String {
    format!("revision/{namespace}/{revision}")
}

/// Data that some other namespace may use; `data` is `bucket/NAME` or `topic/NAME`.
pub(crate) fn shared(data: &str) -> String {
    format!("shared/{data}")
}

/// The keys of a run.
pub(crate) fn of_run(run: &MLPipelineRun) -> Vec<String> {
    let namespace = run.metadata.namespace.as_deref().unwrap_or_default();
    let mut keys = vec![runs_of(namespace, &run.spec.pipeline)];
    let status = run.status.clone().unwrap_or_default();
    match status.revision {
        _ if status.finished_at.is_some() => {}
        Some(revision) => keys.push(executing(namespace, &revision)),
        None => keys.push(waiting(namespace, &run.spec.pipeline)),
    }
    keys
}

/// The keys of a pipeline: the data it uses, by bare name, since another namespace may share it; and what its verbs depend
/// on.
pub(crate) fn of_pipeline(pipeline: &MLPipeline) -> Vec<String> {
    let namespace = pipeline.metadata.namespace.as_deref().unwrap_or_default();
    let of_step = |step| verbs::given(step).flat_map(|verb| verb.index_keys(step, namespace)).collect::<Vec<_>>();
    let data = references::uses(&pipeline.spec).into_keys();
    data.chain(pipeline.spec.steps.iter().flat_map(of_step)).collect()
}

/// The keys of data of the kind `bucket` or `topic`: one, if another namespace may use it.
pub(crate) fn of_data<K: Object>(kind: &str, object: &K, alone: bool) -> Vec<String> {
    let name = object.meta().name.as_deref().unwrap_or_default();
    if alone { Vec::new() } else { vec![shared(&format!("{kind}/{name}"))] }
}
