//! The buckets and topics a pipeline declares, as DataBuckets and DataTopics of the same names.

use millrace_crds::{
    DataBucket, DataBucketSpec, DataTopic, DataTopicSpec, MLPipeline,
    ml_pipeline::{BucketDecl, TopicDecl},
    well_known::DEFAULT_DATA_PLANE,
};

use super::meta;

fn plane(pipeline: &MLPipeline) -> String {
    pipeline.spec.data_plane.clone().unwrap_or_else(|| DEFAULT_DATA_PLANE.to_owned())
}

/// The DataBucket of one declaration.
#[must_use]
pub fn bucket(pipeline: &MLPipeline, declared: &BucketDecl) -> DataBucket {
    let spec = DataBucketSpec { data_plane: plane(pipeline), bucket: declared.bucket.clone() };
    DataBucket { metadata: meta(pipeline, declared.name.clone()), spec, status: None }
}

/// The DataTopic of one declaration.
#[must_use]
pub fn topic(pipeline: &MLPipeline, declared: &TopicDecl) -> DataTopic {
    let spec = DataTopicSpec { data_plane: plane(pipeline), topic: declared.topic.clone() };
    DataTopic { metadata: meta(pipeline, declared.name.clone()), spec, status: None }
}
